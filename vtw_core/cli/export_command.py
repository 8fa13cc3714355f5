"""`python -m vtw_core export MODEL --to FOLDER`: an ordinary checkpoint of any model."""

import argparse
import json
from pathlib import Path

from vtw_core.cli.load_options import add_place_options, load_from
from vtw_core.cli.terminal import quiet
from vtw_core.errors import InputError, system_reason
from vtw_core.files.replacing import replacing_files


def add_export(command: argparse.ArgumentParser) -> None:
    command.set_defaults(command=_export, device_map=None, tensor_parallel=False)
    command.add_argument("model", help="embedded, smollm2, a folder or org/name")
    command.add_argument("--to", required=True, metavar="FOLDER", help="a new or empty folder")
    add_place_options(command)


def _export(arguments: argparse.Namespace) -> str:
    folder = Path(arguments.to)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError("--to {folder} is not empty; name a new folder.", folder=folder)
    with quiet():
        vlm = load_from(arguments)
        try:
            with replacing_files(folder) as made:
                vlm.model.save_pretrained(made)
                vlm.processor.save_pretrained(made)
        except OSError as error:
            raise InputError(
                "--to {folder} cannot be written: {reason}.",
                folder=folder,
                reason=system_reason(error),
            ) from error
    size = sum(file.stat().st_size for file in folder.iterdir())
    if arguments.json:
        return json.dumps({"model": vlm.name, "folder": str(folder), "bytes": size})
    return f"{vlm.name} is in {folder} ({size / 1e6:.0f} MB); transformers alone can load it.\n"
