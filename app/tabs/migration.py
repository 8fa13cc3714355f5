"""Information migration: when what the image told has moved into the text."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import gradio as gr

from vtw_core.analysis.rows import inside_of
from vtw_core.errors import VTWError
from vtw_core.results.run import Run

from ..components.kbar import kbar, show_kbar
from ..figures import migration, tokens
from ..gradio_internals import hand_on, upload_folder
from ..inputs.clamping import clamped
from ..inputs.pictures import FILE_TYPES, OWN_PICTURE, name_of, path_sent, uploaded
from ..links.view_address import View
from ..requests.events import AGAIN_QUEUE, GLUE_OF_EVENT
from ..requests.refusal import refusal
from ..sections.board import Board
from ..sections.held_k import k_of, keep_k
from ..state import Visitor
from ..words import inside as text
from ..words.library_words import worded

if TYPE_CHECKING:
    from ..service.service import Service

log = logging.getLogger(__name__)

PLACES = ("rows", "image", "token", "state", "grid")
"""The controls' names in an address, in their order."""
LAST = 10_000
"""No state yet: more than any model has, so it becomes the last of a run."""
AT_K = ("settings_table", "lens", "lens_probability", "cosine", "norm_ratio")
"""Charts that show one K, and not only where it stands."""


@dataclass(frozen=True)
class MigrationTab:
    """``outputs`` take what ``show`` returns for ``inputs``; ``places``, of which an address tells,
    what ``arrive`` returns."""

    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]
    places: dict[str, Any]


def choices(
    visitor: Visitor, k: int, rows: Any, image: Any, token: Any, state: Any, grid: Any
) -> migration.Choices:
    """K and the controls' values, in their order."""
    return migration.Choices(k, rows, image, token, state, grid, visitor.eta)


def new_board() -> Board:
    return Board("migration", migration.CHARTS, choices)


def build(service: Service, visitor: gr.State, k: gr.State) -> MigrationTab:
    board, handlers = new_board(), _Handlers(service)
    gr.Markdown(text.MIGRATION_INTRO)
    notice = gr.Markdown(text.NO_INSIDE, visible=False, elem_id="migration-notice")
    with gr.Column(visible=False, elem_classes="inside") as content:
        bar = kbar("migration-k")
        gr.Markdown(f"## {text.SECTION_TOGETHER}", elem_classes="step-title")
        with gr.Row():
            rows = gr.Dropdown(
                [(words, name) for name, words in text.ROWS.items()], value="all_text",
                label=text.CONTROL_ROWS, min_width=250, elem_id="migration-rows",
            )  # fmt: skip
            image = gr.Dropdown(label=text.CONTROL_IMAGE, min_width=250, elem_id="migration-image")
        board.place("joint")
        gr.Markdown(f"## {text.SECTION_CAUSAL}", elem_classes="step-title")
        board.place("settings_table", "causal_kl", "causal_probability")
        with gr.Row(equal_height=True):
            upload = gr.UploadButton(
                text.OTHER_UPLOAD, file_types=FILE_TYPES, size="sm", elem_id="other-upload"
            )
            hand_on(upload, path_sent)
            example = gr.Dropdown(
                [(name_of(one.title), index) for index, one in enumerate(service.examples)],
                value=None, label=text.OTHER_EXAMPLE, elem_id="other-example",
            )  # fmt: skip
        gr.Markdown(f"## {text.SECTION_ATTENTION}", elem_classes="step-title")
        board.place("shares", "share_per_token")
        gr.Markdown(f"## {text.SECTION_LENS}", elem_classes="step-title")
        token = gr.Dropdown(label=text.CONTROL_TOKEN, elem_id="migration-token")
        board.place("lens_probability", "lens")
        with gr.Row() as of_patches:
            state = gr.Slider(
                0, LAST, LAST, step=1, label=text.CONTROL_STATE, elem_id="migration-state"
            )
            grid = gr.Dropdown(label=text.CONTROL_GRID, elem_id="migration-grid")
        board.place("lens_patches")
        gr.Markdown(f"## {text.SECTION_STATES}", elem_classes="step-title")
        board.place("cosine", "norm_ratio")
    controls = {
        rows: ("joint", "shares"),
        image: ("joint", "causal_kl", "causal_probability", "settings_table"),
        token: ("lens", "lens_probability"), state: ("lens_patches",), grid: ("lens_patches",),
    }  # fmt: skip
    board.connect(visitor, k, controls)
    inputs = [visitor, k, *controls]
    moved = bar.release(keep_k, [visitor, k], k, **GLUE_OF_EVENT)
    board.redraw_on(moved.success, AT_K, inputs)
    parts = [board.parts[name] for name in migration.CHARTS]
    outputs = (content, notice, bar, *controls, of_patches, *parts)
    for event, test, source in (
        (upload.upload, handlers.test_upload, upload),
        (example.input, handlers.test_example, example),
    ):
        event(
            test, [source, *inputs], [visitor, *outputs], api_visibility="private",
            show_progress_on=[board.parts["causal_kl"]], **AGAIN_QUEUE,
        )  # fmt: skip
    places = dict(zip(PLACES, controls, strict=True))
    return MigrationTab(inputs=tuple(inputs), outputs=outputs, places=places)


