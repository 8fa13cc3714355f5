"""What the commands share: quiet libraries, and files that are checked before hours of work."""

import contextlib
import os
import sys
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

from vtw_core.errors import InputError, VTWWarning, system_reason
from vtw_core.files.replacing import replacing
from vtw_core.files.spreadsheets import csv_bytes


def check_target(option: str, path: Path) -> None:
    """Raise InputError for a bad file name; a run takes its time, so before it, not after."""
    if path.is_dir():
        raise InputError("{path} is a folder; give {option} a file name.", path=path, option=option)
    if not path.absolute().parent.is_dir():
        raise InputError("The folder of {path} does not exist; create it first.", path=path)


def write_table(path: Path, lines: Iterable[str]) -> None:
    """Write a file of CSV lines; raises InputError where that cannot be."""
    try:
        with replacing(path) as file:
            file.writelines(csv_bytes(lines))
    except OSError as error:
        raise InputError(
            "{path} cannot be written: {problem}.", path=path, problem=system_reason(error)
        ) from error


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep warnings and stray prints of other libraries off both streams, and progress bars off
    whatever is no terminal."""
    import logging

    from transformers.utils import logging as transformers_logging

    transformers_logging.set_verbosity_error()
    has_bars = sys.stderr.isatty()
    if not has_bars:
        transformers_logging.disable_progress_bar()
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    logging.getLogger("huggingface_hub").propagate = False
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    with (
        open(os.devnull, "w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        warnings.simplefilter("default", VTWWarning)
        try:
            yield
        finally:
            if not has_bars:
                transformers_logging.enable_progress_bar()
