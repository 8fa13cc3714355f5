"""What whoever runs the page decides, from the environment: read once, at the start."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from app.limits import RUNS_PER_MINUTE, WAITING
from vtw_core.errors import InputError

UPLOAD_MB = 20


def _setting(
    variable: str, default: Any, meaning: str, least: int | None = None, most: int | None = None
) -> Any:
    metadata = {"variable": variable, "meaning": meaning, "least": least, "most": most}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Settings:
    """Each field is one variable of the environment; `table` lists them."""

    model: str = _setting(
        "VTW_MODEL", "embedded", "the model: `embedded`, a checkpoint folder, or a hub id"
    )
    answer_tokens: int = _setting(
        "VTW_ANSWER_TOKENS", 64, "the most tokens of an answer", least=1, most=1024
    )
    queue: int = _setting(
        "VTW_QUEUE", 32, "how many may wait; who comes then is asked to try later", 1, 1000
    )
    upload_mb: int = _setting("VTW_UPLOAD_MB", UPLOAD_MB, "size of an upload in megabytes", 1, 200)
    sessions: int = _setting(
        "VTW_SESSIONS", 200, "visitors whose runs are kept in memory; the oldest leave", 1, 10_000
    )
    runs_per_minute: int = _setting(
        "VTW_RUNS_PER_MINUTE",
        RUNS_PER_MINUTE,
        "runs a visitor may start in a minute, an address ten times as many; 0 for any number",
        0,
        1000,
    )
    waiting: int = _setting(
        "VTW_WAITING", WAITING, "runs of one visitor that may wait at once", 1, 1000
    )  # fmt: skip

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """The defaults, and what the environment says instead.

        Raises:
            InputError: a number is not one, or out of its bounds.
        """
        given: dict[str, Any] = {}
        for one in fields(cls):
            text = environment.get(one.metadata["variable"], "").strip()
            if text:
                given[one.name] = text if one.type == "str" else _number(text, **one.metadata)
        return cls(**given)

    @classmethod
    def table(cls) -> str:
        """All of them as a Markdown table."""
        rows = ["| variable | default | what it sets |", "| --- | --- | --- |"]
        for one in fields(cls):
            said = one.metadata
            bounds = f", {said['least']} to {said['most']}" if said["least"] is not None else ""
            rows.append(f"| `{said['variable']}` | `{one.default}` | {said['meaning']}{bounds} |")
        return "\n".join(rows)


def _number(text: str, variable: str, least: int, most: int, meaning: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if not least <= value <= most:
        raise InputError(
            f"{variable} must be a whole number from {least} to {most} ({meaning}), not {text!r}."
        )
    return value
