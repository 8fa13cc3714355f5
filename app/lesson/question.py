"""A question about a run, and how an answer is judged. No gradio, no page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vtw_core.results.run import Run


@dataclass(frozen=True)
class Verdict:
    """Whether an answer was right, and the sentence that says why."""

    right: bool
    because: str


@dataclass(frozen=True)
class Question:
    """One question about one run, with its numbers already worked out.

    Attributes:
        ask: what is asked.
        choices: what can be answered, or none: the answer is the K that the visitor holds.
        right: every answer that counts as right: indices of choices, or values of K.
        because: an answer -> the sentence that follows from the run's numbers.
    """

    ask: str
    choices: tuple[str, ...]
    right: frozenset[int]
    because: Callable[[int], str]

    @property
    def of_k(self) -> bool:
        """Whether it is answered by dragging K."""
        return not self.choices

    def judge(self, given: int) -> Verdict:
        return Verdict(given in self.right, self.because(given))


Ask = Callable[[Run], tuple[Question, ...]]


def choose(ask: str, choices: tuple[str, ...], right: int, because: str) -> Question:
    """A question with one right choice, explained by the same sentence whatever is chosen."""
    return Question(ask, choices, frozenset({right}), lambda _: because)


def choose_number(ask: str, numbers: dict[str, float], right: str, because: str) -> Question:
    """A question whose choices are numbers, in ascending order.

    Args:
        numbers: how a choice is printed -> its value; equal prints are one choice.
        right: the print of the right one.
    """
    ascending = tuple(sorted(numbers, key=lambda printed: numbers[printed]))
    return choose(ask, ascending, ascending.index(right), because)
