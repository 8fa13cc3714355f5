"""What became of each visual token under a method, as a section of a tab: the viewer, its tables,
and MustDrop once more with other thresholds."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from vtw_core.errors import VTWError
from vtw_core.results.comparison import MethodComparison, MethodEntry
from vtw_core.results.fates import TokenFates
from vtw_core.strategies.mustdrop.record import FATES

from ..components.chart import chart_part, show_chart
from ..components.stages import show_stages, stages
from ..figures.stages import flow_table, token_table
from ..gradio_internals import sent_with
from ..inputs.clamping import clamped, clamped_number
from ..inputs.pictures import thumbnails
from ..presenters.view import run_id
from ..requests.events import AGAIN_QUEUE, IMMEDIATE
from ..requests.refusal import refusal
from ..state import Dropped, Judged, ShownMethods, Visitor
from ..words import page as page_text
from ..words import stages as text
from ..words.library_words import worded
from .board import save_chart
from .downloads import download_on

if TYPE_CHECKING:
    from ..service.service import Service

log = logging.getLogger(__name__)

FIELDS = {"a": "vision", "b": "prefill", "c": "cache"}
"""Stage -> the field of `vtw_core.MustDrop` that is set where it runs."""


@dataclass(frozen=True)
class Wanted:
    """What a visitor asks for: thresholds, and letters of "abc" for the stages that run."""

    gamma: float
    alpha: float
    stages: str

    @classmethod
    def clamped(cls, sent: Any, dropped: Dropped) -> Wanted:
        """Of what the browser sent, a visitor's input; what is no number is as in the run shown."""
        sent = sent if isinstance(sent, dict) else {}
        switches = sent.get("stages")
        switches = switches if isinstance(switches, dict) else {}
        on = {stage: stage in dropped.stages for stage in "abc"}
        on |= {stage: switches[stage] for stage in on if isinstance(switches.get(stage), bool)}
        on["c"] = on["c"] and on["b"]  # it keeps what the filters leave
        return cls(
            clamped_number(sent.get("gamma"), 1.0, dropped.gamma),
            clamped_number(sent.get("alpha"), 1.0, dropped.alpha),
            "".join(stage for stage, is_on in on.items() if is_on),
        )


@dataclass(frozen=True)
class StagesSection:
    """``outputs`` take what ``show`` returns; ``which`` is for the visitor to choose a method."""

    which: gr.Radio
    outputs: tuple[Any, ...]


def build(service: Service) -> StagesSection:
    """Put the section here."""
    dropped = gr.State(None)
    gr.Markdown(f"## {text.SECTION}", elem_classes="step-title")
    notice = gr.Markdown(text.NOTHING, elem_id="stages-notice")
    which = gr.Radio(visible=False, label=text.WHICH, elem_id="stages-which")
    with gr.Column(visible=False, elem_classes="inside") as content:
        viewer = stages("stages")
        with gr.Accordion(text.TABLES, open=False):
            table = chart_part("stages-flow")
            tokens = gr.Button(text.TOKENS_SAVE, size="sm", elem_id="stages-tokens")
    file = gr.DownloadButton(visible="hidden", elem_id="stages-file")
    download_on(table.select, _save_flow, [dropped], file)
    download_on(tokens.click, _save_tokens, [dropped], file)
    outputs = (dropped, notice, content, viewer, table)
    handlers = _Handlers(service)
    measured = viewer.release(
        handlers.measure, [dropped], list(outputs), trigger_mode="multiple",
        show_progress="hidden", api_visibility="private", **AGAIN_QUEUE,
    )  # fmt: skip
    measured.failure(handlers.refuse, [dropped], list(outputs), **IMMEDIATE)
    return StagesSection(which, outputs)


def follow(
    section: StagesSection, events: Iterable[Any], visitor: gr.State, shown: gr.State
) -> None:
    """Show the compared method that is chosen; at first MustDrop, or else one that has scores.

    Args:
        events: after them `shown`, of `ShownMethods`, may hold another comparison.
    """
    followed, parts = gr.State(_Followed()), list(section.outputs)
    for event in events:
        event.success(
            _follow, [visitor, shown, followed], [followed, section.which, *parts], **IMMEDIATE
        )
    section.which.input(_pick, [followed, section.which], parts, **IMMEDIATE)


@dataclass(frozen=True)
class _Followed:
    """The comparison that is shown, and of each method what it did or, in a sentence, why that is
    not shown."""

    comparison: MethodComparison | None = None
    every: tuple[Judged | str, ...] = ()


def _follow(visitor: Visitor, shown: ShownMethods, followed: _Followed) -> Any:
    """A comparison that is shown already stays as the visitor left it."""
    if shown.comparison is followed.comparison:
        return gr.skip()
    every = every_method(visitor, shown)
    entries = shown.comparison.entries if shown.comparison else ()
    names = [(entry.label, place) for place, entry in enumerate(entries)]
    # A link's thresholds are MustDrop's, so that it comes first.
    order = sorted(range(len(every)), key=lambda place: _how_telling(every[place]))
    place = order[0] if order else None
    which = gr.Radio(choices=names, value=place, visible=len(every) > 1)
    shown_first = None if place is None else every[place]
    return _Followed(shown.comparison, every), which, *show(shown_first)


