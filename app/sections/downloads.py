"""Files that a visitor takes away."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import gradio as gr

from vtw_core.files.spreadsheets import csv_bytes

from ..gradio_internals import keep_file
from ..requests.events import FILE_QUEUE
from ..requests.faults import on_disk, raising_refusals


def download_button(
    label: str, name: str, write: Callable[..., str | None], inputs: Collection[Any]
) -> gr.Button:
    """A button that writes a file and downloads it with one click.

    Gradio's own button hands out the file of the click before, so it stays behind the scenes.
    """
    button = gr.Button(label, size="sm", elem_id=name)
    file = gr.DownloadButton(visible="hidden", elem_id=f"{name}-file")
    download_on(button.click, write, inputs, file)
    return button


def download_on(
    event: Callable[..., Any],
    write: Callable[..., str | None],
    inputs: Collection[Any],
    file: gr.DownloadButton,
) -> None:
    """Write a file and download it, when something happens; ``file`` stays behind the scenes."""
    event(
        raising_refusals(write),
        inputs,
        file,
        api_visibility="private",
        show_progress="hidden",
        **FILE_QUEUE,
    ).success(
        None, js=f"() => setTimeout(() => document.querySelector('#{file.elem_id}').click(), 150)"
    )


def cached(data: bytes, name: str) -> str:
    """A file in Gradio's cache, which is emptied as ``build_demo`` says.

    Raises:
        DiskError: it cannot be written.
    """
    with on_disk():
        return keep_file(data, name)


def cached_table(csv: str, name: str) -> str:
    """The same for CSV, with the mark by which a spreadsheet knows that it is UTF-8."""
    return cached(b"".join(csv_bytes([csv])), name)
