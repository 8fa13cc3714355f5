"""MustDrop (arXiv 2411.10803): visual tokens are judged over their whole life."""

from vtw_core.strategies.mustdrop.strategy import (
    EQUAL_THRESHOLDS,
    PRESETS,
    MustDrop,
    Preset,
    VisionStage,
)

__all__ = ["EQUAL_THRESHOLDS", "PRESETS", "MustDrop", "Preset", "VisionStage"]
