"""K over a set of samples: the bundled one, recorded, or a visitor's few pictures."""

from __future__ import annotations

import json
import logging
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from vtw_core.errors import InputError, VTWError
from vtw_core.measures.presets import ETA_PRESETS
from vtw_core.pictures.images import load_image
from vtw_core.results.calibration import Calibration, Reading

from ..figures.fonts import drawn_language
from ..inputs.as_sent import hand_on
from ..inputs.clamping import clamped
from ..inputs.pictures import FILE_TYPES, chosen_picture
from ..links.view_address import View, preset_of
from ..presenters.calibration_view import DIRECTION_NAMES, notes, rows, status, summary
from ..presenters.models_view import loading_steps
from ..presenters.view import preset_model
from ..requests.events import GLUE, GLUE_OF_START, LOADING_QUEUE, MODEL_QUEUE, PICTURE_QUEUE
from ..requests.refusal import tell_refused
from ..sections.downloads import cached, cached_table, download_button
from ..state import ShownCalibration
from ..words import page as text
from ..words.language import current, speaking
from ..words.library_words import worded

if TYPE_CHECKING:
    from ..service.service import Service

log = logging.getLogger(__name__)

MAX_PICTURES = 8
OWN_VALUE = -1  # in the list of presets, behind the published ones
PLACES = ("preset", "threshold", "scope", "pick", "direction")
"""The controls' names in an address: the presets', then the criterion's in their order."""


@dataclass(frozen=True)
class _Inputs:
    """The components of the left column; ``criterion`` in the order of ``Calibration.read``."""

    preset: gr.Dropdown
    source: gr.Markdown
    criterion: tuple[gr.Number, gr.Radio, gr.Radio, gr.Radio]
    pictures: gr.File
    prompt: gr.Textbox
    run_own: gr.Button
    run_bundled: gr.Button
    cancel: gr.Button
    status: gr.HTML


@dataclass(frozen=True)
class CalibrateTab:
    """``outputs`` take what ``show`` returns for ``inputs``; ``places``, of which an address tells,
    and ``source`` behind them, what ``arrive`` returns."""

    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]
    places: dict[str, Any]
    source: gr.Markdown


def build(service: Service, model: gr.State) -> CalibrateTab:
    """Put the tab here; ``model`` holds the one that a run asks."""
    recorded = service.recorded_calibration
    origin = text.CALIBRATE_RECORDED.format(
        model=recorded.setting.model, samples=len(recorded.samples)
    )
    first = ShownCalibration(recorded, origin)
    shown = gr.State(first)
    gr.Markdown(text.CALIBRATE_INTRO)
    with gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=310):
            left = _build_inputs(service.eta)
        with gr.Column(scale=7, min_width=340):
            right, in_file = _build_result(shown, left, first, service.eta)
    _connect(_Handlers(service), left, right, shown, model)
    are_drawn = gr.State(False)
    return CalibrateTab(
        inputs=(are_drawn, shown, *left.criterion), outputs=(are_drawn, *right, in_file),
        places=dict(zip(PLACES, (left.preset, *left.criterion), strict=True)), source=left.source,
    )  # fmt: skip


def arrive(view: View) -> tuple[Any, ...]:
    """The controls that a view tells of, the others stay as the visitor left them; and the words
    about the threshold."""
    told: dict[str, Any] = {name: getattr(view, name) for name in PLACES}
    source = None
    if view.preset is not None:
        told["threshold"], source = _take_preset(view.preset)
    elif view.threshold is not None:
        told["preset"], source = OWN_VALUE, text.PRESET_OWN
    return tuple(gr.skip() if value is None else value for value in (*told.values(), source))


def show(are_drawn: bool, shown: ShownCalibration, *criterion: Any) -> Any:
    """The right column, when the tab is opened first: its figures take too long to be made before
    that."""
    reading = None if are_drawn else _reading(shown, criterion)
    if reading is None:
        return gr.skip()
    named = text.SAVE_CALIBRATION_FIGURE
    if drawn_language() != current():
        named = text.FIGURE_IN_ENGLISH.format(name=named)
    return True, *_result(shown, reading), gr.Button(named)


