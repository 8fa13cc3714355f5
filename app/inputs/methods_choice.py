"""One method as a visitor chooses it: its controls' values, and the options that they come to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from vtw_core.errors import InputError
from vtw_core.measures.budget import drop_schedule, dropped_share, withdrawn_mean
from vtw_core.results.comparison import MethodEntry
from vtw_core.results.run import Run

from ..words import methods as text
from .clamping import clamped, clamped_number

NAMES = ("vtw", "mustdrop", "fastv", "random")
MOST_PANELS = 3
_FASTV_K = 2  # as published
_MOST_SEED = 10_000


@dataclass(frozen=True)
class Choice:
    """The values of one panel's controls, in their order; a method uses those that fit it."""

    name: str = "vtw"
    k: int = 0
    ratio: float = 0.5
    ranking: str = "last_token"
    seed: int = 0
    thresholds: str = "tokens"
    tokens: float = 0.0
    gamma: float = 0.001
    alpha: float = 0.001
    stages: tuple[str, ...] = ("a", "b", "c")

    @classmethod
    def clamped(cls, run: Run, *values: Any) -> Choice:
        """Of what the browser sent, a visitor's input."""
        name, k, ratio, ranking, seed, thresholds, tokens, gamma, alpha, stages = values
        ticked = stages if isinstance(stages, list) else []
        return cls(
            name=name if name in NAMES else NAMES[0],
            # FastV reads the layer before K.
            k=clamped(k, 1 if name == "fastv" else 0, run.layers, default_k(run)),
            ratio=clamped_number(ratio, 1.0, 0.5),
            ranking=ranking if ranking in tuple(text.RANKINGS) else "last_token",
            seed=clamped(seed, 0, _MOST_SEED, 0),
            thresholds=thresholds if thresholds in tuple(text.THRESHOLD_CHOICES) else "tokens",
            tokens=clamped_number(tokens, float(run.visual_tokens), 0.0),
            gamma=clamped_number(gamma, 1.0, 0.001),
            alpha=clamped_number(alpha, 1.0, 0.001),
            stages=tuple(one for one in text.STAGE_CHOICES if one in ticked),
        )

    @property
    def values(self) -> list[Any]:
        """What the controls hold, in their order."""
        return [self.name, self.k, self.ratio, self.ranking, self.seed, self.thresholds,
                self.tokens, self.gamma, self.alpha, list(self.stages)]  # fmt: skip

    def options(self, run: Run) -> str:
        """As `vtw_core compare --method` takes them.

        Raises:
            InputError: MustDrop's stages do not go together.
        """
        if self.name == "vtw":
            return f"vtw --k {self.k}"
        if self.name == "fastv":
            return f"fastv --k {self.k} --ratio {self.ratio:.6f} --ranking {self.ranking}"
        if self.name == "random":
            schedule = drop_schedule(self.ratio, self.k, run.layers, run.visual_tokens)
            counts = ",".join(map(str, schedule))
            return f"random --schedule {counts} --drop-seed {self.seed}"
        if not {"a", "b"} & set(self.stages):
            raise InputError(text.STAGES_C if self.stages else text.STAGES_NONE)
        if "c" in self.stages and "b" not in self.stages:
            raise InputError(text.STAGES_C)
        thresholds = {
            "tokens": f"--tokens {self.tokens:.6g}",
            "own": f"--gamma {self.gamma} --alpha {self.alpha}",
        }.get(self.thresholds, f"--preset {self.thresholds}")
        return f"mustdrop --stages {''.join(self.stages)} {thresholds}"

    @property
    def title(self) -> str:
        """What sets it apart, in a few words, as `app.presenters.methods_view.title` of its run."""
        return text.TITLES[self.name].format(
            k=self.k, ratio=self.ratio, seed=self.seed, stages=" ".join(self.stages)
        )

    @property
    def fitting(self) -> tuple[bool, ...]:
        """Which of the controls behind the method itself belong to it."""
        is_mustdrop = self.name == "mustdrop"
        drops_once = self.name in ("fastv", "random")
        own = is_mustdrop and self.thresholds == "own"
        return (
            not is_mustdrop, drops_once, self.name == "fastv", self.name == "random", is_mustdrop,
            is_mustdrop and self.thresholds == "tokens", own, own, is_mustdrop,
        )  # fmt: skip

    def at_budget(self, tokens: float, run: Run) -> Choice:
        """The same method set to leave as many visual tokens, mean over the layers; VTW stays."""
        if self.name == "mustdrop":
            return replace(self, thresholds="tokens", tokens=tokens)
        if self.name == "vtw":
            return self
        least = 1 if self.name == "fastv" else 0
        k = min(max(self.k, least), run.layers - 1)
        # What its first K layers hold may be more than the budget: they see fewer then.
        while k > least and k * run.visual_tokens > tokens * run.layers:
            k -= 1
        share = dropped_share(tokens, k, run.layers, run.visual_tokens)
        return replace(self, k=k, ratio=round(share, 4))


def default_k(run: Run) -> int:
    """VTW's K at first: K* of the whole answer, see `vtw_core.compare.methods.default_methods`."""
    return run.choose_k(scope="answer_mean")


def default_choices(run: Run) -> tuple[Choice, ...]:
    """The panels at first: VTW, then MustDrop and FastV at the same budget."""
    k = default_k(run)
    tokens = withdrawn_mean(k, run.layers, run.visual_tokens)
    others = [Choice(name, min(_FASTV_K, run.layers - 1)) for name in NAMES[1:]]
    return (Choice("vtw", k, tokens=tokens), *(one.at_budget(tokens, run) for one in others))[
        :MOST_PANELS
    ]


def choice_of(entry: MethodEntry, run: Run) -> Choice:
    """The controls that stand for a method that ran."""
    said, name = entry.strategy, entry.name
    tokens = entry.mean_visual_tokens if entry.tokens_wanted is None else entry.tokens_wanted
    chosen = Choice(name if name in NAMES else NAMES[0], default_k(run), tokens=tokens)
    if name == "mustdrop":
        on = {"a": said["vision"] is not None, "b": said["prefill"], "c": said["cache"]}
        return replace(
            chosen, thresholds="own" if entry.tokens_wanted is None else "tokens",
            gamma=said["gamma"], alpha=said["alpha"], stages=tuple(s for s in on if on[s]),
        )  # fmt: skip
    k, ratio = drop_of(entry, run.visual_tokens)
    chosen = replace(chosen, k=k)
    if name == "fastv":
        return replace(chosen, ratio=ratio, ranking=said["ranking"])
    return replace(chosen, ratio=ratio, seed=said["seed"]) if name == "random" else chosen


def drop_of(entry: MethodEntry, visual: int) -> tuple[int, float]:
    """K and R of a method that drops once; of random ones, from the tokens that its layers saw."""
    seen = entry.visual_tokens_per_layer
    k = next((layer for layer, count in enumerate(seen) if count < visual), len(seen))
    return entry.strategy.get("k", k), entry.strategy.get("ratio", 1 - seen[-1] / visual)
