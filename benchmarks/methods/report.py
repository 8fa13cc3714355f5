"""docs/equal-budget.md and its figures, from ``methods.vtwb``."""

from __future__ import annotations

from app.figures.budget import Choices, pareto
from app.figures.matplotlib_charts import export
from app.presenters.budget_view import MAIN, as_text, facts, kind_name, name_of, reading, stages
from app.words import budget as text
from benchmarks.report import ROOT, put_between
from vtw_core.files.replacing import replace_file
from vtw_core.results.equal_budget import SHORT, BudgetComparison, Estimate, Measure

RESULTS = ROOT / "assets" / "methods.vtwb"
DOCUMENT = ROOT / "docs" / "equal-budget.md"
START, END = "<!-- methods: made by `python -m benchmarks.methods` -->", "<!-- end of methods -->"


def figures(comparison: BudgetComparison) -> dict[str, Choices]:
    """File names below docs/, and what each shows."""
    long = {f"methods-{kind}.svg": Choices(kind, "kl_answer") for kind in comparison.long_kinds}
    return {"methods.svg": Choices(SHORT, "right"), **long}


def section(comparison: BudgetComparison) -> str:
    """Markdown between the two markers."""
    lines = [START, facts(comparison), "", f"**{text.READING_TITLE}.**"]
    lines += [f"- {sentence}" for sentence in reading(comparison)]
    lines += ["", stages(comparison), ""]
    for name, chosen in figures(comparison).items():
        alt = text.FIGURE_ALT.format(
            measure=text.MEASURES[chosen.measure], cost=text.COSTS[chosen.cost],
            kind=kind_name(chosen.kind),
        )  # fmt: skip
        lines.append(f"![{alt}]({name})")
    lines += ["", text.DOCUMENT_TABLE, "", *_table(comparison), END]
    return "\n".join(lines)


def _table(comparison: BudgetComparison) -> list[str]:
    """The series that show the main results; the page and the file have all of them."""
    long = comparison.long_kinds[0]
    columns: list[tuple[Measure, str]] = [
        ("visual_tokens", SHORT), ("flops", SHORT), ("prefill_time", SHORT), ("whole_time", SHORT),
        ("right", SHORT), ("right", long), ("kl_answer", SHORT), ("kl_answer", long),
    ]  # fmt: skip
    found = [(measure, comparison.estimates(measure, kind)) for measure, kind in columns]
    lines = [
        "| " + " | ".join(text.DOCUMENT_COLUMNS) + " |",
        "|---|" + "---:|" * len(columns),
    ]
    for place, one in enumerate(comparison.contenders):
        if one.series in MAIN:
            cells = [_cell(measure, estimates[place]) for measure, estimates in found]
            lines.append("| " + " | ".join([name_of(one), *cells]) + " |")
    return lines


def _cell(measure: Measure, estimate: Estimate) -> str:
    value = as_text(measure, estimate.value)
    if measure not in ("right", "kl_answer"):
        return value
    low, high = (as_text(measure, end).removesuffix(" %") for end in (estimate.low, estimate.high))
    return text.INTERVAL.format(value=value, low=low, high=high)


def write(comparison: BudgetComparison) -> None:
    """Put the section into the document and draw the figures."""
    put_between(DOCUMENT, START, END, section(comparison))
    for name, chosen in figures(comparison).items():
        replace_file(ROOT / "docs" / name, export(pareto(comparison, chosen), "svg"))
