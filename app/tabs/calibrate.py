"""K over a set of samples: the bundled one, recorded, or a visitor's few pictures."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from vtw_core.errors import InputError
from vtw_core.measures.presets import ETA_PRESETS
from vtw_core.pictures.images import load_image
from vtw_core.results.calibration import Calibration, Reading
from vtw_core.results.run import DIRECTIONS, RULES, SCOPES

from ..figures.calibration import CHARTS
from ..gradio_internals import hand_on, upload_folder
from ..inputs.clamping import clamped
from ..inputs.pictures import FILE_TYPES, chosen_picture
from ..links.view_address import Field, number, one_of
from ..presenters.calibration_view import DIRECTION_NAMES, rows, status, summary
from ..presenters.view import preset_model
from ..requests.events import IMMEDIATE, PICTURE_QUEUE
from ..requests.refusal import tell_refused
from ..sections.board import Board
from ..sections.downloads import cached, cached_table, download_button
from ..sections.run_flow import Done, Line, RunFlow, Updates, Values
from ..state import ShownCalibration
from ..words import page as text
from ..words.library_words import worded
from .tab import Arrival, Tab

if TYPE_CHECKING:
    from ..service.service import Service

MAX_PICTURES = 8
OWN_VALUE = -1  # in the list of presets, after the published ones


class Calibrate(Tab):
    id = "calibrate"
    follows_run = False

    @property
    def title(self) -> str:
        return str(text.TAB_CALIBRATE)

    @classmethod
    def fields(cls, service: Service) -> tuple[Field, ...]:
        return (
            # A published threshold, by its place in `ETA_PRESETS`, or one of the visitor's own in
            # nats, which has nothing to do with the η of the curves: what was chosen last counts.
            Field(
                "preset", _preset, usual=preset_of(service.eta),
                javascript="value < 0 ? {} : { preset: value, threshold: null }",
            ),
            number(
                "threshold", usual=service.eta, javascript="{ preset: null, threshold: value }"
            ),
            one_of("scope", SCOPES, usual=SCOPES[0]),
            one_of("pick", RULES[1:], usual=RULES[0]),
            one_of("direction", DIRECTIONS, usual=DIRECTIONS[0]),
        )  # fmt: skip

    # ------------------------------------------------------------------ building
    def build(self) -> None:
        recorded = self.shared.service.recorded_calibration
        first = ShownCalibration(
            recorded,
            text.CALIBRATE_RECORDED.format(
                model=recorded.setting.model, samples=len(recorded.samples)
            ),
        )
        self.shown = gr.State(first)
        self.board = Board("calibrate", CHARTS, self._source)
        gr.Markdown(text.CALIBRATE_INTRO)
        with gr.Row(equal_height=False):
            with gr.Column(scale=3, min_width=310):
                self._build_criterion(self.shared.service.eta)
                self._build_own()
            with gr.Column(scale=7, min_width=340, elem_classes="inside"):
                self._build_result(first, self.shared.service.eta)
        self.controls = {
            "preset": self.preset, "threshold": self.eta, "scope": self.scope, "pick": self.rule,
            "direction": self.direction,
        }  # fmt: skip
        self.arrives_at = (self.source,)
        self.outputs = (
            self.origin,
            self.summary,
            self.content,
            *self.board.parts.values(),
            self.table,
        )
        self._connect()

    def _build_criterion(self, usual_eta: float) -> None:
        place = preset_of(usual_eta)
        gr.Markdown(f"## {text.CRITERION}", elem_classes="step-title")
        self.preset = gr.Dropdown(
            [*((_preset_label(index), index) for index in range(len(ETA_PRESETS))),
             (text.PRESET_NONE, OWN_VALUE)],
            value=OWN_VALUE if place is None else place, label=text.PRESET, elem_id="eta-preset",
        )  # fmt: skip
        words = text.PRESET_OWN if place is None else _source(place)
        self.source = gr.Markdown(words, elem_classes="page-foot")
        self.eta = gr.Number(usual_eta, label=text.ETA, minimum=0, step=0.0001, elem_id="eta")
        self.scope, self.rule, self.direction = (
            gr.Radio([(label, name) for name, label in names.items()], value=next(iter(names)),
                     label=title)
            for title, names in (
                (text.SCOPE, text.SCOPES), (text.RULE, text.RULES),
                (text.DIRECTION, DIRECTION_NAMES),
            )
        )  # fmt: skip
        self.inputs = (self.shown, self.eta, self.scope, self.rule, self.direction)

    def _build_own(self) -> None:
        gr.Markdown(f"## {text.CALIBRATE_OWN}", elem_classes="step-title")
        self.pictures = gr.File(
            label=text.CALIBRATE_FILES.format(limit=MAX_PICTURES), file_count="multiple",
            file_types=FILE_TYPES, height=160, elem_id="calibrate-pictures",
        )  # fmt: skip
        # Gradio's own check raises before ours can say what to do, and leaves an empty file behind.
        hand_on(self.pictures, _paths_of_uploads)
        self.prompt = gr.Textbox(
            text.SUGGESTIONS[0], label=text.CALIBRATE_QUESTION, lines=1, max_lines=4,
            elem_id="calibrate-question",
        )  # fmt: skip
        self.run_own = gr.Button(text.CALIBRATE_RUN_OWN, variant="primary", elem_id="calibrate-own")
        self.run_bundled = gr.Button(text.CALIBRATE_RUN_BUNDLED, elem_id="calibrate-bundled")
        self.line = gr.HTML(status(), elem_id="calibrate-status")
        self.cancel = gr.Button(text.CANCEL, visible=False, elem_id="calibrate-cancel")

    def _build_result(self, first: ShownCalibration, eta: float) -> None:
        reading = first.calibration.read(eta)
        self.origin = gr.Markdown(
            first.origin, elem_classes="page-foot", elem_id="calibrate-origin"
        )
        self.summary = gr.Markdown(summary(reading), elem_id="calibrate-summary", container=True)
        # Nothing stands here before it is drawn, so nothing jumps when it is.
        with gr.Column(visible=False) as self.content:
            self.board.place("kl")
            with gr.Row(equal_height=True):
                for name in ("outcome", "histogram"):
                    with gr.Column(min_width=320):
                        self.board.place(name)
            with gr.Row():
                download_button(
                    text.SAVE_CALIBRATION, "save-calibration", self.write_json, {*self.inputs}
                )
                download_button(
                    text.SAVE_CALIBRATION_TABLE, "save-calibration-table", self.write_csv,
                    {*self.inputs},
                )  # fmt: skip
            gr.Markdown(f"## {text.CALIBRATE_TABLE}", elem_classes="step-title")
            self.table = gr.Dataframe(
                rows(reading), headers=list(text.CALIBRATE_COLUMNS), interactive=False,
                show_label=False, wrap=True, max_height=620,
                column_widths=[105, 145, 190, 130, 95, 95, 190],
            )  # fmt: skip

    def _connect(self) -> None:
        self.preset.input(self.take_preset, {self.preset}, [self.eta, self.source], **IMMEDIATE)
        self.eta.input(self.take_own, None, [self.preset, self.source], **IMMEDIATE)
        self.board.connect(self.inputs, {})
        gr.on([part.change for part in self.inputs[1:]], self.show, {*self.inputs},
              [*self.outputs], **IMMEDIATE)  # fmt: skip
        self.pictures.upload(
            self.check_uploads, self.pictures, self.pictures, show_progress="hidden",
            api_visibility="private", **PICTURE_QUEUE,
        )  # fmt: skip
        self.runs = RunFlow(self.shared.service, Line(
            self.line, (self.run_own, self.run_bundled), self.cancel, (), running=status,
            refused=lambda values, sentence: status(sentence, is_error=True),
            cancelled=lambda values: status(text.CALIBRATE_CANCELLED),
            broken=text.INTERNAL,
        ))  # fmt: skip
        for button, steps, reads in (
            (self.run_own, self.own_steps, [self.pictures, self.prompt]),
            (self.run_bundled, self.bundled_steps, []),
        ):
            ran = self.runs.begin_on(
                [button.click], self.model, steps, [self.shared.model, *reads], [self.shown]
            )
            ran.success(self.show, {*self.inputs}, [*self.outputs], **IMMEDIATE)
        self.runs.stop_on_cancel()

    # ------------------------------------------------------------------ what is shown
    def show(self, values: Values) -> Updates:
        """The right column at a threshold; a bad one is a sentence and changes nothing else."""
        try:
            reading = self._read(values)
        except InputError as problem:
            return {self.summary: worded(problem)}
        return {
            self.origin: values[self.shown].origin,
            self.summary: summary(reading),
            self.content: gr.Column(visible=True),
            **self.board.draw((reading,)),
            self.table: rows(reading),
        }

    def _read(self, values: Values) -> Reading:
        return values[self.shown].calibration.read(*(values[part] for part in self.inputs[1:]))

    def _source(self, values: Values) -> tuple[Reading] | None:
        """None at a threshold that cannot be; `show` has said so on the page."""
        try:
            return (self._read(values),)
        except InputError:
            return None

    def write_json(self, values: Values) -> str | None:
        """Every sample, and the reading."""
        if self._source(values) is None:
            return None
        criterion = (values[part] for part in self.inputs[1:])
        document = json.dumps(values[self.shown].calibration.to_json(*criterion), indent=1)
        return cached(document.encode("utf-8"), "calibration.json")

    def write_csv(self, values: Values) -> str | None:
        """The reading, a line for each K."""
        source = self._source(values)
        return None if source is None else cached_table(source[0].to_csv(), "calibration.csv")

    # ------------------------------------------------------------------ thresholds
    def arrive(self, arrival: Arrival) -> Updates:
        """The criterion, and the words about the threshold."""
        said, updates = arrival.view, super().arrive(arrival)
        if "preset" in said:
            updates |= self.take_preset({self.preset: said["preset"]})
        elif "threshold" in said:
            updates |= self.take_own()
        return updates

    def take_preset(self, values: Values) -> Updates:
        """A threshold and where it comes from. The place is a visitor's input."""
        index = values[self.preset]
        if index == OWN_VALUE:
            return {self.source: text.PRESET_OWN}
        place = clamped(index, 0, len(ETA_PRESETS) - 1, 0)
        return {self.eta: ETA_PRESETS[place].eta, self.source: _source(place)}

    def take_own(self) -> Updates:
        """The threshold is the visitor's own."""
        return {self.preset: OWN_VALUE, self.source: text.PRESET_OWN}

    # ------------------------------------------------------------------ runs
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

    def model(self, values: Values) -> str:
        name: str = values[self.shared.model]
        return name

    def own_steps(self, values: Values) -> Generator[Any, None, None]:
        """Calibrate on a visitor's pictures, each asked the same question."""
        pictures = _checked(values[self.pictures])
        yield from self._steps(values, pictures, values[self.prompt], text.CALIBRATE_YOURS)

    def bundled_steps(self, values: Values) -> Generator[Any, None, None]:
        """Calibrate on the bundled set again, here."""
        yield from self._steps(values, None, "", text.CALIBRATE_BUNDLED)

    def _steps(
        self, values: Values, pictures: list[str] | None, prompt: str, origin: str
    ) -> Generator[Any, None, None]:
        for event in self.shared.service.calibrate(pictures, prompt, self.model(values)):
            if isinstance(event, Calibration):
                total = len(event.samples)
                words = origin.format(model=event.setting.model, samples=total)
                done = status(text.CALIBRATE_DONE.format(total=total))
                yield Done(done, {self.shown: ShownCalibration(event, words)})
            else:
                message = text.CALIBRATE_PROGRESS.format(done=event.done, total=event.total)
                yield status(message, event.done / event.total)


def preset_of(eta: float) -> int | None:
    """The place of the published threshold that a page with this one opens with, if it is one; the
    one for any model rather than that of one model."""
    places = [place for place, preset in enumerate(ETA_PRESETS) if preset.eta == eta]
    return places[-1] if places else None


def _preset(said: str) -> int | None:
    known = {str(place): place for place in range(len(ETA_PRESETS))}
    return known.get(said)


def _checked(paths: list[str] | None) -> list[str]:
    """The pictures' paths: a few, and each of them really uploaded here."""
    if not paths:
        raise InputError(text.CALIBRATE_NO_PICTURES)
    if len(paths) > MAX_PICTURES:
        raise InputError(text.CALIBRATE_TOO_MANY, count=len(paths), limit=MAX_PICTURES)
    roots = [upload_folder()]
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
