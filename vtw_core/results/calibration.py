"""The record of a calibration: K over a set of samples (numpy and the standard library).

A `Calibration` holds one small record per sample and nothing derived; `read` makes everything that
is shown, at one threshold, a pure function of the records. Index k of every list is K = k.
"""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from vtw_core.errors import InputError, Sentence
from vtw_core.files.axes import Axes, Count
from vtw_core.files.documents import object_with_list
from vtw_core.files.spreadsheets import csv_lines
from vtw_core.files.storage import Format
from vtw_core.measures.arrays import FloatArray, IntArray
from vtw_core.measures.bootstrap import BAND_METHOD, bootstrap_band
from vtw_core.results import older_files
from vtw_core.results.calibration_checks import incoherence
from vtw_core.results.comparison import MethodComparison
from vtw_core.results.run import (
    DEFAULT_ETA,
    DIRECTION_LABELS,
    DIRECTIONS,
    SCOPES,
    Direction,
    Rule,
    Run,
    Scope,
    check_curve,
    check_eta,
    choose_k,
    rule_in_words,
)

ANSWER_MATCH = "right: equal to an accepted answer after strip() and casefold()"
_KL_AXES = f"{len(DIRECTIONS)} {len(SCOPES)} L+1"


def is_right(answer: str, accepted: tuple[str, ...]) -> bool:
    """Whether an answer equals one of the accepted ones after strip() and casefold()."""
    return answer.strip().casefold() in {text.strip().casefold() for text in accepted}


@dataclass(frozen=True)
class Setting:
    """What all samples of a calibration share.

    Attributes:
        model: the name it was loaded by.
        model_type: transformers' model_type.
        layers: L, decoder layers.
        max_new_tokens: the limit the answers were generated under.
        flops_convention: how `Sample.flops` is counted.
        dtype, device: where it ran; the device without its index.
        versions: (package, version) pairs.
    """

    model: str
    model_type: str
    layers: Annotated[int, Count("L")]
    max_new_tokens: int
    flops_convention: str
    dtype: str
    device: str
    versions: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, run: Run | MethodComparison) -> "Setting":
        """The setting a run or a comparison was made in."""
        own = {f.name: getattr(run, f.name) for f in fields(cls)}
        return cls(**own | {"device": run.device.partition(":")[0]})

    def to_json(self) -> dict[str, Any]:
        """Plain strings, numbers and lists."""
        return asdict(self) | {"versions": [list(pair) for pair in self.versions]}


@dataclass(frozen=True)
class Sample:
    """One image and one prompt, seen at every K: only what a calibration needs.

    Attributes:
        image: file name of the picture.
        prompt: the question.
        accepted: right answers; empty where none was given.
        visual_tokens, text_tokens: counts in the prompt.
        kl: [direction][scope][L+1] nats, in the order of DIRECTIONS and SCOPES.
        answers: [L+1] text of the answer at each K.
        same_as_baseline: [L+1] whether the answer is the baseline's, token for token.
        flops: [L+1] theoretical FLOPs of the prefill.
    """

    image: str
    prompt: str
    accepted: tuple[str, ...]
    visual_tokens: int
    text_tokens: int
    kl: Annotated[tuple[tuple[tuple[float, ...], ...], ...], Axes(_KL_AXES)] = field(repr=False)
    answers: Annotated[tuple[str, ...], Axes("L+1")] = field(repr=False)
    same_as_baseline: Annotated[tuple[bool, ...], Axes("L+1")] = field(repr=False)
    flops: Annotated[tuple[float, ...], Axes("L+1")] = field(repr=False)

    @classmethod
    def of(cls, run: Run, image: str, accepted: tuple[str, ...]) -> "Sample":
        """What is kept of a run."""
        return cls(
            image=image,
            prompt=run.prompt,
            accepted=accepted,
            visual_tokens=run.visual_tokens,
            text_tokens=run.text_tokens,
            kl=tuple(
                tuple(tuple(run.kl(scope, direction).tolist()) for scope in SCOPES)
                for direction in DIRECTIONS
            ),
            answers=run.answers,
            same_as_baseline=tuple(run.same_as_baseline.tolist()),
            flops=tuple(run.flops.tolist()),
        )

    def to_json(self) -> dict[str, Any]:
        """Plain strings, numbers and lists; `right` is null where no answer was given."""
        return {
            "image": self.image,
            "prompt": self.prompt,
            "accepted": list(self.accepted),
            "visual_tokens": self.visual_tokens,
            "text_tokens": self.text_tokens,
            "answers": list(self.answers),
            "same_as_baseline": list(self.same_as_baseline),
            "right": list(self.right) if self.accepted else None,
            "flops": list(self.flops),
            "kl": {
                direction: {scope: list(self.curve(scope, direction)) for scope in SCOPES}
                for direction in DIRECTIONS
            },
        }

    @property
    def right(self) -> tuple[bool, ...]:
        """[L+1] whether the answer at each K is an accepted one; see `is_right`."""
        return tuple(is_right(answer, self.accepted) for answer in self.answers)

    def curve(self, scope: Scope, direction: Direction) -> tuple[float, ...]:
        """[L+1] KL in nats of one scope and direction."""
        return self.kl[DIRECTIONS.index(direction)][SCOPES.index(scope)]


