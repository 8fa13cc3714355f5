"""MustDrop's stages as a section of a tab: the viewer, its tables, runs with other thresholds."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from vtw_core.errors import VTWError
from vtw_core.results.comparison import MethodComparison
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
from ..state import Dropped, ShownMethods, Visitor
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
    """Show whatever methods are compared: of several that are MustDrop, the one chosen.

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
    """The comparison that is shown, and what MustDrop did in it."""

    comparison: MethodComparison | None = None
    every: tuple[Dropped, ...] = ()


def _follow(visitor: Visitor, shown: ShownMethods, followed: _Followed) -> Any:
    """A comparison that is shown already stays as the visitor left it."""
    if shown.comparison is followed.comparison:
        return gr.skip()
    every = every_drop(visitor, shown)
    names = [(one.label, place) for place, one in enumerate(every)]
    which = gr.Radio(choices=names, value=0 if every else None, visible=len(every) > 1)
    return _Followed(shown.comparison, every), which, *show(every[0] if every else None)


def _pick(followed: _Followed, place: Any) -> tuple[Any, ...]:
    """The place is a visitor's input."""
    every = followed.every
    return show(every[clamped(place, 0, len(every) - 1, 0)] if every else None)


def every_drop(visitor: Visitor, shown: ShownMethods) -> tuple[Dropped, ...]:
    """What MustDrop did in a comparison, once for each method that is MustDrop."""
    compared, run = shown.comparison, visitor.run
    if compared is None:
        return ()
    pictures = visitor.pictures if run is not None and run_id(run) == shown.of else ()
    return tuple(
        Dropped(
            record=entry.fates, gamma=entry.strategy["gamma"], alpha=entry.strategy["alpha"],
            stages="".join(stage for stage, field in FIELDS.items() if entry.strategy[field]),
            answer=entry.answer, prompt=compared.prompt, pictures=pictures, label=entry.label,
            model=compared.model,
        )
        for entry in compared.entries
        if entry.name == "mustdrop" and entry.fates is not None and _is_of_filters(entry.fates)
    )  # fmt: skip


def _is_of_filters(fates: TokenFates) -> bool:
    """Whether every decision is one of MustDrop's filter, as a file need not say."""
    return all(one.reasons == FATES and one.names == ("share", "peak") for one in fates.decisions)


def show(dropped: Dropped | None, *, asked: int = 0, notice: str | None = None) -> tuple[Any, ...]:
    """The section for a run, or nothing."""
    if dropped is None:
        return None, gr.Markdown(visible=True), gr.Column(visible=False), None, None
    layers = len(dropped.record.visual_tokens_per_layer)
    pictures = thumbnails(dropped.pictures)
    return (
        dropped, gr.Markdown(visible=False), gr.Column(visible=True),
        show_stages(dropped, pictures, asked=asked, notice=notice),
        show_chart(flow_table(dropped), layers),
    )  # fmt: skip


class _Handlers:
    """The model once more, with what the visitor chose."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def measure(self, event: gr.EventData, dropped: Dropped | None) -> tuple[Any, ...]:
        """On bad input one sentence beside what was shown before."""
        if dropped is None:
            return show(None)
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

    def refuse(self, dropped: Dropped | None, request: gr.Request) -> tuple[Any, ...]:
        """The queue was full, or the visitor's limit reached."""
        why = self.service.limits.why_refused(request.session_hash, page_text.QUEUE_IS_FULL)
        return show(dropped, notice=why)


def _save_flow(event: gr.EventData, dropped: Dropped | None) -> str:
    return _saved(dropped, flow_table)


def _save_tokens(dropped: Dropped | None) -> str:
    return _saved(dropped, token_table)


def _saved(dropped: Dropped | None, make: Any) -> str:
    if dropped is None:
        raise refusal(text.NOTHING)
    return save_chart(lambda: make(dropped), {"format": "csv"})
