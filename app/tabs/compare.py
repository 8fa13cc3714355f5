"""The main tab: a picture and a question in, two answers, the KL curve and the choice of K out."""

from __future__ import annotations

import json
import logging
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from vtw_core.errors import VTWError
from vtw_core.families.catalogue import SHIPPED
from vtw_core.results.events import Answers, Curve, Progress, Token
from vtw_core.results.run import Run, choose_k

from ..components.further import show_further
from ..components.workbench import workbench
from ..gradio_internals import drawings_of, hand_on, upload_folder
from ..inputs.drawings import keep_few_drawings
from ..inputs.pictures import (
    chosen_picture,
    looks_like_a_photograph,
    name_of,
    path_sent,
    uploaded,
)
from ..links.view_address import View
from ..presenters.models_view import loading_steps
from ..presenters.view import show_nothing, show_run, show_running
from ..requests.events import (
    GLUE,
    GLUE_OF_EVENT,
    GLUE_OF_START,
    LOADING_QUEUE,
    MODEL_QUEUE,
    OPENING_QUEUE,
)
from ..sections import model_choice, picture_choice
from ..sections.downloads import cached
from ..sections.held_k import keep_k
from ..sections.model_choice import ModelChoice
from ..sections.picture_choice import Further, Pictures, in_field
from ..state import Visitor
from ..words import page as text
from ..words import share as text_share
from ..words.language import LANGUAGES, speaking
from ..words.library_words import worded

if TYPE_CHECKING:
    from ..service.service import Service

log = logging.getLogger(__name__)

CANVAS = (320, 320)
PENS = ["#dc2828", "#2da03c", "#2d50dc", "#f0d728", "#f58c1e", "#8c32b4", "#fa8cc3", "#191919"]
# The canvas comes without a tool in hand; a visitor who opens it wants to draw. Its buttons have
# names in the browser's language, which need not be the page's. Where a browser has no WebGL,
# Gradio's canvas stays empty without a word.
_TAKE_THE_BRUSH = """() => {{
  const canvas = document.querySelector('#canvas');
  const context = (kind) => document.createElement('canvas').getContext(kind);
  if (canvas && !canvas.querySelector('.no-webgl') && !context('webgl2') && !context('webgl')) {{
    const told = document.createElement('p');
    told.className = 'no-webgl';
    told.setAttribute('role', 'alert');
    told.textContent = {no_webgl};
    canvas.prepend(told);
  }}
  let tries = 0;
  const named = (names) => names.map((name) => `#canvas button[aria-label="${{name}}" i]`).join();
  const take = () => {{
    const brush = document.querySelector(named({brush}));
    const taken = document.querySelector(named({size}));
    if (!taken && brush) brush.click();
    if (!taken && (tries += 1) < 300) setTimeout(take, 100);
  }};
  take();
}}"""

_SEND_THE_DRAWING = """(drawn) => {
  if (drawn?.id) return { id: drawn.id };
  return drawn?.composite ? { path: drawn.composite.path } : null;
}"""


def _take_the_brush() -> str:
    words = {"no_webgl": json.dumps(text.NO_WEBGL)}
    for name, key in (("brush", "image_editor.brush"), ("size", "image_editor.brush_size")):
        names = []
        for code in LANGUAGES:
            with speaking(code):
                names.append(text.GRADIO[key])
        words[name] = json.dumps(names)
    return _TAKE_THE_BRUSH.format(**words)


@dataclass(frozen=True)
class CompareTab:
    """What the page needs of this tab: the events after which another run is shown, and K.

    ``k`` is where the visitor left K, or None for K*; `app.sections.held_k` reads a slider.
    ``model`` is the one that the next run asks. Who cancels ``running``, the steps of a run, sets
    ``waits`` to False, too; ``outputs`` take what `show_view` returns.
    """

    finished: tuple[Any, ...]
    k: gr.State
    model: gr.State
    running: tuple[Any, ...]
    waits: gr.State
    outputs: tuple[Any, ...]
    upload: gr.Image
    prompt: gr.Textbox


@dataclass(frozen=True)
class _Inputs:
    """The components of the left column."""

    picture_tabs: gr.Tabs
    upload_tab: gr.Tab
    draw_tab: gr.Tab
    upload: gr.Image
    canvas: gr.ImageEditor
    further: Further
    prompt: gr.Textbox
    run: gr.Button
    cancel: gr.Button
    gallery: gr.Gallery
    open_run: gr.UploadButton
    suggestions: tuple[gr.Button, ...]
    models: ModelChoice


def build(service: Service, visitor: gr.State, first: dict[str, Any]) -> CompareTab:
    with gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=310):
            left = _build_inputs(service)
        with gr.Column(scale=7, min_width=340):
            bench = workbench(first, service.eta)
    return _connect(_Handlers(service), left, bench, visitor)


