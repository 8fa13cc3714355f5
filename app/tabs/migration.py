"""Information migration: when what the image told has moved into the text."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import gradio as gr

from vtw_core.analysis.rows import inside_of
from vtw_core.errors import VTWError
from vtw_core.results.run import Run

from ..components.kbar import kbar, show_kbar
from ..figures import migration, tokens
from ..gradio_internals import hand_on, upload_folder
from ..inputs.clamping import clamped
from ..inputs.pictures import FILE_TYPES, OWN_PICTURE, name_of, path_sent, uploaded
from ..links.view_address import Field, rows, whole
from ..requests.events import AGAIN_QUEUE, IMMEDIATE_EACH
from ..requests.refusal import refusal
from ..sections.board import Board
from ..sections.held_k import k_of, keep_k
from ..sections.run_flow import Updates, Values
from ..state import Visitor
from ..words import inside as text
from ..words.library_words import worded
from .tab import Arrival, Tab

if TYPE_CHECKING:
    from ..service.service import Service

log = logging.getLogger(__name__)

LAST = 10_000
"""No state yet: more than any model has, so it becomes the last of a run."""
AT_K = ("settings_table", "lens", "lens_probability", "cosine", "norm_ratio")
"""Charts that show one K, and not only where it stands."""


class Migration(Tab):
    id = "migration"

    @property
    def title(self) -> str:
        return str(text.TAB_MIGRATION)

    @classmethod
    def fields(cls, service: Service) -> tuple[Field, ...]:
        return (
            rows("all_text"),
            whole("image", lambda run: len(run.inside.counterfactuals) - 1 if run.inside else -1),
            whole("token", lambda run: len(run.answer_ids[run.layers]) - 1),  # of the answer
            whole("state", lambda run: run.layers),  # of the logit lens on patches
            whole("grid", lambda run: len(run.inside.grids) - 1 if run.inside else -1),
        )

    def build(self) -> None:
        visitor, k = self.shared.visitor, self.shared.k
        self.board = board = Board("migration", migration.CHARTS, self._source)
        gr.Markdown(text.MIGRATION_INTRO)
        self.notice = gr.Markdown(text.NO_INSIDE, visible=False, elem_id="migration-notice")
        with gr.Column(visible=False, elem_classes="inside") as self.content:
            self.bar = kbar("migration-k")
            gr.Markdown(f"## {text.SECTION_TOGETHER}", elem_classes="step-title")
            with gr.Row():
                self.rows = gr.Dropdown(
                    [(words, name) for name, words in text.ROWS.items()], value="all_text",
                    label=text.CONTROL_ROWS, min_width=250, elem_id="migration-rows",
                )  # fmt: skip
                self.image = gr.Dropdown(
                    label=text.CONTROL_IMAGE, min_width=250, elem_id="migration-image"
                )
            board.place("joint")
            gr.Markdown(f"## {text.SECTION_CAUSAL}", elem_classes="step-title")
            board.place("settings_table", "causal_kl", "causal_probability")
            with gr.Row(equal_height=True):
                self.upload = gr.UploadButton(
                    text.OTHER_UPLOAD, file_types=FILE_TYPES, size="sm", elem_id="other-upload"
                )
                hand_on(self.upload, path_sent)
                self.example = gr.Dropdown(
                    [(name_of(one.title), index)
                     for index, one in enumerate(self.shared.service.examples)],
                    value=None, label=text.OTHER_EXAMPLE, elem_id="other-example",
                )  # fmt: skip
            gr.Markdown(f"## {text.SECTION_ATTENTION}", elem_classes="step-title")
            board.place("shares", "share_per_token")
            gr.Markdown(f"## {text.SECTION_LENS}", elem_classes="step-title")
            self.token = gr.Dropdown(label=text.CONTROL_TOKEN, elem_id="migration-token")
            board.place("lens_probability", "lens")
            with gr.Row() as self.of_patches:
                self.state = gr.Slider(
                    0, LAST, LAST, step=1, label=text.CONTROL_STATE, elem_id="migration-state"
                )
                self.grid = gr.Dropdown(label=text.CONTROL_GRID, elem_id="migration-grid")
            board.place("lens_patches")
            gr.Markdown(f"## {text.SECTION_STATES}", elem_classes="step-title")
            board.place("cosine", "norm_ratio")
        moves = {
            self.rows: ("joint", "shares"),
            self.image: ("joint", "causal_kl", "causal_probability", "settings_table"),
            self.token: ("lens", "lens_probability"), self.state: ("lens_patches",),
            self.grid: ("lens_patches",),
        }  # fmt: skip
        self.inputs = (visitor, k, *moves)
        board.connect(self.inputs, moves)
        moved = self.bar.release(keep_k, [visitor, k], k, **IMMEDIATE_EACH)
        board.redraw_on(moved.success, AT_K, self.inputs)
        self.outputs = (
            self.content,
            self.notice,
            self.bar,
            *moves,
            self.of_patches,
            *board.parts.values(),
        )
        self.controls = {
            "rows": self.rows, "image": self.image, "token": self.token, "state": self.state,
            "grid": self.grid,
        }  # fmt: skip
        for event, test, asked in (
            (self.upload.upload, self.test_upload, self.upload),
            (self.example.input, self.test_example, self.example),
        ):
            event(
                test, {asked, *self.inputs}, [visitor, *self.outputs], api_visibility="private",
                show_progress_on=[board.parts["causal_kl"]], **AGAIN_QUEUE,
            )  # fmt: skip

    def show(self, values: Values) -> Updates:
        """The whole tab for the visitor's run; one sentence where nothing was recorded inside."""
        source = self._source(values)
        drawn = self.board.draw(source)
        if source is None:
            return {
                self.content: gr.Column(visible=False), self.notice: gr.Markdown(visible=True),
                self.bar: None, **drawn,
            }  # fmt: skip
        run, chosen = source
        return {
            self.content: gr.Column(visible=True), self.notice: gr.Markdown(visible=False),
            self.bar: show_kbar(run, k_of(values[self.shared.visitor], values[self.shared.k])),
            self.of_patches: gr.Row(visible=bool(len(inside_of(run).lens.patches))),
            **self._controls(run, chosen), **drawn,
        }  # fmt: skip

    def arrive(self, arrival: Arrival) -> Updates:
        run, said = arrival.run, arrival.view
        if run.inside is None:
            return {}
        given = {name: said[name] for name in self.controls if name in said}
        updates = self._controls(run, migration.Choices(**given).clamped(run))
        return {part: updates[part] for name, part in self.controls.items() if name in said}

    def _source(self, values: Values) -> tuple[Run, migration.Choices] | None:
        visitor = values[self.shared.visitor]
        if visitor.run is None or visitor.run.inside is None:
            return None
        chosen = migration.Choices(
            k_of(visitor, values[self.shared.k]), eta=visitor.eta,
            **{name: values[part] for name, part in self.controls.items()},
        )  # fmt: skip
        return visitor.run, chosen.clamped(visitor.run)

    def _controls(self, run: Run, chosen: migration.Choices) -> Updates:
        """The controls, offering what this run has."""
        tests, grids = inside_of(run).counterfactuals, grid_choices(run)
        images = [(name_of(test.name), index) for index, test in enumerate(tests)]
        return {
            self.rows: gr.Dropdown(choices=tokens.row_options(run), value=chosen.rows),
            self.image: gr.Dropdown(
                choices=images, value=chosen.image if images else None, visible=len(images) > 1
            ),
            self.token: gr.Dropdown(choices=answer_choices(run), value=chosen.token),
            self.state: gr.Slider(maximum=run.layers, value=chosen.state),
            self.grid: gr.Dropdown(choices=grids, value=chosen.grid, visible=len(grids) > 1),
        }

    # ------------------------------------------------------------------ one more causal test
    def test_upload(self, values: Values) -> Updates:
        """With a picture of the visitor's."""
        try:
            roots = [upload_folder()]
            path = uploaded(values[self.upload], roots, text.OTHER_ELSEWHERE)
        except VTWError as problem:
            raise refusal(worded(problem)) from None
        return self._test(path, OWN_PICTURE, values)

    def test_example(self, values: Values) -> Updates:
        """With the picture of one of the page's examples."""
        examples = self.shared.service.examples
        example = examples[clamped(values[self.example], 0, len(examples) - 1, 0)]
        return self._test(str(example.image), example.title, values)

    def _test(self, other: str, name: str, values: Values) -> Updates:
        visitor: Visitor = values[self.shared.visitor]
        if visitor.run is None or visitor.picture is None:
            raise refusal(text.OTHER_NO_PICTURE)
        try:
            run = self.shared.service.test_image(visitor.run, visitor.pictures, other, name)
        except VTWError as problem:
            raise refusal(worded(problem)) from None
        except Exception:
            log.exception("a causal test failed")
            raise refusal(text.OTHER_BROKE) from None
        tested = {
            self.shared.visitor: replace(visitor, run=run),
            self.image: len(inside_of(run).counterfactuals) - 1,  # the newest
        }
        shown = self.show({**values, **tested})
        return {**shown, self.shared.visitor: tested[self.shared.visitor]}


def answer_choices(run: Run) -> list[tuple[str, int]]:
    """(words, position) of the answer's tokens."""
    return [
        (text.TOKEN_AT.format(position=t, piece=piece.strip() or tokens.SPACE), t)
        for t, piece in enumerate(run.answer_tokens[run.layers])
    ]


def grid_choices(run: Run) -> list[tuple[str, int]]:
    """(words, index) of the grids of patches."""
    inside = inside_of(run)
    several = len(set(inside.images)) > 1
    return [
        (
            text.GRID_OF_IMAGE.format(rows=rows, cols=cols, image=inside.images[index] + 1)
            if several
            else f"{rows} × {cols}",
            index,
        )
        for index, (rows, cols) in enumerate(inside.grids)
    ]
