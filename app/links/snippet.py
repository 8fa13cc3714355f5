"""The view on the page as a few lines of Python with ``vtw_core``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vtw_core.results.run import DEFAULT_ETA, RULES, Run

from .view_address import View


@dataclass(frozen=True)
class _Part:
    """What one tab shows: its imports, what `explore` records for it, and lines that print it."""

    imports: str
    options: str
    lines: str


_ANSWERS = _Part(
    imports="",
    options="",
    lines="""\
print("image in all layers:", run.baseline_answer)
print(f"image withdrawn from layer {k} on:", run.answers[k])
print("KL at the first answer token, nats:", run.kl_first_token[k])
print("K*:", run.choose_k(eta, rule=rule), "by the rule", rule)
""",
)
_EVERY_K = _Part(
    imports="",
    options="",
    lines="""\
for at in range(run.layers + 1):
    print(at, run.kl_first_token[at], run.flops[at] / run.flops[-1], run.answers[at])
print("K*:", run.choose_k(eta, rule=rule), "by the rule", rule, "chosen here:", k)
""",
)
_SINKS = _Part(
    imports="""\
from vtw_core.analysis.rows import select_rows
from vtw_core.analysis.sinks import on_grid, segment_mass, sink_verdict, where_it_looks
from vtw_core.results.inside import SEGMENTS
""",
    options="    inside=True,\n",
    lines="""\
inside = run.inside
last = select_rows(inside, "last_prompt", run.prompt_tokens)
print(sink_verdict(run, "last_prompt"))
print(dict(zip(SEGMENTS, segment_mass(inside.attention, last)[layer])))
print(on_grid(where_it_looks(inside, row)[layer], inside))
""",
)
_MIGRATION = _Part(
    imports="from vtw_core.analysis.migration import joint_curves, three_settings\n",
    options="""\
    inside=True,
    counterfactuals=["white", "noise", "blurred"],
""",
    lines="""\
for test in run.inside.counterfactuals:
    curves = joint_curves(run, test, eta=eta)
    print(test.name, curves.low_but_used, curves.high_but_unused, curves.causal_kl)
    print([(setting.name, setting.kl) for setting in three_settings(run, test, k)])
""",
)
_PARTS = {"every-k": _EVERY_K, "sinks": _SINKS, "migration": _MIGRATION}


def code_for(run: Run, view: View, pictures: Sequence[str], *, is_example: bool = False) -> str:
    """Python that makes the run again and prints what the tab in front shows.

    Args:
        view: clamped to the run; tabs without a part of their own show the two answers.
        pictures: the path of each picture as it is to stand in the code.
        is_example: whether the first one is the name of an example that comes with the library.
    """
    paths = [repr(picture) for picture in pictures]
    if is_example:
        paths[0] = f"EXAMPLES / {paths[0]}"
    shown = paths[0] if len(paths) == 1 else f"[{', '.join(paths)}]"
    part = _PARTS.get(view.get("tab", ""), _ANSWERS)
    eta, rule = view.get("eta", DEFAULT_ETA), view.get("rule", RULES[0])
    k = view["k"] if "k" in view else run.choose_k(eta, rule=rule)
    chosen = f"k, eta, rule = {k}, {eta!r}, {rule!r}\n"
    if part is _SINKS:
        layer, row = view.get("layer", run.layers - 1), view.get("row", 0)
        chosen += f"layer, row = {layer}, {row}  # row: which text token after the image\n"
    return (
        f"from vtw_core import {'EXAMPLES, ' if is_example else ''}load_model\n{part.imports}\n"
        f"vlm = load_model({run.model!r})\n"
        f"run = vlm.explore(\n"
        f"    {shown},\n"
        f"    {run.prompt!r},\n"
        f"    max_new_tokens={run.max_new_tokens},\n{part.options}"
        f")\n\n"
        f"{chosen}{part.lines}"
    )
