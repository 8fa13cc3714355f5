"""Options of the command line that set which model is loaded and how."""

import argparse
from typing import TYPE_CHECKING

from vtw_core.families.catalogue import BYTES, EMBEDDED, QUANTIZED
from vtw_core.loading.loading import load_model

if TYPE_CHECKING:
    from vtw_core.model import VisionLanguageModel


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

    The number of threads is set for a small model.

    Raises:
        VTWError: it cannot be loaded; says why.
    """
    vlm = load_model(
        arguments.model,
        device=arguments.device or device,
        dtype=arguments.dtype,
        quantize=arguments.quantize,
        device_map=arguments.device_map,
        tensor_parallel=arguments.tensor_parallel,
    )
    if vlm.device.type == "cuda":
        import torch

        # Kernels of other libraries run on the current GPU.
        torch.cuda.set_device(vlm.device)
    vlm.limit_threads()
    return vlm