def _build_inputs(usual_eta: float) -> _Inputs:
    preset_of_page = preset_of(usual_eta)
    gr.Markdown(f"## {text.CRITERION}", elem_classes="step-title")
    preset = gr.Dropdown(
        [*((_preset_label(index), index) for index in range(len(ETA_PRESETS))),
         (text.PRESET_NONE, OWN_VALUE)],
        value=OWN_VALUE if preset_of_page is None else preset_of_page, label=text.PRESET,
        elem_id="eta-preset",
    )  # fmt: skip
    words = text.PRESET_OWN if preset_of_page is None else _source(preset_of_page)
    source = gr.Markdown(words, elem_classes="page-foot")
    eta = gr.Number(usual_eta, label=text.ETA, minimum=0, step=0.0001, elem_id="eta")
    scope, rule, direction = (
        gr.Radio([(label, name) for name, label in names.items()], value=next(iter(names)),
                 label=title)
        for title, names in (
            (text.SCOPE, text.SCOPES), (text.RULE, text.RULES), (text.DIRECTION, DIRECTION_NAMES),
        )
    )  # fmt: skip
    gr.Markdown(f"## {text.CALIBRATE_OWN}", elem_classes="step-title")
    pictures = gr.File(
        label=text.CALIBRATE_FILES.format(limit=MAX_PICTURES), file_count="multiple",
        file_types=FILE_TYPES, height=160, elem_id="calibrate-pictures",
    )  # fmt: skip
    # Gradio's own check raises before ours can say what to do, and leaves an empty file behind.
    hand_on(pictures, _paths_of_uploads)
    prompt = gr.Textbox(
        text.SUGGESTIONS[0], label=text.CALIBRATE_QUESTION, lines=1, max_lines=4,
        elem_id="calibrate-question",
    )  # fmt: skip
    run_own = gr.Button(text.CALIBRATE_RUN_OWN, variant="primary", elem_id="calibrate-own")
    run_bundled = gr.Button(text.CALIBRATE_RUN_BUNDLED, elem_id="calibrate-bundled")
    line = gr.HTML(status(), elem_id="calibrate-status")
    cancel = gr.Button(text.CANCEL, visible=False, elem_id="calibrate-cancel")
    return _Inputs(preset, source, (eta, scope, rule, direction), pictures, prompt, run_own,
                   run_bundled, cancel, line)  # fmt: skip


def _build_result(
    shown: gr.State, left: _Inputs, first: ShownCalibration, eta: float
) -> tuple[list[Any], gr.Button]:
    """The right column: its components take what ``_result`` returns. And the button of the file
    of the figures."""
    reading = first.calibration.read(eta)
    kl_note, outcome_note, stars_note = notes(reading)
    parts: list[Any] = [
        gr.Markdown(first.origin, elem_classes="page-foot", elem_id="calibrate-origin"),
        gr.Markdown(summary(reading), elem_id="calibrate-summary", container=True),
    ]
    with gr.Column(elem_classes="calibrate-card"):
        parts += _figure(text.CALIBRATE_KL, kl_note)
    with gr.Row(equal_height=True):
        with gr.Column(min_width=320, elem_classes="calibrate-card"):
            parts += _figure(text.CALIBRATE_OUTCOME, outcome_note)
        with gr.Column(min_width=320, elem_classes="calibrate-card"):
            parts += _figure(text.CALIBRATE_HISTOGRAM, stars_note)
    with gr.Row():
        inputs = [shown, *left.criterion]
        download_button(text.SAVE_CALIBRATION, "save-calibration", write_json, inputs)
        download_button(text.SAVE_CALIBRATION_TABLE, "save-calibration-table", write_csv, inputs)
        in_file = download_button(
            text.SAVE_CALIBRATION_FIGURE, "save-calibration-figure", write_svg, inputs
        )
    gr.Markdown(f"## {text.CALIBRATE_TABLE}", elem_classes="step-title")
    parts.append(
        gr.Dataframe(
            rows(reading), headers=list(text.CALIBRATE_COLUMNS), interactive=False,
            show_label=False, wrap=True, max_height=620,
            column_widths=[105, 145, 190, 130, 95, 95, 190],
        )
    )  # fmt: skip
    return parts, in_file


def _figure(title: str, note: str) -> list[Any]:
    gr.Markdown(f"## {title}", elem_classes="step-title")
    plot = gr.Plot(show_label=False, container=False, elem_classes="calibrate-plot")
    return [plot, gr.Markdown(note, elem_classes="page-foot")]


