"""Whether the parts of a calibration fit together, wherever it comes from."""

from typing import TYPE_CHECKING

import numpy as np

from vtw_core.errors import Sentence
from vtw_core.files.serialization import misfit

if TYPE_CHECKING:
    from vtw_core.results.calibration import Calibration


def incoherence(calibration: "Calibration") -> Sentence | None:
    """What does not fit together, in words; None when all is well."""
    setting = calibration.setting
    if setting.layers < 1 or setting.max_new_tokens < 1:
        return Sentence("a count that must be at least 1 is not")
    if not 0 <= calibration.k_min <= setting.layers:
        return Sentence("k_min must be one of the K")
    if not calibration.samples:
        return Sentence("it has no sample")
    # Samples on disk were checked as they were read, and are again.
    held = calibration.samples if isinstance(calibration.samples, tuple) else ()
    problem = misfit(calibration) if held else None
    if problem:
        return problem
    for sample in held:
        if sample.visual_tokens < 1 or sample.text_tokens < 1:
            return Sentence("a count that must be at least 1 is not")
        kl, flops = np.array(sample.kl), np.array(sample.flops)
        if not (np.isfinite(kl).all() and (kl >= 0).all() and (kl[..., -1] == 0).all()):
            return Sentence("KL must be finite, not negative, and 0 at K = L")
        if not (np.isfinite(flops).all() and (flops > 0).all()):
            return Sentence("FLOPs must be positive, finite numbers")
        if not sample.same_as_baseline[-1]:
            return Sentence("the answer at K = L must be the baseline's")
    return None
