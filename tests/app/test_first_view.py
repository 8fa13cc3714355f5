"""What every visitor's page costs the server, and what its start costs everyone."""

import copy
import subprocess
import sys

import gradio as gr
from conftest import ROOT
from gradio.state_holder import SessionState

from app.figures.calibration import CHARTS


def test_the_page_is_plain_data_which_is_copied_for_every_visitor(built):
    # A part of `gr.HTML` answers to every name that stands in quotes in its script. Where that is a
    # parameter's, such as "every", its config holds the part itself, and so the whole page.
    components = built.config["components"]
    named = [(one["props"].get("elem_id"), name) for one in components if one["type"] == "html"
             for name, value in one["props"].items() if callable(value)]  # fmt: skip
    assert named == []
    assert copy.deepcopy(components) == components
    assert [one["props"] for one in components if one["type"] == "plot" and
            one["props"].get("value")] == []  # fmt: skip


def test_a_visitor_keeps_what_he_changed_and_no_description_of_the_page(built):
    one, other = SessionState(built), SessionState(built)
    assert list(one.components) == []
    box = next(part for part in built.blocks.values() if isinstance(part, gr.Textbox))
    opened = next(part for part in built.blocks.values() if isinstance(part, gr.State))
    one[box._id] = gr.Textbox(label="his", render=False)
    one[opened._id] = "his"
    one._update_value_in_config(box._id, "typed")
    assert (one[box._id].label, one[opened._id]) == ("his", "his")
    assert other[box._id] is box
    assert other[opened._id] != "his"
    assert list(one.components) == []
    # The page that the next visitor is sent has every part.
    assert len(built.get_config_file()["components"]) == len(built.blocks)


def test_the_page_is_built_without_what_only_a_file_or_a_run_needs():
    unneeded = ("torch", "transformers", "matplotlib", "plotly.basedatatypes")
    code = (
        "import sys; from app.service.service import Service; from app.ui import build_demo;"
        f"build_demo(Service()); print([name for name in {unneeded} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_calibration_is_drawn_when_its_tab_is_opened(built):
    values = {part.elem_id: part.value for part in built.blocks.values()
              if str(getattr(part, "elem_id", "")).startswith("calibrate-")}  # fmt: skip
    assert [values[f"calibrate-{name}"] for name in CHARTS] == [None] * len(CHARTS)
    assert values["calibrate-summary"]
