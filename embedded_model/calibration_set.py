"""Draw the bundled calibration set: ``python -m embedded_model.calibration_set``.

Scenes and questions that training never saw, with their answers. What the page opens on is made
from them, and has to be made again whenever the embedded model changes, by

``python -m vtw_core calibrate --data assets/calibration --save assets/calibration/embedded.vtwc``
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

from embedded_model.questions import SHORT_KINDS, ask
from embedded_model.scenes import draw, random_scene
from vtw_core.files.replacing import replace_file, replacing

FOLDER = Path(__file__).resolve().parent.parent / "assets" / "calibration"
SAMPLES = 20
SIDE = 192
# Far from every seed of training, and none of the two that the evaluation takes.
SEED = 2_000_000_013


def write(folder: Path, samples: int = SAMPLES, seed: int = SEED) -> None:
    """Pictures and ``samples.jsonl``: the kinds of short questions in turn, one per picture."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(seed)
    lines: list[str] = []
    while len(lines) < samples:
        scene = random_scene(rng)
        if scene.background.noise:
            continue  # noise does not compress, and the set travels with the page
        question = ask(scene, SHORT_KINDS[len(lines) % len(SHORT_KINDS)], rng)
        if question is None:
            continue
        name = f"{len(lines) + 1:02d}_{question.kind}.png"
        with replacing(folder / name) as file:
            draw(scene, rng, SIDE).save(file, "PNG", optimize=True)
        lines.append(
            json.dumps({"image": name, "prompt": question.text, "answer": question.answer})
        )
    replace_file(folder / "samples.jsonl", "\n".join(lines) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    write(parser.parse_args().folder)


if __name__ == "__main__":
    main()
