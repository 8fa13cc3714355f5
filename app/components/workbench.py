"""The workbench: KL curves, K and η, answer ribbon and the two answers, in one client-side part.

It is given everything for every K at once (``app.presenters.view.show_run``), so moving K or η
touches no server: ``criterion.js`` works out K* by the rule of ``vtw_core.results.run.choose_k``.
What it sends back (``release`` with ``{k}``) is a visitor's input and must be clamped.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from ..presenters.view import show_criterion
from ..words import page as text
from .files import read, script


def workbench(value: dict[str, Any], eta: float) -> gr.HTML:
    """Build the component; ``value``: see ``app.presenters.view``; ``eta``: the first threshold."""
    return gr.HTML(
        value=value,
        html_template=read("workbench.html"),
        css_template=read("workbench.css"),
        js_on_load=script(
            "workbench.js",
            words=text.WORKBENCH,
            labels=text.WORKBENCH_HTML,
            criterion=show_criterion(eta),
        ),
        apply_default_css=False,
        elem_id="workbench",
        label=text.WORKBENCH_LABEL,
    )
