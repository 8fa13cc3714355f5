"""MustDrop (arXiv 2411.10803): visual tokens are judged over their whole life."""

from vtw_core.strategies.mustdrop.strategy import (
    DEFAULT_PRESET,
    EQUAL_THRESHOLDS,
    PRESET_NAMES,
    PRESETS,
    MustDrop,
    Preset,
    VisionStage,
)

__all__ = [
    "DEFAULT_PRESET",
    "EQUAL_THRESHOLDS",
    "PRESETS",
    "PRESET_NAMES",
    "MustDrop",
    "Preset",
    "VisionStage",
]
