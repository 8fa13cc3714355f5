"""Calibrations on disk, as JSON documents with a digest (`vtw_core.files.documents`)."""

from pathlib import Path

from vtw_core.errors import InputError, Sentence, system_reason
from vtw_core.files.documents import expect, object_with_list, read_document, with_digest
from vtw_core.files.replacing import replacing
from vtw_core.results.calibration import Calibration, Sample, Setting, k_min_of

FORMAT = "vtw-calibration"
FORMAT_VERSION = 2
"""1 had neither a digest nor k_min."""
MAX_FILE_BYTES = 256 * 2**20


def save_calibration(calibration: Calibration, path: str | Path) -> Path:
    """Write the records to `path` and return it.

    Raises:
        InputError: the file cannot be written, or would be too large to be read back.
    """
    head = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "setting": calibration.setting.to_json(),
        "k_min": calibration.k_min,
    }
    target = Path(path)
    samples = (sample.to_json() for sample in calibration.samples)
    try:
        with replacing(target) as file:
            written = 0
            for piece in with_digest(object_with_list(head, "samples", samples)):
                written += file.write(piece)
                if written > MAX_FILE_BYTES:
                    raise InputError(
                        "{count} samples take more than {limit} MB, too many for one file; the "
                        "shards of --out hold them all.",
                        count=len(calibration.samples),
                        limit=MAX_FILE_BYTES // 2**20,
                    )
    except OSError as error:
        raise InputError(
            "It cannot be saved to {path}: {problem}.", path=target, problem=system_reason(error)
        ) from error
    return target


def read_calibration(path: str | Path) -> Calibration:
    """Read a file of `save_calibration`; raises InputError for anything that is not one."""
    source = Path(path)
    document = read_document(
        source,
        FORMAT,
        FORMAT_VERSION,
        most_bytes=MAX_FILE_BYTES,
        what=Sentence("calibration; choose a file that `save` wrote"),
        anew=Sentence("calibrate again"),
        oldest=1,
    )
    try:
        expect("samples", document["samples"], list)
        setting = Setting.from_json(document["setting"])
        return Calibration(
            setting,
            tuple(Sample.from_json(record) for record in document["samples"]),
            k_min_of(document, setting),
        )
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise InputError(
            "{name} cannot be used: {problem}", name=source.name, problem=error
        ) from error
