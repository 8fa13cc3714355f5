"""The workbench: KL curve, K slider, answer ribbon and the two answers, in one client-side part.

It is given everything for every K at once (``app.view.Workbench``), so moving K touches no server.
What it sends back (``release`` with ``{k}``) is a visitor's input and must be clamped.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

_HERE = Path(__file__).parent


def workbench(value: dict[str, Any]) -> gr.HTML:
    """Build the component; ``value`` is ``app.view.Workbench.to_json()``."""
    return gr.HTML(
        value=value,
        html_template=(_HERE / "workbench.html").read_text(encoding="utf-8"),
        css_template=(_HERE / "workbench.css").read_text(encoding="utf-8"),
        js_on_load=(_HERE / "workbench.js").read_text(encoding="utf-8"),
        apply_default_css=False,
        elem_id="workbench",
        label="Answers, KL curve and choice of K",
    )
