"""Small data sets to test with, and torchrun."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).resolve().parent
PROMPT = "What is left of the red ball?"
ANSWERS = ("no", ["no", "yes"], None, "no")


def picture(seed):
    """A picture of random coloured squares."""
    pixels = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return Image.fromarray(pixels).resize((32, 32), 0)


def write_small_data(folder):
    """Four pictures with a listing: with one answer, with two, with none."""
    lines = []
    for index, answer in enumerate(ANSWERS):
        picture(index).save(folder / f"{index}.png")
        entry = {"image": f"{index}.png", "prompt": f"{PROMPT} {index}"}
        lines.append(json.dumps(entry if answer is None else entry | {"answer": answer}))
    (folder / "samples.jsonl").write_text("\n\n".join(lines) + "\n")
    return folder


def on(data, options):
    """The options of a command, on another data set."""
    at = options.index("--data") + 1
    return [*options[:at], str(data), *options[at + 1 :]]


def torchrun(processes, *command):
    """Run a module on several processes of this machine, CPU and gloo."""
    return subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone",
         f"--nproc_per_node={processes}", "-m", *command],
        capture_output=True, text=True, check=False,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1",
             "PYTHONPATH": os.pathsep.join((str(HERE.parent), str(HERE)))},
    )  # fmt: skip
