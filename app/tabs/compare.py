"""The main tab: a picture and a question in, two answers, the KL curve and the choice of K out."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from app import text
from app.components.workbench import workbench
from app.pictures import chosen_picture
from app.state import Visitor
from app.view import show_nothing, show_run, show_running
from vtw_core.errors import VTWError
from vtw_core.events import Curve, Progress, Token
from vtw_core.results import Run

if TYPE_CHECKING:
    from app.service import Service

log = logging.getLogger(__name__)

# The same explicit limit for everything that uses the model: Gradio takes the lowest of a group.
MODEL_QUEUE: dict[str, Any] = {"concurrency_id": "model", "concurrency_limit": 1}
CANVAS = (320, 320)
PENS = ["#dc2828", "#2da03c", "#2d50dc", "#f0d728", "#f58c1e", "#8c32b4", "#fa8cc3", "#191919"]
# The canvas comes without a tool in hand; a visitor who opens it wants to draw.
_TAKE_THE_BRUSH = """() => {
  let tries = 0;
  const take = () => {
    const brush = document.querySelector('#canvas button[aria-label="Brush"]');
    const taken = document.querySelector('#canvas button[aria-label="Brush Size"]');
    if (!taken && brush) brush.click();
    if (!taken && (tries += 1) < 40) setTimeout(take, 100);
  };
  take();
}"""


@dataclass(frozen=True)
class CompareTab:
    """What the page needs of this tab: the events after which another run is shown."""

    finished: tuple[Any, ...]


def build(service: Service, visitor: gr.State, first: dict[str, Any]) -> CompareTab:
    opening = service.examples[0]
    with gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=310):
            gr.Markdown(f"### {text.STEP_PICTURE}", elem_classes="step-title")
            with gr.Tabs() as picture_tabs:
                with gr.Tab(text.TAB_UPLOAD, id="upload") as upload_tab:
                    upload = gr.Image(
                        value=str(opening.image), type="filepath", image_mode=None, height=240,
                        sources=["upload", "clipboard"], show_label=False, label="Picture",
                        elem_id="picture", buttons=[],
                    )  # fmt: skip
                with gr.Tab(text.TAB_DRAW, id="draw") as draw_tab:
                    canvas = gr.ImageEditor(
                        type="filepath", image_mode="RGBA", canvas_size=CANVAS, fixed_canvas=True,
                        height=340, sources=(), transforms=(), layers=False, format="png",
                        brush=gr.Brush(default_size=16, colors=list(PENS), default_color=PENS[0]),
                        eraser=gr.Eraser(default_size=24), show_label=False, label="Drawing",
                        elem_id="canvas", buttons=[],
                    )  # fmt: skip
            gr.Markdown(f"### {text.STEP_QUESTION}", elem_classes="step-title")
            prompt = gr.Textbox(
                opening.prompt, label=text.QUESTION, placeholder=text.QUESTION_PLACEHOLDER,
                lines=1, max_lines=4, elem_id="question",
            )  # fmt: skip
            with gr.Row(elem_classes="suggestions"):
                suggestions = [gr.Button(line, size="sm") for line in text.SUGGESTIONS]
            run = gr.Button(text.RUN, variant="primary", elem_id="run")
            cancel = gr.Button(text.CANCEL, visible=False, elem_id="cancel")
            gallery = gr.Gallery(
                [(str(example.image), example.title) for example in service.examples],
                label=text.EXAMPLES, columns=3, height="auto", allow_preview=False,
                object_fit="cover", elem_id="examples", interactive=False, buttons=[],
            )  # fmt: skip
            if service.model_name == "embedded":
                gr.Markdown(text.EMBEDDED_LIMITS, elem_classes="page-foot")
        with gr.Column(scale=7, min_width=340):
            bench = workbench(first)

    for button, line in zip(suggestions, text.SUGGESTIONS, strict=True):
        button.click(lambda line=line: line, outputs=prompt, queue=False, api_visibility="private")
    upload_tab.select(
        lambda seen: replace(seen, drawing=False), visitor, visitor,
        queue=False, api_visibility="private",
    )  # fmt: skip
    draw_tab.select(
        lambda seen: replace(seen, drawing=True), visitor, visitor,
        queue=False, api_visibility="private",
    )  # fmt: skip
    # Gradio would open the file before our own loader can look at its size and kind.
    upload.preprocess = _path_only  # type: ignore[method-assign]
    draw_tab.select(None, js=_TAKE_THE_BRUSH)
    handlers = _Handlers(service)
    picked = gallery.select(
        handlers.pick_example, visitor, [picture_tabs, upload, prompt, bench, visitor],
        queue=False, api_visibility="private",
    )  # fmt: skip
    bench.release(handlers.keep_k, visitor, visitor, queue=False, api_visibility="private")
    ran = gr.on(
        [run.click, prompt.submit],
        handlers.run,
        [upload, canvas, prompt, visitor],
        [bench, visitor, run, cancel],
        show_progress="hidden",
        trigger_mode="once",
        api_visibility="private",
        **MODEL_QUEUE,
    )
    # First stop the stream, then show what was there before: the other way round, events of the
    # run that are still on their way would be drawn over it.
    cancel.click(None, cancels=[ran]).then(
        handlers.cancel, visitor, [bench, run, cancel], queue=False,
        show_progress="hidden", api_visibility="private",
    )  # fmt: skip
    return CompareTab(finished=(picked, ran))


class _Handlers:
    def __init__(self, service: Service) -> None:
        self.service = service

    def pick_example(self, visitor: Visitor, event: gr.SelectData) -> tuple[Any, ...]:
        """A recorded example: picture, question and result at once, without the model."""
        index = event.index if isinstance(event.index, int) else 0
        example = self.service.examples[max(0, min(index, len(self.service.examples) - 1))]
        seen = replace(visitor, run=example.run, recorded=True, k=None, drawing=False)
        return (
            gr.Tabs(selected="upload"), str(example.image), example.prompt,
            show_run(example.run, recorded=True), seen,
        )  # fmt: skip

    def keep_k(self, visitor: Visitor, event: gr.EventData) -> Visitor:
        """Remember where the slider stands. The number comes from the browser: clamp it."""
        wanted = event._data.get("k") if isinstance(event._data, dict) else None
        if visitor.run is None or isinstance(wanted, bool) or not isinstance(wanted, int):
            return visitor
        return replace(visitor, k=max(0, min(wanted, visitor.run.layers)))

    def run(
        self, upload: str | None, drawing: dict[str, Any] | None, prompt: str, visitor: Visitor
    ) -> Generator[tuple[Any, ...], None, None]:
        """Stream both answers and the curve; on bad input show one sentence and the last run."""
        busy = gr.Button(interactive=False), gr.Button(visible=True)
        idle = gr.Button(interactive=True), gr.Button(visible=False)
        try:
            path = chosen_picture(
                upload, drawing, is_drawing=visitor.drawing, roots=_picture_roots(self.service)
            )
            for shown in self._stream(path, prompt):
                if isinstance(shown, Run):
                    seen = replace(visitor, run=shown, recorded=False, k=None)
                    yield show_run(shown, recorded=False), seen, *idle
                else:
                    yield shown, visitor, *busy
        except VTWError as problem:
            yield _last_run(visitor, str(problem)), visitor, *idle
        except Exception:
            log.exception("a run failed")
            yield _last_run(visitor, text.INTERNAL), visitor, *idle

    def _stream(self, path: str, prompt: str) -> Iterator[dict[str, Any] | Run]:
        yield show_running(text.STARTING, 0.0)
        while not self.service.wait(0.5):
            yield show_running(text.WAITING_FOR_MODEL, 0.0)
        message, fraction, baseline, withdrawn = text.BASELINE_RUNS, 0.0, "", ""
        k: int | None = None
        for event in self.service.explore(path, prompt):
            if isinstance(event, Run):
                yield event
                return
            if isinstance(event, Progress):
                fraction = event.done / event.total
                message = text.CURVE_RUNS if event.done and k is None else message
            elif isinstance(event, Curve):
                k, message = event.k_first, text.ANSWERS_RUN
                if k == len(event.kl_positions) - 1:
                    withdrawn = baseline
            elif isinstance(event, Token) and event.side == "baseline":
                baseline = event.text_so_far
            elif isinstance(event, Token) and event.k == k:
                withdrawn = event.text_so_far
            else:
                continue  # words of the answers at the other K: not on the page until complete
            yield show_running(message, fraction, baseline=baseline, withdrawn=withdrawn, k=k)

    def cancel(self, visitor: Visitor) -> tuple[Any, ...]:
        message = text.CANCELLED if visitor.run is not None else text.CANCELLED_FIRST
        return _last_run(visitor, message), gr.Button(interactive=True), gr.Button(visible=False)


def _path_only(payload: Any) -> str | None:
    """The path a client sends for an upload; ``chosen_picture`` checks it."""
    return payload.path if payload is not None else None


def _last_run(visitor: Visitor, notice: str) -> dict[str, Any]:
    if visitor.run is None:
        return show_nothing(notice)
    return show_run(visitor.run, recorded=visitor.recorded, k=visitor.k, notice=notice)


def _picture_roots(service: Service) -> list[Path]:
    """Where a visitor's pictures may lie: Gradio's upload folder and the bundled examples."""
    uploads = os.environ.get("GRADIO_TEMP_DIR") or str(Path(tempfile.gettempdir()) / "gradio")
    return [Path(uploads), *{example.image.parent for example in service.examples}]
