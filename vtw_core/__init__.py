"""See, at every decoder layer, what a vision-language model loses when its visual tokens leave.

The public names are resolved on first use (PEP 562), so `import vtw_core` costs nothing: torch
and transformers are imported when a model is loaded, not before.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vtw_core.attention.recording import record
    from vtw_core.compare.evaluation import Evaluation, evaluate
    from vtw_core.compare.methods import compare_methods
    from vtw_core.compare.threshold_search import fit_mustdrop
    from vtw_core.data.calibration import calibrate
    from vtw_core.data.dataset import read_items
    from vtw_core.engine.withdrawal import withdraw
    from vtw_core.errors import InputError, ModelError, VTWError, VTWWarning
    from vtw_core.families.layout import TokenLayout
    from vtw_core.families.support import check_support
    from vtw_core.loading.loading import load_model
    from vtw_core.loading.wrapping import wrap
    from vtw_core.pictures.images import load_image
    from vtw_core.results.calibration import Calibration, load_calibration
    from vtw_core.results.comparison import MethodComparison, load_comparison
    from vtw_core.results.fates import TokenFates
    from vtw_core.results.generation import Generation
    from vtw_core.results.run import Run, choose_k, load_run
    from vtw_core.results.sampling import Sampling
    from vtw_core.shipped import EXAMPLES
    from vtw_core.strategies.base import Strategy
    from vtw_core.strategies.fastv import FastV
    from vtw_core.strategies.keep_all import KeepAll
    from vtw_core.strategies.method import Method
    from vtw_core.strategies.mustdrop import MustDrop, VisionStage
    from vtw_core.strategies.mustdrop.record import MustDropRecord
    from vtw_core.strategies.random_drop import RandomDrop, RandomWithdrawal
    from vtw_core.strategies.registry import register
    from vtw_core.strategies.vtw import VisualTokenWithdrawal

__version__ = "0.1.0"

_HOME = {
    "Calibration": "vtw_core.results.calibration",
    "EXAMPLES": "vtw_core.shipped",
    "Evaluation": "vtw_core.compare.evaluation",
    "FastV": "vtw_core.strategies.fastv",
    "Generation": "vtw_core.results.generation",
    "InputError": "vtw_core.errors",
    "KeepAll": "vtw_core.strategies.keep_all",
    "Method": "vtw_core.strategies.method",
    "MethodComparison": "vtw_core.results.comparison",
    "ModelError": "vtw_core.errors",
    "MustDrop": "vtw_core.strategies.mustdrop",
    "MustDropRecord": "vtw_core.strategies.mustdrop.record",
    "RandomDrop": "vtw_core.strategies.random_drop",
    "RandomWithdrawal": "vtw_core.strategies.random_drop",
    "Run": "vtw_core.results.run",
    "Sampling": "vtw_core.results.sampling",
    "Strategy": "vtw_core.strategies.base",
    "TokenFates": "vtw_core.results.fates",
    "TokenLayout": "vtw_core.families.layout",
    "VTWError": "vtw_core.errors",
    "VTWWarning": "vtw_core.errors",
    "VisionStage": "vtw_core.strategies.mustdrop",
    "VisualTokenWithdrawal": "vtw_core.strategies.vtw",
    "calibrate": "vtw_core.data.calibration",
    "check_support": "vtw_core.families.support",
    "choose_k": "vtw_core.results.run",
    "compare_methods": "vtw_core.compare.methods",
    "evaluate": "vtw_core.compare.evaluation",
    "fit_mustdrop": "vtw_core.compare.threshold_search",
    "load_calibration": "vtw_core.results.calibration",
    "load_comparison": "vtw_core.results.comparison",
    "load_image": "vtw_core.pictures.images",
    "load_model": "vtw_core.loading.loading",
    "load_run": "vtw_core.results.run",
    "read_items": "vtw_core.data.dataset",
    "record": "vtw_core.attention.recording",
    "register": "vtw_core.strategies.registry",
    "withdraw": "vtw_core.engine.withdrawal",
    "wrap": "vtw_core.loading.wrapping",
}

__all__ = [
    "EXAMPLES",
    "Calibration",
    "Evaluation",
    "FastV",
    "Generation",
    "InputError",
    "KeepAll",
    "Method",
    "MethodComparison",
    "ModelError",
    "MustDrop",
    "MustDropRecord",
    "RandomDrop",
    "RandomWithdrawal",
    "Run",
    "Sampling",
    "Strategy",
    "TokenFates",
    "TokenLayout",
    "VTWError",
    "VTWWarning",
    "VisionStage",
    "VisualTokenWithdrawal",
    "calibrate",
    "check_support",
    "choose_k",
    "compare_methods",
    "evaluate",
    "fit_mustdrop",
    "load_calibration",
    "load_comparison",
    "load_image",
    "load_model",
    "load_run",
    "read_items",
    "record",
    "register",
    "withdraw",
    "wrap",
]


def __getattr__(name: str) -> Any:
    """Import the module that holds a public name, the first time the name is used."""
    if name not in _HOME:
        raise AttributeError(f"module 'vtw_core' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
