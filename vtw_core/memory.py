"""Memory that runs out while a model runs: told in one sentence, and given back."""

import gc
import sys

OUT_OF_MEMORY = (
    "There is not enough memory for this: take a smaller picture, a shorter answer or a smaller "
    "model."
)
# PyTorch has an exception of its own for accelerators alone.
_TORCH_ON_THE_CPU = "can't allocate memory"


def is_out_of_memory(problem: BaseException) -> bool:
    """Whether an error says that memory has run out: Python's, NumPy's, PyTorch's."""
    if isinstance(problem, MemoryError):
        return True
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(problem, RuntimeError):
        return False
    return isinstance(problem, torch.OutOfMemoryError) or _TORCH_ON_THE_CPU in str(problem)


def give_memory_back() -> None:
    """Free what the failed run held, so that the next one finds room.

    Call it outside of the ``except``: until that ends, the error holds the run's frames.
    """
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
