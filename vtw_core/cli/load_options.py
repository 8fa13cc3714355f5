"""Options of the command line that say which model is loaded and how."""

import argparse
import sys
from typing import TYPE_CHECKING, Any

from vtw_core.families.catalogue import BYTES, EMBEDDED, QUANTIZED
from vtw_core.loading.loading import load_steps
from vtw_core.machine.progress import LoadProgress

if TYPE_CHECKING:
    from vtw_core.model import VisionLanguageModel

DOING = {
    "check": "checking the model",
    "download": "downloading",
    "processor": "reading the processor",
    "weights": "loading weights",
}


def add_place_options(command: argparse.ArgumentParser) -> None:
    """--device, --dtype, --quantize."""
    command.add_argument("--device", help="torch device, e.g. cpu or cuda (default: the best)")
    command.add_argument(
        "--dtype", choices=tuple(BYTES), help="of the weights (default: what suits the device)"
    )
    command.add_argument(
        "--quantize", choices=QUANTIZED, help="pack linear layers (needs bitsandbytes, accelerate)"
    )


def add_load_options(command: argparse.ArgumentParser) -> None:
    """--model and where it goes."""
    command.add_argument("--model", default=EMBEDDED, help="embedded, a folder or org/name")
    add_place_options(command)
    command.add_argument(
        "--device-map",
        choices=("auto",),
        help="auto: spread the model over GPUs, memory and disk (needs accelerate)",
    )
    command.add_argument(
        "--tensor-parallel",
        action="store_true",
        help="under torchrun: split the model's layers over the processes, one GPU each",
    )


def load_from(arguments: argparse.Namespace, device: str | None = None) -> "VisionLanguageModel":
    """The model that the options name, on ``device`` where they name none.

    A terminal is shown how far it is; the number of threads is set for a small model.

    Raises:
        VTWError: it cannot be loaded; says why.
    """
    steps = load_steps(
        arguments.model,
        device=arguments.device or device,
        dtype=arguments.dtype,
        quantize=arguments.quantize,
        device_map=arguments.device_map,
        tensor_parallel=arguments.tensor_parallel,
    )
    with _Bar() as bar:
        for step in steps:
            if isinstance(step, LoadProgress):
                bar.show(step)
            else:
                vlm = step
    if vlm.device.type == "cuda":
        import torch

        # It was loaded in another thread, and a thread's current GPU is its own.
        torch.cuda.set_device(vlm.device)
    vlm.limit_threads()
    return vlm


class _Bar:
    """One bar on a terminal's stderr, of whatever stage is under way; elsewhere none."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._stage = ""

    def __enter__(self) -> "_Bar":
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def show(self, step: LoadProgress) -> None:
        if not sys.stderr.isatty() or not step.total:
            return
        if step.stage != self._stage:
            from tqdm import tqdm

            self.__exit__()
            self._stage = step.stage
            self._bar = tqdm(
                total=step.total, desc=DOING[step.stage], unit="B", unit_scale=True, leave=False
            )
        self._bar.update(step.done - self._bar.n)