def _connect(
    handlers: _Handlers, left: _Inputs, right: list[Any], shown: gr.State, model: gr.State
) -> None:
    eta = left.criterion[0]
    left.preset.input(_take_preset, left.preset, [eta, left.source], **GLUE)
    eta.input(lambda: (OWN_VALUE, text.PRESET_OWN), None, [left.preset, left.source], **GLUE)
    inputs = [shown, *left.criterion]
    gr.on([part.change for part in left.criterion], read, inputs, right,
          **GLUE)  # fmt: skip

    line = [left.status, left.run_own, left.run_bundled, left.cancel]
    waits = gr.State(False)
    runs = []
    streamed: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    left.pictures.upload(
        handlers.check_uploads, left.pictures, left.pictures, **streamed, **PICTURE_QUEUE
    )
    for button, run, wanted in (
        (left.run_own, handlers.run_own, [left.pictures, left.prompt]),
        (left.run_bundled, handlers.run_bundled, []),
    ):
        # First "waiting", at once; then the model, and the run when its turn has come.
        asked = button.click(handlers.wait, None, [*line, waits], **GLUE_OF_START)
        loaded = asked.then(handlers.load, model, [*line, waits], **streamed, **LOADING_QUEUE)
        ran = loaded.success(run, [waits, model, *wanted], [*line, shown, waits], **streamed,
                             **MODEL_QUEUE)  # fmt: skip
        ran.success(read, inputs, right, **GLUE)
        for step in (loaded, ran):
            step.failure(handlers.refuse, waits, line, **GLUE)
            runs.append(step)
    # First stop the stream, then say so: the other way round, its last event would be drawn over.
    left.cancel.click(lambda: False, None, waits, cancels=runs, **GLUE).then(
        handlers.cancel, None, line, **GLUE
    )


class _Handlers:
    """What happens on each run; status line, both run buttons and cancel come first in outputs."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def check_uploads(self, paths: list[str] | None) -> Any:
        """The pictures that have just come, without those that cannot be used: each is refused."""
        try:
            checked = _checked(paths)
        except InputError as problem:
            tell_refused(worded(problem))
            return gr.skip()
        fit = []
        for path in checked:
            try:
                load_image(path)
            except InputError as problem:
                told = text.CALIBRATE_REFUSED.format(name=Path(path).name, problem=worded(problem))
                tell_refused(told)
            else:
                fit.append(path)
        return gr.skip() if len(fit) == len(checked) else fit or None

    def wait(self) -> tuple[Any, ...]:
        return *_busy(text.WAITING, 0.0), True

    def load(self, model: str) -> Generator[tuple[Any, ...]]:
        """The visitor's model, where it is not in memory."""
        yield *(gr.skip(),) * 4, True  # a stream without any answer would empty what it is for
        try:
            for message, share in loading_steps(self.service, model):
                yield *_busy(message, share), True
        except VTWError as problem:
            yield *_idle(worded(problem), is_error=True), False

    def run_own(
        self, waits: bool, model: str, paths: list[str] | None, prompt: str
    ) -> Generator[tuple[Any, ...]]:
        """Calibrate on a visitor's pictures, each asked the same question."""
        yield from self._run(waits, model, lambda: _checked(paths), prompt, text.CALIBRATE_YOURS)

    def run_bundled(self, waits: bool, model: str) -> Generator[tuple[Any, ...]]:
        """Calibrate on the bundled set again, here."""
        yield from self._run(waits, model, lambda: None, "", text.CALIBRATE_BUNDLED)

    def _run(
        self, waits: bool, model: str, pictures: Any, prompt: str, origin: str
    ) -> Generator[tuple[Any, ...]]:
        if not waits:  # the model could not be loaded, which has been said
            yield *(gr.skip(),) * 5, False
            return
        try:
            for event in self._steps(model, pictures(), prompt):
                if isinstance(event, Calibration):
                    total = len(event.samples)
                    shown = ShownCalibration(
                        event, origin.format(model=event.setting.model, samples=total)
                    )
                    yield *_idle(text.CALIBRATE_DONE.format(total=total)), shown, False
                else:
                    yield *_busy(*event), gr.skip(), False
        except VTWError as problem:
            yield *_idle(worded(problem), is_error=True), gr.skip(), False
        except Exception:
            log.exception("a calibration failed")
            yield *_idle(text.INTERNAL, is_error=True), gr.skip(), False

    def _steps(
        self, model: str, pictures: list[str] | None, prompt: str
    ) -> Iterator[tuple[str, float] | Calibration]:
        for event in self.service.calibrate(pictures, prompt, model):
            if isinstance(event, Calibration):
                yield event
            else:
                message = text.CALIBRATE_PROGRESS.format(done=event.done, total=event.total)
                yield message, event.done / event.total

    def refuse(self, waits: bool, request: gr.Request) -> tuple[Any, ...]:
        """The queue was full, or the visitor's limit reached. A cancelled run ends as a
        failure too, but no longer waits."""
        if not waits:
            return (gr.skip(),) * 4
        why = self.service.limits.why_refused(request.session_hash, text.QUEUE_IS_FULL)
        return _idle(why, is_error=True)

    def cancel(self) -> tuple[Any, ...]:
        return _idle(text.CALIBRATE_CANCELLED)