@dataclass(frozen=True, eq=False)
class Reading:
    """A calibration, read at one threshold.

    Attributes:
        setting: what the samples share.
        eta, scope, rule, direction: the criterion.
        samples: how many; answered: how many came with a right answer.
        k_star: K* of the mean curve, as VTW takes the mean.
        k_min: the smallest K that `withdraw` can run on this model.
        kl_mean: [L+1] mean KL over the samples, nats.
        kl_band: [2, L+1] lower and upper end of the mean's band (BAND_METHOD); None for a single
            sample, which says nothing of the spread.
        k_stars: [samples] K* of each sample's own curve.
        histogram: [L+1] how many samples have their K* at K = k.
        agreement: [L+1] share of samples whose answer is the baseline's, token for token.
        accuracy: [L+1] share of the answered samples that are right; None without any.
        flops_share: [L+1] mean over the samples of prefill FLOPs against the sample's baseline.
    """

    setting: Setting
    eta: float
    scope: Scope
    rule: Rule
    direction: Direction
    samples: int
    answered: int
    k_star: int
    k_min: int
    kl_mean: FloatArray = field(repr=False)
    kl_band: FloatArray | None = field(repr=False)
    k_stars: IntArray = field(repr=False)
    histogram: IntArray = field(repr=False)
    agreement: FloatArray = field(repr=False)
    accuracy: FloatArray | None = field(repr=False)
    flops_share: FloatArray = field(repr=False)

    @property
    def layers(self) -> int:
        """L, decoder layers."""
        return self.setting.layers

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, strings and lists; index k of every list over K is K = k."""
        band = None if self.kl_band is None else self.kl_band.tolist()
        return {
            **self.setting.to_json(),
            "samples": self.samples,
            "answered": self.answered,
            "eta": self.eta,
            "scope": self.scope,
            "rule": self.rule,
            "k_star_rule": rule_in_words(self.rule, self.k_min),
            "k_min": self.k_min,
            "kl_direction": DIRECTION_LABELS[self.direction],
            "k_star": self.k_star,
            "kl_mean": self.kl_mean.tolist(),
            "kl_band": band and {"method": BAND_METHOD, "low": band[0], "high": band[1]},
            "k_star_of_samples": self.k_stars.tolist(),
            "k_star_histogram": self.histogram.tolist(),
            "agreement": self.agreement.tolist(),
            "accuracy": None if self.accuracy is None else self.accuracy.tolist(),
            "answer_match": ANSWER_MATCH,
            "flops_share": self.flops_share.tolist(),
        }

    def to_csv(self) -> str:
        """One line for each K, a header first; empty cells where there is no band or accuracy."""
        return "".join(csv_lines(self._rows()))

    def _rows(self) -> Iterator[list[Any]]:
        yield [
            "K", f"mean KL {self.scope} ({DIRECTION_LABELS[self.direction]})",
            "band low (nats)", "band high (nats)", "agreement", "accuracy", "FLOPs share",
            f"samples with K* here (eta {self.eta:g} nats, {self.rule})", "K* of the mean curve",
        ]  # fmt: skip
        for k in range(self.layers + 1):
            low, high = ("", "") if self.kl_band is None else self.kl_band[:, k].tolist()
            yield [
                k, float(self.kl_mean[k]), low, high, float(self.agreement[k]),
                "" if self.accuracy is None else float(self.accuracy[k]),
                float(self.flops_share[k]), int(self.histogram[k]), int(k == self.k_star),
            ]  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Columns:
    """What a reading needs of all samples, one row each: about 18 bytes for each sample and K.

    kl: [samples, L+1]; flops: [samples, L+1]; same: [samples, L+1]; right: [answered, L+1].
    """

    kl: FloatArray
    flops: FloatArray
    same: NDArray[np.bool_]
    right: NDArray[np.bool_]


@dataclass(frozen=True)
class Calibration:
    """A model seen at every K over a set of samples.

    Attributes:
        setting: what the samples share.
        samples: one record each, in the order of the data; of a large set a sequence that reads
            each from disk on demand (`vtw_core.data.calibration.Samples`).
        k_min: the smallest K that `withdraw` can run on this model.

    Raises:
        InputError: no sample, or lengths or values that cannot come from a run.
    """

    setting: Setting
    samples: Sequence[Sample]
    k_min: int = 0

    def __post_init__(self) -> None:
        problem = incoherence(self)
        if problem:
            raise InputError("This is not a coherent calibration: {problem}.", problem=problem)

    @property
    def layers(self) -> int:
        """L, decoder layers."""
        return self.setting.layers

    def kl(
        self, scope: Scope = "first_token", direction: Direction = "withdrawn_full"
    ) -> FloatArray:
        """[samples, L+1] nats, one KL curve for each sample.

        Raises:
            InputError: unknown scope or direction.
        """
        return self._columns(scope, direction).kl

    def choose_k(
        self,
        eta: float = DEFAULT_ETA,
        scope: Scope = "first_token",
        rule: Rule = "first",
        direction: Direction = "withdrawn_full",
    ) -> int:
        """K* of the mean curve, as VTW chooses K; see `vtw_core.results.run.choose_k`.

        Raises:
            InputError: bad eta, scope, rule or direction.
        """
        return choose_k(self.kl(scope, direction).mean(axis=0), eta, rule, self.k_min)

    def read(
        self,
        eta: float = DEFAULT_ETA,
        scope: Scope = "first_token",
        rule: Rule = "first",
        direction: Direction = "withdrawn_full",
    ) -> Reading:
        """Everything that is shown, at one threshold; runs no model.

        Raises:
            InputError: bad eta, scope, rule or direction.
        """
        seen = self._columns(scope, direction)
        mean = seen.kl.mean(axis=0)
        stars = np.array([choose_k(curve, eta, rule, self.k_min) for curve in seen.kl])
        answered = len(seen.right)
        return Reading(
            setting=self.setting,
            eta=check_eta(eta),
            scope=scope,
            rule=rule,
            direction=direction,
            samples=len(self.samples),
            answered=answered,
            k_star=choose_k(mean, eta, rule, self.k_min),
            k_min=self.k_min,
            kl_mean=mean,
            kl_band=bootstrap_band(seen.kl),
            k_stars=stars,
            histogram=np.bincount(stars, minlength=self.layers + 1),
            agreement=seen.same.mean(axis=0),
            accuracy=seen.right.mean(axis=0) if answered else None,
            flops_share=(seen.flops / seen.flops[:, -1:]).mean(axis=0),
        )

    def _columns(self, scope: Scope, direction: Direction) -> "_Columns":
        """In one pass, since the samples may be on disk."""
        check_curve(scope, direction)
        kl, flops, same, right = array("d"), array("d"), bytearray(), bytearray()
        for sample in self.samples:
            kl.extend(sample.curve(scope, direction))
            flops.extend(sample.flops)
            same.extend(sample.same_as_baseline)
            if sample.accepted:
                right.extend(sample.right)
        rows = (-1, self.layers + 1)
        return _Columns(
            kl=np.array(kl).reshape(rows),
            flops=np.array(flops).reshape(rows),
            same=np.frombuffer(same, dtype=np.bool_).reshape(rows),
            right=np.frombuffer(right, dtype=np.bool_).reshape(rows),
        )

    def to_json(
        self,
        eta: float = DEFAULT_ETA,
        scope: Scope = "first_token",
        rule: Rule = "first",
        direction: Direction = "withdrawn_full",
    ) -> dict[str, Any]:
        """The object of `calibrate --json`: a reading (see `read`) and every sample."""
        records = [sample.to_json() for sample in self.samples]
        return self.read(eta, scope, rule, direction).to_json() | {"per_sample": records}

    def json_pieces(
        self,
        eta: float = DEFAULT_ETA,
        scope: Scope = "first_token",
        rule: Rule = "first",
        direction: Direction = "withdrawn_full",
    ) -> Iterator[str]:
        """The text of `to_json` in pieces, of which no two need be held at once."""
        reading = self.read(eta, scope, rule, direction).to_json()
        yield from object_with_list(
            reading, "per_sample", (sample.to_json() for sample in self.samples)
        )

    def save(self, path: str | Path) -> Path:
        """Write the records to one file that `load_calibration` reads back exactly.

        Raises:
            InputError: the file cannot be written, or would be too large to be read back.
        """
        return _FORMAT.write(self, path)


def load_calibration(path: str | Path) -> Calibration:
    """Read a file of `Calibration.save`.

    Raises:
        InputError: missing, damaged, too large, of another version, or not from a calibration.
    """
    return _FORMAT.read(path)


_FORMAT = Format(
    name="vtw-calibration",
    version=3,
    kind=Calibration,
    what=Sentence("calibration"),
    writer="Calibration.save",
    again=Sentence("calibrate again"),
    smaller=Sentence("the shards of --out hold all samples"),
    older=older_files.calibration,
    most_header=128 * 2**20,
    most_array_bytes=128 * 2**20,
    most_values=16_000_000,
)
