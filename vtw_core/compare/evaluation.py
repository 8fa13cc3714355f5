"""Several methods over a whole data set: accuracy, agreement with the baseline, and cost.

Every question is one `compare_methods`; the numbers come together in a `BudgetComparison`, which
knows means, 95 % intervals and paired differences. No time is measured here: it would depend on
the machine, and the result does not.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from vtw_core.data.dataset import Item
from vtw_core.data.fingerprint import identity
from vtw_core.data.records import Entry, InMemory, Records, Store, finish_all
from vtw_core.errors import InputError
from vtw_core.files.axes import Axes
from vtw_core.files.serialization import deserialize, misfit
from vtw_core.measures.bootstrap import BAND_METHOD
from vtw_core.results.calibration import ANSWER_MATCH, Setting, is_right
from vtw_core.results.comparison import MethodComparison
from vtw_core.results.equal_budget import SHORT, BudgetComparison, Contender, Estimate, Measure
from vtw_core.strategies.keep_all import KeepAll
from vtw_core.strategies.method import Method

if TYPE_CHECKING:
    from vtw_core.model import VisionLanguageModel

BASELINE = Method("baseline", KeepAll())
KEPT: tuple[Measure, ...] = (
    "same", "kl_answer", "kl_first", "visual_tokens", "flops", "kv_bytes",
)  # fmt: skip
"""Measures that a record holds; "right" is computed from the accepted answers when it is read."""
SHOWN: dict[Measure, str] = {
    "same": "agreement",
    "kl_answer": "kl_answer_mean",
    "kl_first": "kl_first_token",
    "visual_tokens": "visual_tokens",
    "flops": "flops_share",
    "kv_bytes": "kv_share",
}
ANSWERED, UNANSWERED = "answered", "unanswered"
"""Kinds of questions: with accepted answers, and without."""


@dataclass(frozen=True)
class Judged:
    """The record of one question.

    Attributes:
        setting: model, versions and limits.
        prompt: the question.
        answers: [methods + 1] the baseline's first.
        values: [methods + 1] of each of KEPT, as defined by
            `vtw_core.results.equal_budget.Measure`.
    """

    setting: Setting
    prompt: str
    answers: Annotated[tuple[str, ...], Axes("answers")]
    values: dict[Measure, Annotated[tuple[float, ...], Axes("answers")]]

    @classmethod
    def of(cls, compared: MethodComparison) -> "Judged":
        """What is kept of a comparison."""
        everyone = compared.everyone
        return cls(
            Setting.of(compared),
            compared.prompt,
            tuple(one.answer for one in everyone),
            {
                "same": tuple(float(compared.same_answer(one)) for one in everyone),
                # As `vtw_core.results.equal_budget` has it, the other way round than `MethodEntry`.
                "kl_answer": tuple(float(one.kl_positions_reverse.mean()) for one in everyone),
                "kl_first": tuple(float(one.kl_positions_reverse[0]) for one in everyone),
                "visual_tokens": tuple(one.mean_visual_tokens for one in everyone),
                "flops": tuple(compared.flops_share(one) for one in everyone),
                "kv_bytes": tuple(compared.kv_share(one) for one in everyone),
            },
        )

    def __post_init__(self) -> None:
        """Raise InputError unless every answer has its numbers."""
        problem = misfit(self)
        if problem:
            raise InputError("This is not a coherent record: {problem}.", problem=problem)
        if set(self.values) != set(KEPT):
            raise InputError("a record needs the measures {names}.", names=", ".join(KEPT))

    @classmethod
    def from_json(cls, data: Any) -> "Judged":
        """Read the record of a shard; raises InputError if it is damaged."""
        return deserialize(cls, data)


def depends_on(
    vlm: "VisionLanguageModel", methods: Sequence[Method], max_new_tokens: int
) -> list[Any]:
    """What the record of a question depends on besides its image and prompt."""
    described = [[method.strategy.describe(), method.tokens] for method in methods]
    return ["evaluate", *identity(vlm), described, max_new_tokens]


def judged(
    vlm: "VisionLanguageModel", item: Item, methods: Sequence[Method], max_new_tokens: int
) -> Judged:
    """All methods on one question.

    Raises:
        InputError: a bad image, prompt or limit, or a method that cannot be run on it.
    """
    from vtw_core.compare.methods import compare_methods  # brings torch

    return Judged.of(
        compare_methods(
            vlm, item.image, item.prompt, methods, max_new_tokens=max_new_tokens, timed=1
        )
    )


def evaluate(
    vlm: "VisionLanguageModel",
    items: Sequence[Item],
    methods: Sequence[Method],
    *,
    max_new_tokens: int = 32,
    store: Store[Judged] | None = None,
) -> "Evaluation":
    """Run methods beside the baseline on every item.

    Args:
        items: from `read_items`, or a part of `vtw_core.data.hub_data.open_data`.
        methods: labels must differ from each other and from "baseline".
        store: where finished records are kept and found again, for instance
            ``Shards(folder, Judged.from_json)``.

    Raises:
        InputError: no items, a bad image, prompt or limit, or a method that cannot be run on one.
    """
    if not items:
        raise InputError("There is no question to evaluate on; give at least one image.")
    records = finish_all(
        items,
        InMemory() if store is None else store,
        depends_on(vlm, methods, max_new_tokens),
        lambda item: judged(vlm, item, methods, max_new_tokens),
    )
    return evaluation(records, methods)


@dataclass(frozen=True)
class Evaluation:
    """Methods on a data set.

    Attributes:
        methods: in the order of the contenders, without the baseline.
        setting: what all questions share.
        comparison: one number for each method, measure and question.
    """

    methods: tuple[Method, ...]
    setting: Setting
    comparison: BudgetComparison

    @property
    def questions(self) -> int:
        """How many."""
        return len(self.comparison.kinds)

    @property
    def answered(self) -> int:
        """How many came with a right answer."""
        return self.comparison.kinds.count(ANSWERED)

    def estimates(self, measure: Measure) -> tuple[Estimate, ...] | None:
        """[methods + 1] mean and interval over the questions; of "right" over the answered ones,
        None where there is none."""
        if measure != "right":
            return self.comparison.estimates(measure, SHORT)
        return self.comparison.estimates(measure, ANSWERED) if self.answered else None

    def to_json(self) -> dict[str, Any]:
        """The object of `python -m vtw_core evaluate --json`."""
        rows: list[dict[str, Any]] = [
            {"label": method.label, "strategy": method.strategy.described(self.setting.layers),
             "tokens_wanted": method.tokens}
            for method in (BASELINE, *self.methods)
        ]  # fmt: skip
        named: dict[Measure, str] = {"right": "accuracy", **SHOWN}
        for measure, name in named.items():
            found = self.estimates(measure)
            for row, one in zip(rows, found or [None] * len(rows), strict=True):
                row[name] = one and vars(one)
        if self.answered:
            first = self.comparison.baseline
            for row, contender in zip(rows, self.comparison.contenders, strict=True):
                difference = self.comparison.difference(contender, first, "right", ANSWERED)
                row["accuracy_less_baseline"] = vars(difference)
        return {
            **self.setting.to_json(),
            "questions": self.questions,
            "answered": self.answered,
            "answer_match": ANSWER_MATCH,
            "interval": BAND_METHOD,
            "kl_direction": "KL(P_full || P_method), nats, on the baseline's answer",
            "methods": rows,
        }


def evaluation(records: Records[Judged], methods: Sequence[Method]) -> Evaluation:
    """Put the records of a data set together; holds seven numbers for each method and question.

    Raises:
        InputError: the records differ in model, versions or limits.
    """
    setting = records[0][1].setting
    contenders = (BASELINE, *methods)
    values = np.empty((len(KEPT) + 1, len(contenders), len(records)))
    kinds = []
    for number, (entry, record) in enumerate(records):
        if record.setting != setting or len(record.answers) != len(contenders):
            raise InputError("The parts differ in model, versions or limits; evaluate them alike.")
        values[0, :, number] = [is_right(answer, entry.accepted) for answer in record.answers]
        values[1:, :, number] = [record.values[name] for name in KEPT]
        kinds.append(ANSWERED if entry.accepted else UNANSWERED)
    measures: tuple[Measure, ...] = ("right", *KEPT)
    return Evaluation(
        tuple(methods),
        setting,
        BudgetComparison(
            facts=setting.to_json(),
            kinds=tuple(kinds),
            long_kinds=(),
            contenders=tuple(
                Contender(
                    "none" if method is BASELINE else method.label,
                    method.strategy.described(setting.layers),
                    method.tokens,
                    dict(zip(measures, values[:, place], strict=True)),
                )
                for place, method in enumerate(contenders)
            ),
        ),
    )


def answer_rows(
    records: Iterable[tuple[Entry, Judged]], methods: Sequence[Method]
) -> Iterator[list[Any]]:
    """A table of every answer, a header first: one row for each question and method."""
    yield ["image", "prompt", "accepted", "method", "answer", "right", *SHOWN.values()]
    for entry, record in records:
        for place, method in enumerate((BASELINE, *methods)):
            answer = record.answers[place]
            right = int(is_right(answer, entry.accepted)) if entry.accepted else ""
            numbers = [record.values[name][place] for name in SHOWN]
            yield [entry.name, record.prompt, " | ".join(entry.accepted), method.label, answer,
                   right, *numbers]  # fmt: skip