def show(visitor: Visitor, k: int | None, *controls: Any) -> tuple[Any, ...]:
    """The whole tab for the visitor's run; one sentence where nothing was recorded inside it."""
    names = list(migration.CHARTS)
    if visitor.run is None or visitor.run.inside is None:
        nothing = [gr.skip()] * len(controls)
        empty = gr.Column(visible=False), gr.Markdown(visible=True), None
        return *empty, *nothing, gr.skip(), *[None] * len(names)
    run, at = visitor.run, k_of(visitor, k)
    chosen = choices(visitor, at, *controls).clamped(run)
    return (
        gr.Column(visible=True), gr.Markdown(visible=False), show_kbar(run, at),
        *_controls(run, chosen), gr.Row(visible=bool(len(visitor.run.inside.lens.patches))),
        *new_board().values(visitor, chosen, names),
    )  # fmt: skip


def arrive(view: View, run: Run) -> tuple[Any, ...]:
    """The controls that a view tells of; the others stay as the visitor left them."""
    told = {name: getattr(view, name) for name in PLACES}
    if run.inside is None:
        return (gr.skip(),) * len(told)
    given = {name: value for name, value in told.items() if value is not None}
    chosen = migration.Choices(**given).clamped(run)
    return tuple(
        gr.skip() if value is None else control
        for value, control in zip(told.values(), _controls(run, chosen), strict=True)
    )


class _Handlers:
    """One more causal test on the visitor's run."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def test_upload(self, file: str | None, visitor: Visitor, *controls: Any) -> tuple[Any, ...]:
        """With a picture of the visitor's."""
        try:
            roots = [upload_folder()]
            path = uploaded(file, roots, text.OTHER_ELSEWHERE)
        except VTWError as problem:
            raise refusal(worded(problem)) from None
        return self._test(path, OWN_PICTURE, visitor, *controls)

    def test_example(self, index: Any, visitor: Visitor, *controls: Any) -> tuple[Any, ...]:
        """With the picture of one of the page's examples."""
        examples = self.service.examples
        example = examples[clamped(index, 0, len(examples) - 1, 0)]
        return self._test(str(example.image), example.title, visitor, *controls)

    def _test(
        self, other: str, name: str, visitor: Visitor, k: int | None, *controls: Any
    ) -> tuple[Any, ...]:
        if visitor.run is None or visitor.picture is None:
            raise refusal(text.OTHER_NO_PICTURE)
        try:
            run = self.service.test_image(visitor.run, visitor.pictures, other, name)
        except VTWError as problem:
            raise refusal(worded(problem)) from None
        except Exception:
            log.exception("a causal test failed")
            raise refusal(text.OTHER_BROKE) from None
        shown = replace(visitor, run=run)
        rows, _, *rest = controls
        newest = len(inside_of(run).counterfactuals) - 1
        return shown, *show(shown, k, rows, newest, *rest)


def answer_choices(run: Run) -> list[tuple[str, int]]:
    """(words, position) of the answer's tokens."""
    return [
        (text.TOKEN_AT.format(position=t, piece=piece.strip() or tokens.SPACE), t)
        for t, piece in enumerate(run.answer_tokens[run.layers])
    ]


def _controls(run: Run, chosen: migration.Choices) -> tuple[Any, ...]:
    """The controls, offering what this run has."""
    inside = inside_of(run)
    images = [(name_of(test.name), index) for index, test in enumerate(inside.counterfactuals)]
    several = len(set(inside.images)) > 1
    grids = [
        (
            text.GRID_OF_IMAGE.format(rows=rows, cols=cols, image=inside.images[index] + 1)
            if several
            else f"{rows} × {cols}",
            index,
        )
        for index, (rows, cols) in enumerate(inside.grids)
    ]
    return (
        gr.Dropdown(choices=tokens.row_options(run), value=chosen.rows),
        gr.Dropdown(
            choices=images, value=chosen.image if images else None, visible=len(images) > 1
        ),
        gr.Dropdown(choices=answer_choices(run), value=chosen.token),
        gr.Slider(maximum=run.layers, value=chosen.state),
        gr.Dropdown(choices=grids, value=chosen.grid, visible=len(grids) > 1),
    )  # fmt: skip