def _busy(message: str, fraction: float) -> tuple[Any, ...]:
    waiting = gr.Button(interactive=False)
    return status(message, fraction), waiting, waiting, gr.Button(visible=True)


def _idle(message: str, *, is_error: bool = False) -> tuple[Any, ...]:
    ready = gr.Button(interactive=True)
    return status(message, is_error=is_error), ready, ready, gr.Button(visible=False)


def _checked(paths: list[str] | None) -> list[str]:
    """The pictures' paths: a few, and each of them really uploaded here."""
    if not paths:
        raise InputError(text.CALIBRATE_NO_PICTURES)
    if len(paths) > MAX_PICTURES:
        raise InputError(text.CALIBRATE_TOO_MANY, count=len(paths), limit=MAX_PICTURES)
    roots = [Path(gr.utils.get_upload_folder())]
    return [chosen_picture(path, None, is_drawing=False, roots=roots) for path in paths]


def _paths_of_uploads(payload: Any) -> list[str] | None:
    """The paths a client sends; ``_checked`` checks them."""
    return None if payload is None else [file.path for file in payload]


def _preset_label(index: int) -> str:
    preset = ETA_PRESETS[index]
    k = "" if preset.k is None else text.PRESET_K.format(k=preset.k)
    return text.PRESET_LABEL.format(model=preset_model(preset), eta=preset.eta, k=k)


def _source(index: int) -> str:
    preset = ETA_PRESETS[index]
    return text.PRESET_SOURCE.format(model=preset_model(preset), source=worded(preset.source))


def _take_preset(index: Any) -> tuple[Any, ...]:
    """The place is a visitor's input."""
    if index == OWN_VALUE:
        return gr.skip(), text.PRESET_OWN
    place = clamped(index, 0, len(ETA_PRESETS) - 1, 0)
    return ETA_PRESETS[place].eta, _source(place)


def read(shown: ShownCalibration, *criterion: Any) -> list[Any]:
    """The right column at another threshold; a bad one is a sentence and changes nothing else."""
    try:
        return _result(shown, shown.calibration.read(*criterion))
    except InputError as problem:
        return [gr.skip(), worded(problem), *[gr.skip()] * 7]


def _result(shown: ShownCalibration, reading: Reading) -> list[Any]:
    below = zip(_figures(reading), notes(reading), strict=True)
    return [shown.origin, summary(reading), *chain.from_iterable(below), rows(reading)]


def _figures(reading: Reading) -> tuple[Any, Any, Any]:
    # Plotly's part that makes figures is not needed until one is looked at.
    from ..figures.calibration import histogram_figure, kl_figure, outcome_figure

    return kl_figure(reading), outcome_figure(reading), histogram_figure(reading)


def write_json(shown: ShownCalibration, *criterion: Any) -> str | None:
    if _reading(shown, criterion) is None:
        return None
    document = json.dumps(shown.calibration.to_json(*criterion), indent=1)
    return cached(document.encode("utf-8"), "calibration.json")


def write_csv(shown: ShownCalibration, *criterion: Any) -> str | None:
    reading = _reading(shown, criterion)
    if reading is None:
        return None
    return cached_table(reading.to_csv(), "calibration.csv")


def write_svg(shown: ShownCalibration, *criterion: Any) -> str | None:
    reading = _reading(shown, criterion)
    if reading is None:
        return None
    # Matplotlib takes long to import, and most visitors never ask for a file.
    from ..figures.calibration_export import calibration_svg

    with speaking(drawn_language()):
        return cached(calibration_svg(reading), "calibration.svg")


def _reading(shown: ShownCalibration, criterion: tuple[Any, ...]) -> Reading | None:
    """None at a threshold that cannot be; ``read`` has said so on the page."""
    try:
        return shown.calibration.read(*criterion)
    except InputError:
        return None
