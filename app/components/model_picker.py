"""The picker of models: which there are, what is known of each, loading one and cancelling that."""

from __future__ import annotations

from typing import Any

import gradio as gr

from ..words import models as text
from .files import read, script


def model_picker(value: dict[str, Any]) -> gr.HTML:
    """Build the component; its value is of `app.presenters.models_view.show_models`.

    ``submit`` fires with ``{name}`` when a model is to be loaded and used, ``clear`` when a visitor
    waits for it no longer: a visitor's input.
    """
    return gr.HTML(
        value=value,
        html_template=read("model_picker.html"),
        css_template=read("model_picker.css"),
        js_on_load=script("model_picker.js", words={**text.PICKER, "cardTitle": text.CARD_TITLE}),
        apply_default_css=False,
        elem_id="model-state",
        elem_classes="models-part",
        label=text.PICKER_LABEL,
    )