def _build_inputs(service: Service) -> _Inputs:
    opening = service.examples[0]
    gr.Markdown(f"## {text.STEP_PICTURE}", elem_classes="step-title")
    with gr.Tabs() as picture_tabs:
        with gr.Tab(text.TAB_UPLOAD, id="upload") as upload_tab:
            upload = gr.Image(
                value=str(opening.image), type="filepath", image_mode=None, height=240,
                sources=["upload", "clipboard"], show_label=False, label=text.PICTURE,
                elem_id="picture", buttons=[],
            )  # fmt: skip
        with gr.Tab(text.TAB_DRAW, id="draw") as draw_tab:
            canvas = gr.ImageEditor(
                type="filepath", image_mode="RGBA", canvas_size=CANVAS, fixed_canvas=True,
                height=340, sources=(), transforms=(), layers=False, format="png",
                brush=gr.Brush(default_size=16, colors=list(PENS), default_color=PENS[0]),
                eraser=gr.Eraser(default_size=24), show_label=False, label=text.DRAWING,
                elem_id="canvas", buttons=[],
            )  # fmt: skip
    further = picture_choice.build_further(service.model_name)
    gr.Markdown(f"## {text.STEP_QUESTION}", elem_classes="step-title")
    prompt = gr.Textbox(
        opening.prompt, label=text.QUESTION, placeholder=text.QUESTION_PLACEHOLDER,
        lines=1, max_lines=4, elem_id="question",
    )  # fmt: skip
    with gr.Row(elem_classes="suggestions"):
        suggestions = tuple(
            gr.Button(line, size="sm") for line in service.suggestions(service.model_name)
        )
        for suggestion in suggestions:
            suggestion.click(lambda line: line, suggestion, prompt, **GLUE)
    with gr.Row():  # side by side, so that nothing below moves when a run begins or ends
        run = gr.Button(text.RUN, variant="primary", min_width=120, elem_id="run")
        cancel = gr.Button(text.CANCEL, visible=False, min_width=120, elem_id="cancel")
    gallery = gr.Gallery(
        [(str(example.image), name_of(example.title)) for example in service.examples],
        label=text.EXAMPLES, columns=3, height="auto", allow_preview=False,
        object_fit="cover", elem_id="examples", interactive=False, buttons=[],
    )  # fmt: skip
    open_run = gr.UploadButton(text.OPEN_RUN, size="sm", file_types=[".vtw"], elem_id="open-run")
    models = model_choice.build(service)
    keep_few_drawings(canvas)
    hand_on(upload, path_sent)
    hand_on(open_run, path_sent)
    return _Inputs(picture_tabs, upload_tab, draw_tab, upload, canvas, further, prompt, run, cancel,
                   gallery, open_run, suggestions, models)  # fmt: skip


def _connect(handlers: _Handlers, left: _Inputs, bench: gr.HTML, visitor: gr.State) -> CompareTab:
    # Each with a state of its own: a run that ends must not undo what was clicked meanwhile.
    is_drawing, k, picked_index = gr.State(False), gr.State(None), gr.State(0)
    waits = gr.State(False)
    shown = [bench, left.run, left.cancel]

    left.upload_tab.select(lambda: False, None, is_drawing, **GLUE)
    left.draw_tab.select(lambda: True, None, is_drawing, **GLUE)
    left.draw_tab.select(None, js=_take_the_brush())
    bench.release(keep_k, [visitor, k], k, **GLUE_OF_EVENT)

    further, models = left.further, left.models
    picture_choice.connect(handlers.service, left.upload, further, models.model, models.changed)
    # First "waiting", at once.
    asked = gr.on(
        [left.run.click, left.prompt.submit], handlers.wait, None, [*shown, waits],
        **GLUE_OF_START,
    )  # fmt: skip
    # The browser tells each input of a server's event every status of all later ones, and asks it
    # for its value each time; a canvas uploads itself to answer. So the run reads a note of it.
    drawing = gr.JSON(visible=False)
    hand_on(drawing, lambda note: _drawing_of(left.canvas, note))
    sent = asked.then(None, left.canvas, drawing, js=_SEND_THE_DRAWING, show_progress="hidden")
    # Behind it the model, where it is not there; then the run, when its turn has come.
    model = left.models.model
    streamed: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    loaded = sent.then(
        handlers.load, [visitor, k, model, waits], [*shown, waits], **streamed, **LOADING_QUEUE
    )
    ran = loaded.success(
        handlers.run,
        [left.upload, drawing, left.prompt, is_drawing, visitor, k, model, waits, further.held],
        [*shown, visitor, k, waits],
        **streamed,
        **MODEL_QUEUE,
    )
    running = (loaded, ran)
    for step in running:
        step.failure(handlers.refuse, [visitor, k, waits], shown, **GLUE)

    # First stop the stream, then show what comes instead: the other way round, events of the run
    # that are still on their way would be drawn over it.
    left.cancel.click(lambda: False, None, waits, cancels=[*running], **GLUE).then(
        handlers.cancel, [visitor, k], shown, **GLUE
    )
    everything = (
        *shown, visitor, k, left.picture_tabs, left.upload, left.prompt, is_drawing, further.held,
        further.strip,
    )  # fmt: skip
    picked = left.gallery.select(
        _picked, None, [picked_index, waits], cancels=[*running], **GLUE_OF_EVENT
    ).then(handlers.pick_example, [picked_index, visitor], [*everything], **GLUE)
    opened = left.open_run.upload(lambda: False, None, waits, cancels=[*running], **GLUE).then(
        handlers.open_run, [left.open_run, visitor, k], [*everything], **streamed, **OPENING_QUEUE
    )
    left.models.changed.success(handlers.suggest, model, [*left.suggestions], **GLUE)
    return CompareTab(
        (picked, opened, ran), k, model, running, waits, everything, left.upload, left.prompt
    )


