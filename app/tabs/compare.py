"""The main tab: a picture and a question in, two answers, the KL curve and the choice of K out."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Any

import gradio as gr

from vtw_core.errors import InputError, VTWError
from vtw_core.families.catalogue import SHIPPED
from vtw_core.results.events import Answers, Curve, Progress, Token
from vtw_core.results.run import Run, choose_k

from ..components.further import show_further
from ..components.workbench import workbench
from ..gradio_internals import drawings_of, hand_on, sent_with, upload_folder
from ..inputs.drawings import keep_few_drawings
from ..inputs.pictures import (
    chosen_picture,
    looks_like_a_photograph,
    name_of,
    path_sent,
    uploaded,
)
from ..links.view_address import View
from ..presenters.view import show_nothing, show_run, show_running
from ..requests.events import IMMEDIATE, IMMEDIATE_EACH, OPENING_QUEUE
from ..sections import model_choice, picture_choice
from ..sections.downloads import cached
from ..sections.held_k import keep_k
from ..sections.picture_choice import Pictures, in_field
from ..sections.run_flow import Done, Line, RunFlow, Updates, Values
from ..state import Visitor
from ..words import page as text
from ..words import share as text_share
from ..words.language import LANGUAGES, speaking
from ..words.library_words import worded
from .tab import Arrival, Shared, Tab

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


class Compare(Tab):
    id = "compare"

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared)
        self.chosen_pictures = Pictures(shared.service)

    @property
    def title(self) -> str:
        return str(text.TAB_COMPARE)

    # ------------------------------------------------------------------ building
    def build(self) -> None:
        service = self.shared.service
        first = show_run(service.examples[0].run, origin="recorded")
        with gr.Row(equal_height=False):
            with gr.Column(scale=3, min_width=310):
                self._build_picture()
                self._build_question()
                self._build_examples()
                self.models = model_choice.build(service, self.shared.model)
            with gr.Column(scale=7, min_width=340):
                self.bench = workbench(first, service.eta)
        # Each with a state of its own: a run that ends must not undo what was clicked meanwhile.
        self.is_drawing, self.picked = gr.State(False), gr.State(0)
        self._connect_inputs()
        self.arrives_at = (
            self.bench, self.run, self.cancel, self.shared.k, self.picture_tabs, self.upload,
            self.prompt, self.is_drawing, self.further.held, self.further.strip,
        )  # fmt: skip
        self._connect_runs()

    def _build_picture(self) -> None:
        opening = self.shared.service.examples[0]
        gr.Markdown(f"## {text.STEP_PICTURE}", elem_classes="step-title")
        with gr.Tabs() as self.picture_tabs:
            with gr.Tab(text.TAB_UPLOAD, id="upload") as self.upload_tab:
                self.upload = gr.Image(
                    value=str(opening.image), type="filepath", image_mode=None, height=240,
                    sources=["upload", "clipboard"], show_label=False, label=text.PICTURE,
                    elem_id="picture", buttons=[],
                )  # fmt: skip
            with gr.Tab(text.TAB_DRAW, id="draw") as self.draw_tab:
                self.canvas = gr.ImageEditor(
                    type="filepath", image_mode="RGBA", canvas_size=CANVAS, fixed_canvas=True,
                    height=340, sources=(), transforms=(), layers=False, format="png",
                    brush=gr.Brush(default_size=16, colors=list(PENS), default_color=PENS[0]),
                    eraser=gr.Eraser(default_size=24), show_label=False, label=text.DRAWING,
                    elem_id="canvas", buttons=[],
                )  # fmt: skip
        self.further = picture_choice.build_further(self.shared.service.model_name)
        keep_few_drawings(self.canvas)
        hand_on(self.upload, path_sent)

    def _build_question(self) -> None:
        service = self.shared.service
        gr.Markdown(f"## {text.STEP_QUESTION}", elem_classes="step-title")
        self.prompt = gr.Textbox(
            service.examples[0].prompt, label=text.QUESTION, placeholder=text.QUESTION_PLACEHOLDER,
            lines=1, max_lines=4, elem_id="question",
        )  # fmt: skip
        with gr.Row(elem_classes="suggestions"):
            self.suggestions = tuple(
                gr.Button(line, size="sm") for line in service.suggestions(service.model_name)
            )
            for suggestion in self.suggestions:
                suggestion.click(lambda line: line, suggestion, self.prompt, **IMMEDIATE)
        with gr.Row():  # side by side, so that nothing below moves when a run begins or ends
            self.run = gr.Button(text.RUN, variant="primary", min_width=120, elem_id="run")
            self.cancel = gr.Button(text.CANCEL, visible=False, min_width=120, elem_id="cancel")

    def _build_examples(self) -> None:
        self.gallery = gr.Gallery(
            [(str(one.image), name_of(one.title)) for one in self.shared.service.examples],
            label=text.EXAMPLES, columns=3, height="auto", allow_preview=False,
            object_fit="cover", elem_id="examples", interactive=False, buttons=[],
        )  # fmt: skip
        self.saved = gr.UploadButton(
            text.OPEN_RUN, size="sm", file_types=[".vtw"], elem_id="open-run"
        )
        hand_on(self.saved, path_sent)

    def _connect_inputs(self) -> None:
        visitor, k, model = self.shared.visitor, self.shared.k, self.shared.model
        self.upload_tab.select(lambda: False, None, self.is_drawing, **IMMEDIATE)
        self.draw_tab.select(lambda: True, None, self.is_drawing, **IMMEDIATE)
        self.draw_tab.select(None, js=_take_the_brush())
        self.bench.release(keep_k, [visitor, k], k, **IMMEDIATE_EACH)
        picture_choice.connect(
            self.shared.service, self.upload, self.further, model, self.models.changed
        )
        self.models.changed.success(self.suggest, {model}, [*self.suggestions], **IMMEDIATE)
        self.shared.kept.submit(self.restore, None, [self.upload, self.prompt], **IMMEDIATE_EACH)

    def _connect_runs(self) -> None:
        visitor, k = self.shared.visitor, self.shared.k
        flow = self.runs = self.flow = RunFlow(self.shared.service, Line(
            self.bench, (self.run,), self.cancel, (visitor, k), running=show_running,
            refused=self._last_run, cancelled=self._cancelled, broken=text.INTERNAL,
        ))  # fmt: skip
        # The browser tells each input of a server's event every status of all later ones, and asks
        # it for its value each time; a canvas uploads itself to answer. So the run reads a note of
        # it.
        self.drawing = gr.JSON(visible=False)
        hand_on(self.drawing, lambda note: _drawing_of(self.canvas, note))
        ran = flow.begin_on(
            [self.run.click, self.prompt.submit], self.model, self.steps,
            [self.upload, self.drawing, self.prompt, self.is_drawing, self.shared.model,
             self.further.held],
            [visitor, k],
            sent=lambda asked: asked.then(
                None, self.canvas, self.drawing, js=_SEND_THE_DRAWING, show_progress="hidden"
            ),
        )  # fmt: skip
        flow.stop_on_cancel()
        everything = [visitor, *self.arrives_at]
        picked = self.gallery.select(
            self.pick, None, [self.picked, flow.waits], cancels=[*flow.running], **IMMEDIATE_EACH
        ).then(self.show_example, {self.picked, visitor}, everything, **IMMEDIATE)
        opened = flow.stop_on(self.saved.upload, **IMMEDIATE).then(
            self.open_run, {self.saved, visitor, k}, everything, show_progress="hidden",
            api_visibility="private", **OPENING_QUEUE,
        )  # fmt: skip
        self.finished = (picked, opened, ran)

    # ------------------------------------------------------------------ runs
    def model(self, values: Values) -> str:
        name: str = values[self.shared.model]
        return name

    def steps(self, values: Values) -> Generator[Any, None, None]:
        """Both answers as they grow, and the curve."""
        is_drawing, model = values[self.is_drawing], self.model(values)
        held, visitor = values[self.further.held], values[self.shared.visitor]
        drawn = _path_of_drawing(values[self.drawing]) if is_drawing else None
        roots = self.chosen_pictures.roots
        path = chosen_picture(values[self.upload], drawn, is_drawing=is_drawing, roots=roots)
        pictures = self.chosen_pictures.asked(path, held, model)
        for shown in self._stream(pictures, values[self.prompt], model):
            if isinstance(shown, Run):
                bench = show_run(shown, origin="live", notice=self._hint(path, model))
                now = Visitor(shown, "live", path, visitor.eta, tuple(held))
                yield Done(bench, {self.shared.visitor: now, self.shared.k: None})
            else:
                yield shown

    def _stream(
        self, pictures: tuple[str, ...], prompt: str, model: str
    ) -> Generator[dict[str, Any] | Run, None, None]:
        yield show_running(text.STARTING, 0.0)
        message, fraction, baseline, withdrawn = text.BASELINE_RUNS, 0.0, "", ""
        k: int | None = None
        layers: int | None = None
        for event in self.shared.service.explore(pictures, prompt, model):
            if isinstance(event, Run):
                yield event
                return
            if isinstance(event, Progress):
                fraction = event.done / event.total
                message = text.CURVE_RUNS if event.done and k is None else message
            elif isinstance(event, Curve):
                layers, message = len(event.kl_positions) - 1, text.ANSWERS_RUN
                eta = self.shared.service.eta
                k = choose_k(event.kl_positions[:, 0], eta, k_min=event.k_min)
            elif isinstance(event, Token):
                baseline = event.text_so_far
            elif isinstance(event, Answers) and k is not None:
                withdrawn = event.texts[k]
            yield show_running(
                message, fraction, layers=layers, baseline=baseline, withdrawn=withdrawn, k=k
            )

    def _hint(self, path: str, model: str) -> str | None:
        """That a photograph is nothing for this model, and which would do."""
        if model not in SHIPPED or not looks_like_a_photograph(path):
            return None
        models = self.shared.service.models
        has_others = models.free or len(models.offers) > 1
        return str(text.PHOTOGRAPH if has_others else text.PHOTOGRAPH_ALONE)

    def _last_run(self, values: Values, notice: str) -> dict[str, Any]:
        visitor: Visitor = values[self.shared.visitor]
        if visitor.run is None:
            return show_nothing(notice)
        k = values[self.shared.k]
        return show_run(visitor.run, origin=visitor.origin, k=k, notice=notice)

    def _cancelled(self, values: Values) -> dict[str, Any]:
        has_run = values[self.shared.visitor].run is not None
        return self._last_run(values, text.CANCELLED if has_run else text.CANCELLED_FIRST)

    # ------------------------------------------------------------------ another run is shown
    def pick(self, event: gr.SelectData) -> Updates:
        """Which example, and that no run waits any more."""
        index = event.index if isinstance(event.index, int) else 0
        return {self.picked: index, self.runs.waits: False}

    def show_example(self, values: Values) -> Updates:
        """A recorded example: picture, question and result at once, without the model."""
        examples = self.shared.service.examples
        example = examples[max(0, min(values[self.picked], len(examples) - 1))]
        eta = values[self.shared.visitor].eta
        shown = Visitor(example.run, "recorded", str(example.image), eta)
        there = Arrival(View(), shown, example.run, in_front=True, question=example.prompt)
        return {self.shared.visitor: shown, **self.arrive(there)}

    def open_run(self, values: Values, request: gr.Request) -> Updates:
        """A saved run from a visitor's file; its picture is not in it."""
        service, visitor = self.shared.service, values[self.shared.visitor]
        try:
            roots = [upload_folder()]
            path = uploaded(values[self.saved], roots, text.RUN_ELSEWHERE)
            run = service.opened.open(path, service.limits.networks.of(request))
        except VTWError as problem:
            return self.runs.line.idle(self._last_run(values, worded(problem)))
        return {
            **self.runs.line.idle(show_run(run, origin="opened")),
            self.shared.visitor: Visitor(run, "opened", eta=visitor.eta), self.shared.k: None,
            self.picture_tabs: gr.Tabs(selected="upload"), self.upload: None,
            self.prompt: run.prompt, self.is_drawing: False,
            self.further.held: (), self.further.strip: show_further(()),
        }  # fmt: skip

    def arrive(self, arrival: Arrival) -> Updates:
        """A recorded example with its picture and a question, or the run that is there."""
        visitor, view, question = arrival.visitor, arrival.view, arrival.question
        bench = show_nothing()
        if visitor.run is not None:
            waits = view.get("prompt") not in (None, visitor.run.prompt)
            notice = text_share.OWN_QUESTION if waits else None
            bench = show_run(visitor.run, origin=visitor.origin, k=view.get("k"), notice=notice)
        updates = {**self.runs.line.idle(bench), self.shared.k: view.get("k")}
        if question is not None or arrival.draws:
            updates[self.picture_tabs] = gr.Tabs(selected="draw" if arrival.draws else "upload")
            updates[self.is_drawing] = arrival.draws and question is None
        if question is not None:
            updates |= {
                self.upload: in_field(visitor.picture), self.prompt: question,
                self.further.held: visitor.further,
                self.further.strip: show_further(visitor.further),
            }  # fmt: skip
        return updates

    # ------------------------------------------------------------------ the left column
    def suggest(self, values: Values) -> Updates:
        """Questions for the model that was chosen."""
        lines = self.shared.service.suggestions(values[self.shared.model])
        return dict(zip(self.suggestions, lines, strict=True))

    def restore(self, event: gr.EventData) -> Any:
        """The picture and the question that a visitor had before the server forgot his page."""
        sent: dict[str, Any] = sent_with(event)
        updates: Updates = {}
        try:
            roots = [upload_folder()]
            updates[self.upload] = uploaded(sent.get("path"), roots, text.PICTURE_ELSEWHERE)
        except InputError:
            pass
        question = sent.get("question")
        if isinstance(question, str) and question:
            updates[self.prompt] = question
        return updates or gr.skip()


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
