"""A vision-language model with everything that it can do."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from PIL import Image

from vtw_core.engine import generation
from vtw_core.every_k import exploration
from vtw_core.families.loaded import LoadedModel
from vtw_core.results.events import Event
from vtw_core.results.generation import Generation
from vtw_core.results.run import Run
from vtw_core.results.sampling import GREEDY, Sampling


@dataclass(frozen=True, eq=False)
class VisionLanguageModel(LoadedModel):
    """A loaded model that answers under a strategy, and shows itself at every K."""

    def warm_up(self) -> None:
        """Run once on an empty picture: a process's first pass is slow (memory, kernels)."""
        self.explore(Image.new("RGB", (64, 64), "white"), "?", max_new_tokens=2)

    def generate(
        self,
        image: Any,
        prompt: str,
        strategy: Any = None,
        max_new_tokens: int = 32,
        sampling: Sampling = GREEDY,
    ) -> Generation:
        """The answer under a strategy (None: nothing withdrawn).

        Raises:
            InputError: bad image, prompt, limit or strategy parameters.
        """
        return generation.generate(self, image, prompt, strategy, max_new_tokens, sampling)

    def explore(self, image: Any, prompt: str, **options: Any) -> Run:
        """Everything at every K; options of `vtw_core.every_k.exploration.explore_steps`."""
        return exploration.explore(self, image, prompt, **options)

    def explore_steps(
        self, image: Any, prompt: str, **options: Any
    ) -> Generator[Event, None, None]:
        """`explore` as a stream of events; see `vtw_core.every_k.exploration.explore_steps`."""
        return exploration.explore_steps(self, image, prompt, **options)