class _Handlers:
    """What happens on each event; bench, run button and cancel button come first in all outputs."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.pictures = Pictures(service)

    def wait(self) -> tuple[Any, ...]:
        return show_running(text.WAITING, 0.0), *_busy(), True

    def load(
        self, visitor: Visitor, k: int | None, model: str, waits: bool
    ) -> Generator[tuple[Any, ...], None, None]:
        """The visitor's model, where others made it leave or it is still on its way."""
        yield *(gr.skip(),) * 3, waits  # a stream without any answer would empty what it is for
        if not waits:  # cancelled while the drawing was on its way
            return
        try:
            for message, share in loading_steps(self.service, model):
                yield show_running(message, share), *_busy(), True
        except VTWError as problem:
            yield _last_run(visitor, k, worded(problem)), *_idle(), False

    def run(
        self,
        upload: str | None,
        drawing: str | bytes | None,
        prompt: str,
        is_drawing: bool,
        visitor: Visitor,
        k: int | None,
        model: str,
        waits: bool,
        further: tuple[str, ...] = (),
    ) -> Generator[tuple[Any, ...], None, None]:
        """Stream both answers and the curve; on bad input show one sentence and the last run."""
        keep = gr.skip(), gr.skip(), False
        if not waits:  # the model could not be loaded, which has been said
            yield *(gr.skip(),) * 3, *keep
            return
        try:
            drawn = _path_of_drawing(drawing) if is_drawing else None
            roots = self.pictures.roots
            path = chosen_picture(upload, drawn, is_drawing=is_drawing, roots=roots)
            pictures = self.pictures.asked(path, further, model)
            for shown in self._stream(pictures, prompt, model):
                if isinstance(shown, Run):
                    hint = self._hint(path, model)
                    yield (
                        show_run(shown, origin="live", notice=hint), *_idle(),
                        Visitor(shown, "live", path, visitor.eta, tuple(further)), None, False,
                    )  # fmt: skip
                else:
                    yield shown, *_busy(), *keep
        except VTWError as problem:
            yield _last_run(visitor, k, worded(problem)), *_idle(), *keep
        except Exception:
            log.exception("a run failed")
            yield _last_run(visitor, k, text.INTERNAL), *_idle(), *keep

    def _hint(self, path: str, model: str) -> str | None:
        """That a photograph is nothing for this model, and which would do."""
        if model not in SHIPPED or not looks_like_a_photograph(path):
            return None
        models = self.service.models
        has_others = models.free or len(models.offers) > 1
        return str(text.PHOTOGRAPH if has_others else text.PHOTOGRAPH_ALONE)

    def suggest(self, model: str) -> list[str]:
        """Questions for the model that was chosen."""
        return list(self.service.suggestions(model))

    def _stream(
        self, pictures: tuple[str, ...], prompt: str, model: str
    ) -> Iterator[dict[str, Any] | Run]:
        yield show_running(text.STARTING, 0.0)
        message, fraction, baseline, withdrawn = text.BASELINE_RUNS, 0.0, "", ""
        k: int | None = None
        layers: int | None = None
        for event in self.service.explore(pictures, prompt, model):
            if isinstance(event, Run):
                yield event
                return
            if isinstance(event, Progress):
                fraction = event.done / event.total
                message = text.CURVE_RUNS if event.done and k is None else message
            elif isinstance(event, Curve):
                layers, message = len(event.kl_positions) - 1, text.ANSWERS_RUN
                k = choose_k(event.kl_positions[:, 0], self.service.eta, k_min=event.k_min)
            elif isinstance(event, Token):
                baseline = event.text_so_far
            elif isinstance(event, Answers) and k is not None:
                withdrawn = event.texts[k]
            yield show_running(
                message, fraction, layers=layers, baseline=baseline, withdrawn=withdrawn, k=k
            )

    def refuse(
        self, visitor: Visitor, k: int | None, waits: bool, request: gr.Request
    ) -> tuple[Any, ...]:
        """The queue was full, or the visitor's limit reached. A cancelled run ends as a
        failure too, but no longer waits."""
        if not waits:
            return (gr.skip(),) * 3
        why = self.service.limits.why_refused(request.session_hash, text.QUEUE_IS_FULL)
        return _last_run(visitor, k, why), *_idle()

    def cancel(self, visitor: Visitor, k: int | None) -> tuple[Any, ...]:
        message = text.CANCELLED if visitor.run is not None else text.CANCELLED_FIRST
        return _last_run(visitor, k, message), *_idle()

    def pick_example(self, index: int, visitor: Visitor) -> tuple[Any, ...]:
        """A recorded example: picture, question and result at once, without the model."""
        example = self.service.examples[max(0, min(index, len(self.service.examples) - 1))]
        shown = Visitor(example.run, "recorded", str(example.image), visitor.eta)
        return show_view(shown, View(), example.prompt)

    def open_run(
        self, file: str | None, visitor: Visitor, k: int | None, request: gr.Request
    ) -> tuple[Any, ...]:
        """A saved run from a visitor's file; its picture is not in it."""
        keep = (gr.skip(),) * 8
        try:
            path = uploaded(file, [upload_folder()], text.RUN_ELSEWHERE)
            run = self.service.opened.open(path, self.service.limits.networks.of(request))
        except VTWError as problem:
            return _last_run(visitor, k, worded(problem)), *_idle(), *keep
        return (
            show_run(run, origin="opened"), *_idle(), Visitor(run, "opened", eta=visitor.eta),
            None, gr.Tabs(selected="upload"), None, run.prompt, False, (), show_further(()),
        )  # fmt: skip


