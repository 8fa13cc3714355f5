"""What fails in the machine, and not in what a visitor sent: one sentence each."""

from __future__ import annotations

import errno
import functools
import logging
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

from vtw_core.errors import InputError, ModelError, VTWError, causes, system_reason
from vtw_core.machine.memory import give_memory_back, is_out_of_memory

from ..gradio_internals import upload_folder
from ..words import faults as text
from ..words.library_words import worded
from .refusal import refusal

log = logging.getLogger(__name__)

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def within_memory(steps: Generator[Any, None, None]) -> Generator[Any, None, None]:
    """What a job yields; where memory runs out, one sentence.

    Raises:
        ModelError: it ran out; what the job held is free again.
    """
    try:
        yield from steps
        return
    except Exception as problem:
        if not any(map(is_out_of_memory, causes(problem))):
            raise
        # In words: a record that held the error would hold the run's tensors, too.
        log.error("a run needed more memory than there is: %s", str(problem) or "MemoryError")
    # Not inside the except: the error, and with it the frames that hold the tensors, is gone now.
    give_memory_back()
    raise ModelError(text.OUT_OF_MEMORY)


def disk_fault(problem: OSError) -> str:
    """Name of the sentence, in `app.words.faults`, for when a file cannot be written."""
    return "DISK_FULL" if problem.errno in _FULL else "DISK_CLOSED"


class DiskError(VTWError):
    """A file of the server's own cannot be written."""


@contextmanager
def on_disk() -> Iterator[None]:
    """Write files inside the ``with``.

    Raises:
        DiskError: one cannot be written.
    """
    try:
        yield
    except (OSError, VTWError) as problem:
        cause = problem if isinstance(problem, OSError) else problem.__cause__
        if not isinstance(cause, OSError):
            raise
        log.error("a file could not be written: %s", cause)
        raise DiskError(getattr(text, disk_fault(cause))) from None


def check_uploads() -> None:
    """Make the folder for uploads and write to it, before anybody needs it.

    Raises:
        InputError: it cannot be written to.
    """
    folder = upload_folder()
    probe = folder / ".probe"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"probe")
        probe.unlink()
    except OSError as problem:
        raise InputError(
            "{folder} cannot be written to ({problem}): set GRADIO_TEMP_DIR to a folder for "
            "uploads.",
            folder=folder,
            problem=system_reason(problem),
        ) from None


def raising_refusals(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a handler so that errors of the library are shown as one sentence."""

    @functools.wraps(function)
    def answered(*inputs: Any) -> Any:
        try:
            return function(*inputs)
        except VTWError as problem:
            raise refusal(worded(problem)) from None

    return answered
