"""Pictures and questions, no two the same, with what a direct run of the model answers."""

from __future__ import annotations

import io
import json
import random
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from app.presenters.view import show_run
from embedded_model.questions import ask_any
from embedded_model.scenes import draw, random_scene
from vtw_core.model import VisionLanguageModel
from vtw_core.results.run import SCOPES

_SIDE = 224
_SAME = ("model", "prompt", "layers", "visualTokens", "textTokens", "grid", "same", "answers")


@dataclass(frozen=True)
class Request:
    """One picture (PNG) with a question, and how the page should show the run of it."""

    picture: bytes
    prompt: str
    expected: dict[str, Any]

    def difference(self, shown: dict[str, Any]) -> str:
        """What of a shown run is not that of the direct run; empty where all is."""
        if shown["notice"]:
            return f"the page says: {shown['notice']['text']}"
        for name in _SAME:
            if shown[name] != self.expected[name]:
                return f"{name}: {str(shown[name])[:80]}, not {str(self.expected[name])[:80]}"
        if shown["tokens"]["pieces"] != self.expected["tokens"]["pieces"]:
            return "tokens of the answer"
        for scope in SCOPES:
            there, here = shown["kl"][scope], self.expected["kl"][scope]
            if not np.allclose(there, here, rtol=1e-3, atol=1e-6):
                return f"KL, {scope}: off by {np.abs(np.subtract(there, here)).max():.3g} nats"
        return ""


def drawn(number: int) -> tuple[bytes, str]:
    """A picture of shapes (PNG) and a question about it."""
    rng = random.Random(f"load {number}")
    scene = random_scene(rng)
    out = io.BytesIO()
    draw(scene, rng, _SIDE).save(out, "PNG")
    return out.getvalue(), ask_any(scene, rng).text


def direct(vlm: VisionLanguageModel, number: int, answer_tokens: int) -> Request:
    """The same with a direct run of the model."""
    picture, prompt = drawn(number)
    run = vlm.explore(Image.open(io.BytesIO(picture)), prompt, max_new_tokens=answer_tokens)
    # As it comes over the wire.
    return Request(picture, prompt, json.loads(json.dumps(show_run(run, origin="live"))))
