"""What whoever runs the page decides, from the environment: read once, at the start."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from vtw_core.errors import InputError
from vtw_core.families.catalogue import BYTES, CATALOGUE, QUANTIZED
from vtw_core.results.run import DEFAULT_ETA

from .requests.limits import RUNS_PER_MINUTE, WAITING
from .requests.upload_limits import QUOTA_MB, UPLOADS_PER_MINUTE
from .requests.visitors import VARIABLE, trusted_proxies
from .service import zero_gpu
from .service.models import RESIDENT, LoadOptions, Models
from .words.language import FIRST, LANGUAGES

UPLOAD_MB = 20


def _setting(
    variable: str,
    default: Any,
    meaning: str,
    least: int | None = None,
    most: int | None = None,
    *,
    of: tuple[str, ...] = (),
    unset: str | None = None,
) -> Any:
    """One variable: whole numbers have bounds, words are one ``of`` some; ``unset`` is what the
    table says of a default that is nothing."""
    metadata = {
        "variable": variable, "meaning": meaning, "least": least, "most": most, "of": of,
        "unset": unset,
    }  # fmt: skip
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Settings:
    """Each field is one variable of the environment; `table` lists them."""

    model: str = _setting(
        "VTW_MODEL",
        "embedded",
        "the page's own model: `embedded`, a checkpoint folder, or a hub id",
    )
    models: str = _setting(
        "VTW_MODELS", "", "models that visitors may choose besides, as `VTW_MODEL`, with commas "
        "between them", unset="the catalogue; on Spaces none",
    )  # fmt: skip
    free_models: int = _setting(
        "VTW_FREE_MODELS", 0, "whether visitors may type any hub id", least=0, most=1
    )
    resident: int = _setting(
        "VTW_RESIDENT", RESIDENT, "how many models stay in memory; the one that was not used for "
        "longest leaves", least=1, most=8,
    )  # fmt: skip
    device: str = _setting("VTW_DEVICE", "", "torch device of the models", unset="the best here")
    dtype: str = _setting(
        "VTW_DTYPE", "", "their precision", of=tuple(BYTES), unset="what the device does best"
    )
    quantize: str = _setting(
        "VTW_QUANTIZE", "", "pack their weights (bitsandbytes)", of=QUANTIZED, unset="as they are"
    )
    device_map: str = _setting(
        "VTW_DEVICE_MAP", "", "spread each over several devices (accelerate)", of=("auto",),
        unset="one device",
    )  # fmt: skip
    eta: float = _setting(
        "VTW_ETA",
        DEFAULT_ETA,
        "η with which the page opens, for K* and in its charts, in nats, 0 or more",
    )
    language: str = _setting(
        "VTW_LANGUAGE", FIRST, "for who has chosen none, and whose browser prefers none",
        of=tuple(LANGUAGES),
    )  # fmt: skip
    answer_tokens: int = _setting(
        "VTW_ANSWER_TOKENS", 64, "the most tokens of an answer", least=1, most=1024
    )
    queue: int = _setting(
        "VTW_QUEUE", 32, "how many may wait; further requests are asked to try later", 1, 1000
    )
    upload_mb: int = _setting("VTW_UPLOAD_MB", UPLOAD_MB, "size of an upload in megabytes", 1, 200)
    uploads_per_minute: int = _setting(
        "VTW_UPLOADS_PER_MINUTE",
        UPLOADS_PER_MINUTE,
        "uploads of one network address in a minute; 0 for any number",
        0,
        10_000,
    )
    upload_quota: int = _setting(
        "VTW_UPLOAD_QUOTA_MB",
        QUOTA_MB,
        "megabytes that one network address may upload in an hour; 0 for any number",
        0,
        1_000_000,
    )
    proxies: str = _setting(
        VARIABLE,
        "",
        "proxies whose X-Forwarded-For is believed: addresses and networks, commas between them",
        unset="nobody; on Spaces their proxies",
    )
    sessions: int = _setting(
        "VTW_SESSIONS", 200, "visitors whose runs are kept in memory; the oldest leave", 1, 10_000
    )
    runs_per_minute: int = _setting(
        "VTW_RUNS_PER_MINUTE",
        RUNS_PER_MINUTE,
        "runs a visitor may start in a minute, and files saved or opened; an address ten times as "
        "many; 0 for any number",
        0,
        1000,
    )
    waiting: int = _setting(
        "VTW_WAITING", WAITING, "runs of one visitor that may wait at once, and as many files",
        1, 1000,
    )  # fmt: skip
    on_spaces: bool = False
    on_zero_gpu: bool = False

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """The defaults, and what the environment says instead.

        Raises:
            InputError: a value is not one that the variable takes, or two do not go together.
        """
        given: dict[str, Any] = {}
        for one in _variables():
            text = environment.get(one.metadata["variable"], "").strip()
            if text:
                given[one.name] = _READ[str(one.type)](text, **one.metadata)
        on_zero_gpu = zero_gpu.is_here(environment)
        if on_zero_gpu and given.get("free_models"):
            raise InputError(
                "VTW_FREE_MODELS=1 cannot be had on ZeroGPU, where all models are loaded before "
                "the page starts; name them in VTW_MODELS."
            )
        given["proxies"] = trusted_proxies(environment)
        return cls(**given, on_spaces="SPACE_ID" in environment, on_zero_gpu=on_zero_gpu)

    def offered(self, model: str | None = None) -> Models:
        """The models that these settings offer.

        Args:
            model: the page's own instead of `self.model`.

        Raises:
            InputError: two of them go by one name.
        """
        others = [name.strip() for name in self.models.split(",") if name.strip()]
        if not others and not self.on_spaces:
            others = [known.name for known in CATALOGUE]
        options = LoadOptions(
            self.device or None, self.dtype or None, self.quantize or None, self.device_map or None
        )
        return Models(
            model or self.model, others, resident=self.resident, free=bool(self.free_models),
            fixed=self.on_zero_gpu, options=options,
        )  # fmt: skip

    @classmethod
    def table(cls) -> str:
        """All of them as a Markdown table."""
        rows = ["| variable | default | what it sets |", "| --- | --- | --- |"]
        for one in _variables():
            said = one.metadata
            meaning = said["meaning"]
            if said["least"] is not None:
                meaning += f", {said['least']} to {said['most']}"
            if said["of"]:
                meaning += f": {', '.join(f'`{word}`' for word in said['of'])}"
            default = said["unset"] or f"`{one.default}`"
            rows.append(f"| `{said['variable']}` | {default} | {meaning} |")
        return "\n".join(rows)


def _variables() -> list[Any]:
    return [one for one in fields(Settings) if one.metadata]


def _number(text: str, variable: str, least: int, most: int, meaning: str, **_: Any) -> int:
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if not least <= value <= most:
        raise InputError(
            "{variable} must be a whole number from {least} to {most} ({meaning}), not {text!r}.",
            variable=variable,
            least=least,
            most=most,
            meaning=meaning,
            text=text,
        )
    return value


def _eta(text: str, variable: str, **_: Any) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < 0:
        raise InputError(
            "{variable} must be a finite number, 0 or more, not {text!r}.",
            variable=variable,
            text=text,
        )
    return value


def _word(text: str, variable: str, of: tuple[str, ...], **_: Any) -> str:
    if of and text not in of:
        raise InputError(
            "{variable} must be {choices}, not {text!r}.",
            variable=variable,
            choices=" or ".join(of),
            text=text,
        )
    return text


_READ: dict[str, Callable[..., Any]] = {"int": _number, "float": _eta, "str": _word}