def _how_telling(one: Judged | str) -> int:
    return 0 if isinstance(one, Dropped) else 1 if isinstance(one, Judged) else 2


def _pick(followed: _Followed, place: Any) -> tuple[Any, ...]:
    """The place is a visitor's input."""
    every = followed.every
    return show(every[clamped(place, 0, len(every) - 1, 0)] if every else None)


def every_method(visitor: Visitor, shown: ShownMethods) -> tuple[Judged | str, ...]:
    """What each compared method did, or a sentence where no scores tell it."""
    compared, run = shown.comparison, visitor.run
    if compared is None:
        return ()
    pictures = visitor.pictures if run is not None and run_id(run) == shown.of else ()
    return tuple(_judged(entry, compared, pictures) for entry in compared.entries)


def _judged(
    entry: MethodEntry, compared: MethodComparison, pictures: tuple[str, ...]
) -> Judged | str:
    if entry.fates is None:
        return str(text.NOT_JUDGED.format(label=entry.label))
    if entry.name == "mustdrop" and _is_of_filters(entry.fates):
        return Dropped(
            entry.fates, entry.answer, compared.prompt, pictures, entry.label, compared.model,
            gamma=entry.strategy["gamma"], alpha=entry.strategy["alpha"],
            stages="".join(stage for stage, field in FIELDS.items() if entry.strategy[field]),
        )  # fmt: skip
    if not _tells_every_token(entry.fates):
        return str(text.NOT_TOLD.format(label=entry.label))
    return Judged(
        entry.fates, entry.answer, compared.prompt, pictures, entry.label, compared.model,
        ranking=str(entry.strategy.get("ranking", "")),
    )  # fmt: skip


def _is_of_filters(fates: TokenFates) -> bool:
    """Whether every decision is one of MustDrop's filter, as a file need not say."""
    return all(one.reasons == FATES and one.names == ("share", "peak") for one in fates.decisions)


def _tells_every_token(fates: TokenFates) -> bool:
    """Whether tokens left by the scores alone: in a chain others may leave, or caches be cut."""
    left_after, seen = fates.left_after(), fates.visual_tokens_per_layer
    left = [int((left_after >= layer).sum()) for layer in range(len(seen))]
    cached = fates.cached_visual_tokens_per_layer
    return bool(fates.decisions) and tuple(left) == seen == cached


def show(
    judged: Judged | str | None, *, asked: int = 0, notice: str | None = None
) -> tuple[Any, ...]:
    """The section for a run; or why there is nothing to show, in the sentence given."""
    if judged is None or isinstance(judged, str):
        why = text.NOTHING if judged is None else judged
        return None, gr.Markdown(why, visible=True), gr.Column(visible=False), None, None
    layers = len(judged.record.visual_tokens_per_layer)
    pictures = thumbnails(judged.pictures)
    return (
        judged, gr.Markdown(visible=False), gr.Column(visible=True),
        show_stages(judged, pictures, asked=asked, notice=notice),
        show_chart(flow_table(judged), layers),
    )  # fmt: skip


class _Handlers:
    """The model once more, with what the visitor chose."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def measure(self, event: gr.EventData, dropped: Judged | None) -> tuple[Any, ...]:
        """On bad input one sentence beside what was shown before; of MustDrop alone."""
        if not isinstance(dropped, Dropped):
            return show(dropped)
        sent = sent_with(event)
        asked = clamped(sent.get("asked"), 0, 2**31, 0)
        wanted = Wanted.clamped(sent, dropped)
        if not dropped.pictures:
            return show(dropped, asked=asked, notice=text.NO_PICTURE)
        try:
            model = dropped.model and self.service.models.of_run(dropped.model)
            again = self.service.must_drop(
                dropped.pictures, dropped.prompt, wanted.gamma, wanted.alpha, wanted.stages, model
            )
        except VTWError as problem:
            return show(dropped, asked=asked, notice=worded(problem))
        except Exception:
            log.exception("a run with other thresholds failed")
            return show(dropped, asked=asked, notice=text.BROKE)
        return show(again, asked=asked)

    def refuse(self, dropped: Judged | None, request: gr.Request) -> tuple[Any, ...]:
        """The queue was full, or the visitor's limit reached."""
        why = self.service.limits.why_refused(request.session_hash, page_text.QUEUE_IS_FULL)
        return show(dropped, notice=why)


def _save_flow(event: gr.EventData, judged: Judged | None) -> str:
    return _saved(judged, flow_table)


def _save_tokens(judged: Judged | None) -> str:
    return _saved(judged, token_table)


def _saved(judged: Judged | None, make: Any) -> str:
    if judged is None:
        raise refusal(text.NOTHING)
    return save_chart(lambda: make(judged), {"format": "csv"})