def show_view(
    visitor: Visitor, view: View, question: str | None, *, draws: bool = False
) -> tuple[Any, ...]:
    """The whole tab: a recorded example with its picture and a question, or the run that is there.

    Args:
        view: where K stands, and whether its question still waits to be asked.
        question: for the box; None leaves the visitor's picture and question alone.
        draws: whether the canvas is put in front.
    """
    bench = show_nothing()
    if visitor.run is not None:
        waits = view.prompt not in (None, visitor.run.prompt)
        notice = text_share.OWN_QUESTION if waits else None
        bench = show_run(visitor.run, origin=visitor.origin, k=view.k, notice=notice)
    front = gr.Tabs(selected="draw" if draws else "upload")
    further = visitor.further, show_further(visitor.further)
    left: tuple[Any, ...] = (front, in_field(visitor.picture), question, False, *further)
    if question is None:
        drawn = (front, True) if draws else (gr.skip(), gr.skip())
        left = (drawn[0], gr.skip(), gr.skip(), drawn[1], gr.skip(), gr.skip())
    return bench, *_idle(), visitor, view.k, *left


def _busy() -> tuple[gr.Button, gr.Button]:
    return gr.Button(interactive=False), gr.Button(visible=True)


def _idle() -> tuple[gr.Button, gr.Button]:
    return gr.Button(interactive=True), gr.Button(visible=False)


def _picked(event: gr.SelectData) -> tuple[int, bool]:
    """Which example, and that no run waits any more."""
    return (event.index if isinstance(event.index, int) else 0), False


def _drawing_of(canvas: gr.ImageEditor, note: Any) -> str | bytes | None:
    """The flattened drawing, or the path of one, not yet opened; layers and background are not
    looked at.

    Args:
        note: what the browser says of it, a visitor's input: where it was uploaded to, or under
            which id it was sent.
    """
    said = note if isinstance(note, dict) else {}
    path, name = said.get("path"), said.get("id")
    if isinstance(path, str):
        return path
    blobs = drawings_of(canvas).pop(name, None) if isinstance(name, str) else None
    return blobs.composite or None if blobs is not None else None


def _path_of_drawing(drawing: str | bytes | None) -> str | None:
    return cached(drawing, "drawing.png") if isinstance(drawing, bytes) else drawing


def _last_run(visitor: Visitor, k: int | None, notice: str) -> dict[str, Any]:
    if visitor.run is None:
        return show_nothing(notice)
    return show_run(visitor.run, origin=visitor.origin, k=k, notice=notice)
