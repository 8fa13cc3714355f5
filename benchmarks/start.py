"""``python -m benchmarks.start``: what a start of the page and a new visitor cost the server.

Seconds are of the processor, in one process: of the parts of a start, and of a visitor who has done
nothing yet, held against what Gradio does for one without `describe_page_once`
(`app.gradio_internals`).
"""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

_VISITORS = 9


def seconds(make: Callable[[], Any]) -> tuple[float, Any]:
    """(processor time, what was made)."""
    start = time.process_time()
    made = make()
    return time.process_time() - start, made


def of_a_visitor(page: Any) -> tuple[float, float]:
    """(median milliseconds, MB that are kept) of a session that was just opened."""
    from gradio.state_holder import SessionState

    taken = sorted(seconds(lambda: SessionState(page))[0] for _ in range(_VISITORS))
    tracemalloc.start()
    kept = [SessionState(page) for _ in range(_VISITORS)]
    size = tracemalloc.get_traced_memory()[0] / len(kept)
    tracemalloc.stop()
    return taken[_VISITORS // 2] * 1e3, size / 1e6


def main() -> None:
    gc.disable()  # as app.py does

    def import_gradio() -> None:
        import gradio  # noqa: F401

    def import_page() -> None:
        import app.service.service
        import app.ui  # noqa: F401

    def build() -> Any:
        from app.service.service import Service
        from app.ui import build_demo

        return build_demo(Service())

    print(f"import of Gradio: {seconds(import_gradio)[0]:.2f} s")
    print(f"import of the page: {seconds(import_page)[0]:.2f} s")
    took, page = seconds(build)
    print(f"the page, built in every language: {took:.2f} s")
    print("a new visitor: {:.2f} ms, {:.2f} MB".format(*of_a_visitor(page)))

    from gradio.blocks import BlocksConfig

    described = BlocksConfig(page.default_config.root_block)
    vars(described).update(vars(page.default_config))
    page.default_config = described
    print("described for each visitor: {:.1f} ms, {:.2f} MB".format(*of_a_visitor(page)))


if __name__ == "__main__":
    main()
