"""One visual language: fonts, hues, and the colours that mean something everywhere.

Colours follow the Okabe-Ito palette, which stays apart for colour-blind eyes: orange is the image,
blue the baseline and the text, reddish purple VTW, green the criterion.
"""

from __future__ import annotations

from pathlib import Path

import gradio as gr

CSS = Path(__file__).parent / "page.css"


def build_theme() -> gr.themes.Base:
    # System fonts: nothing is fetched, and the page looks at home on every machine.
    fonts = ["ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"]
    return gr.themes.Base(
        primary_hue=gr.themes.colors.orange,
        secondary_hue=gr.themes.colors.blue,
        neutral_hue=gr.themes.colors.slate,
        radius_size=gr.themes.sizes.radius_md,
        font=fonts,
        font_mono=["ui-monospace", "SFMono-Regular", "Menlo", "monospace"],
    ).set(
        body_background_fill="#f6f5f2",
        body_background_fill_dark="#14161a",
        block_background_fill="#ffffff",
        block_background_fill_dark="#1d2026",
        block_border_width="1px",
        # Gradio's own are too pale to read on these grounds (WCAG AA asks for 4.5 to 1).
        body_text_color_subdued="#586072",
        body_text_color_subdued_dark="#c0c7d2",
        block_info_text_color="#586072",
        block_info_text_color_dark="#c0c7d2",
        input_placeholder_color="#586072",
        input_placeholder_color_dark="#c0c7d2",
        button_primary_background_fill="#1f2a44",
        button_primary_background_fill_hover="#31426b",
        button_primary_text_color="#ffffff",
        button_primary_background_fill_dark="#e8b04a",
        button_primary_background_fill_hover_dark="#f3c369",
        button_primary_text_color_dark="#1b1405",
    )
