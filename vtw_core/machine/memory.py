"""Out of memory while a model runs: one sentence for the user, and the memory is freed."""

import errno
import gc
import re
import sys

OUT_OF_MEMORY = (
    "There is not enough memory for this: take a smaller picture, a shorter answer or a smaller "
    "model."
)
# What errors say that have no class of their own for it: PyTorch's allocators (an exception of its
# own is for accelerators alone), the system's when a file is mapped, and the loader's of programs.
_SAYS_SO = re.compile(
    r"can't allocate memory|cannot allocate memory(?! in static TLS)|std::bad_alloc|out of memory"
    r"|failed to map segment from shared object",
    re.IGNORECASE,
)


def is_out_of_memory(problem: BaseException) -> bool:
    """Whether an error says that memory has run out: Python's, NumPy's, PyTorch's, the system's,
    or of a package whose program code found no room."""
    if isinstance(problem, MemoryError):
        return True
    if isinstance(problem, OSError) and problem.errno == errno.ENOMEM:
        return True
    has_message = isinstance(problem, RuntimeError | ImportError | OSError)
    return has_message and _SAYS_SO.search(str(problem)) is not None


def give_memory_back() -> None:
    """Free what the failed run held, so that the next one finds room.

    Call it outside of the ``except``: until that ends, the error holds the run's frames.
    """
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
