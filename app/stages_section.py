"""MustDrop's stages as a section of a tab: the viewer, its tables, runs with other thresholds."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from app import text_stages as text
from app.board import save_chart
from app.components.chart import chart_part, show_chart
from app.components.stages import show_stages, stages
from app.downloads import download_button, download_on
from app.events import MODEL_QUEUE
from app.figures.stages import flow_table, token_table
from app.pictures import thumbnail
from app.state import Dropped
from vtw_core.errors import VTWError

if TYPE_CHECKING:
    from app.service import Service

log = logging.getLogger(__name__)


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
        strategy = dropped.strategy
        before = {
            "a": strategy.vision is not None, "b": strategy.prefill, "c": strategy.cache,
        }  # fmt: skip
        on = before | {
            stage: switches[stage] for stage in before if isinstance(switches.get(stage), bool)
        }
        on["c"] = on["c"] and on["b"]  # it keeps what the filters leave
        return cls(
            _share(sent.get("gamma"), strategy.gamma),
            _share(sent.get("alpha"), strategy.alpha),
            "".join(stage for stage, is_on in on.items() if is_on),
        )


def _share(sent: Any, otherwise: float) -> float:
    """A number from 0 to 1."""
    if isinstance(sent, bool) or not isinstance(sent, (int, float)) or not math.isfinite(sent):
        return otherwise
    return max(0.0, min(1.0, float(sent)))


@dataclass(frozen=True)
class StagesSection:
    """``outputs`` take what ``show`` returns; ``dropped`` holds the run that is shown."""

    dropped: gr.State
    measured: Any
    outputs: tuple[Any, ...]


def build(service: Service) -> StagesSection:
    """Put the section here."""
    dropped = gr.State(None)
    with gr.Column(visible=False, elem_classes="inside") as content:
        gr.Markdown(f"### {text.SECTION}", elem_classes="step-title")
        viewer = stages("stages")
        with gr.Accordion(text.TABLES, open=False):
            table = chart_part("stages-flow")
            download_button(text.TOKENS_SAVE, "stages-tokens", _save_tokens, [dropped])
    file = gr.DownloadButton(visible="hidden", elem_id="stages-file")
    download_on(table.select, _save_flow, [dropped], file)
    outputs = (dropped, content, viewer, table)
    measured = viewer.release(
        _Handlers(service).measure, [dropped], list(outputs), trigger_mode="always_last",
        show_progress="hidden", api_visibility="private", **MODEL_QUEUE,
    )  # fmt: skip
    return StagesSection(dropped, measured, outputs)


def show(dropped: Dropped | None, *, asked: int = 0, notice: str | None = None) -> tuple[Any, ...]:
    """The section for a run, or nothing."""
    if dropped is None:
        return None, gr.Column(visible=False), None, None
    layers = len(dropped.record.visual_tokens_per_layer)
    picture = thumbnail(dropped.picture)
    return (
        dropped, gr.Column(visible=True),
        show_stages(dropped, picture, asked=asked, notice=notice),
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
        sent = event._data if isinstance(event._data, dict) else {}
        # The page waits for the number of its question; another one would only confuse itself.
        asked = sent["asked"] if isinstance(sent.get("asked"), int) else 0
        wanted = Wanted.clamped(sent, dropped)
        if dropped.picture is None:
            return show(dropped, asked=asked, notice=text.NO_PICTURE)
        try:
            again = self.service.must_drop(
                dropped.picture, dropped.prompt, wanted.gamma, wanted.alpha, wanted.stages
            )
        except VTWError as problem:
            return show(dropped, asked=asked, notice=str(problem))
        except Exception:
            log.exception("a run with other thresholds failed")
            return show(dropped, asked=asked, notice=text.BROKE)
        return show(again, asked=asked)


def _save_flow(event: gr.EventData, dropped: Dropped | None) -> str:
    return _saved(dropped, flow_table)


def _save_tokens(dropped: Dropped | None) -> str:
    return _saved(dropped, token_table)


def _saved(dropped: Dropped | None, make: Any) -> str:
    if dropped is None:
        raise gr.Error(text.NOTHING, print_exception=False)
    return save_chart(make(dropped), {"format": "csv"})
