"""What happened inside a run, in words: pure functions of verdicts."""

from __future__ import annotations

from vtw_core.analysis.sinks import SINK_SHARE, SinkVerdict

from ..words import inside as text
from ..words.digits import significant


def sink_words(verdict: SinkVerdict, segments: tuple[str, ...]) -> str:
    """Is there a sink, from which layer on, what is left for the image, and does it matter?

    Args:
        segments: [n] of the run's positions. Words of the model's or the visitor's do not enter:
            the result is Markdown.
    """
    rows = text.ROWS_IN_WORDS.get(str(verdict.rows), "")
    if verdict.sink_position is None:
        words = text.VERDICT_NOTHING_BEFORE
    else:
        template = text.VERDICT_SINK if verdict.has_sink else text.VERDICT_NO_SINK
        words = template.format(
            position=verdict.sink_position, share=verdict.sink_share, rows=rows,
            segment=text.SEGMENTS[segments[verdict.sink_position]], start=verdict.start,
            least=SINK_SHARE,
        )  # fmt: skip
    peak = verdict.peak_position
    if not verdict.has_sink and peak is not None and verdict.peak_share >= SINK_SHARE:
        words += text.VERDICT_PEAK.format(
            layer=verdict.peak_layer, position=peak, share=verdict.peak_share,
            segment=text.SEGMENTS[segments[peak]],
        )  # fmt: skip
    template = text.VERDICT_NEVER if verdict.from_layer is None else text.VERDICT_FROM
    words += template.format(
        from_layer=verdict.from_layer, first=verdict.first_share, visual=verdict.visual_share,
        token=verdict.visual_share_per_token, count=verdict.visual_tokens,
        even=verdict.uniform_visual_share,
    )  # fmt: skip
    return words + text.VERDICT_KL.format(
        start=verdict.start, kl=significant(verdict.kl_first_token),
        mean=significant(verdict.kl_answer_mean),
        same=text.VERDICT_SAME if verdict.same_answer else text.VERDICT_OTHER,
    )  # fmt: skip
