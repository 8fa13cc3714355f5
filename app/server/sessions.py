"""What Gradio keeps of each visitor: what he changed, and no description of the page."""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.blocks import BlocksConfig


class _OfVisitor(BlocksConfig):
    """The page's parts as one visitor has them.

    Gradio describes every part anew for each visitor, so that a deep link of its own can restore
    them; this page's links are its own. While it did so, nobody else would be answered.
    """

    @staticmethod
    def config_for_block(
        _id: int, rendered_ids: list[int], block: Any, renderable: Any = None
    ) -> dict[str, Any]:
        if renderable is None:
            return {}
        return BlocksConfig.config_for_block(_id, rendered_ids, block, renderable)


class _OfPage(BlocksConfig):
    """The page's parts, from which each visitor's begin as a copy."""

    def __copy__(self) -> BlocksConfig:
        return _as(_OfVisitor, super().__copy__())


def describe_page_once(demo: gr.Blocks) -> None:
    """Visitors get no description of the page that they would keep; to be called once it stands."""
    demo.default_config = _as(_OfPage, demo.default_config)


def _as(kind: type[BlocksConfig], config: BlocksConfig) -> BlocksConfig:
    changed = kind(config.root_block)
    vars(changed).update(vars(config))
    return changed
