"""The owner's threshold reaches whatever shows one, and each visitor's stays his own."""

import gradio as gr
import pytest
from built_tabs import address, built, holding
from small_records import small_run, with_random_inside

from app.components.share import show_arrival
from app.figures.report import report_html
from app.links.view_address import View
from app.sections.held_k import k_of
from app.service.service import Service
from app.state import Visitor
from app.tabs import calibrate
from app.tabs.every_k import EveryK
from app.tabs.migration import Migration
from app.ui import build_demo
from vtw_core.results.run import RULES

OWN = 0.05
RUN = with_random_inside(small_run())
BY_OWNER, BY_VTW = Visitor(run=RUN, eta=OWN), Visitor(run=RUN)


@pytest.fixture(scope="module")
def parts(tiny_folder, examples_folder):
    """The parts of a page by their ids, and the visitor that it opens with."""
    demo = build_demo(Service(str(tiny_folder), examples_folder, eta=OWN))
    named = {part.elem_id: part for part in demo.blocks.values() if getattr(part, "elem_id", None)}
    states = [part.value for part in demo.blocks.values() if isinstance(part, gr.State)]
    named["visitors"] = [value for value in states if isinstance(value, Visitor)]
    return named


def test_the_page_opens_with_it(parts):
    assert {visitor.eta for visitor in parts["visitors"]} == {OWN}
    assert parts["eta"].value == OWN
    assert parts["eta-preset"].value == calibrate.OWN_VALUE
    assert "η = 0.05" in parts["calibrate-summary"].value


def marks(kind, names):
    """Of some charts, as they reach the browser: whether they mark it."""
    tab = built(kind, Service())
    told = tab.board.show(holding(tab, visitor=BY_OWNER, k=1), names)
    figures = {name: told[tab.board.parts[name]]["figure"] for name in names}
    return {
        name: f'"y0":{OWN},"y1":{OWN}' in figure.replace(" ", "")
        for name, figure in figures.items()
    }


def test_the_charts_mark_it_and_k_star_is_meant_at_it():
    assert marks(EveryK, ["kl", "cost"]) == {"kl": True, "cost": False}
    assert marks(Migration, ["joint", "shares"]) == {"joint": True, "shares": False}
    assert k_of(BY_OWNER, None) == RUN.choose_k(OWN)
    assert k_of(BY_VTW, None) == RUN.choose_k()
    report = report_html(RUN, eta=OWN)
    assert "At η = 0.05 nats" in report
    assert "η = 0.003" not in report


@pytest.mark.parametrize("rule", RULES)
def test_a_link_without_a_k_shows_the_k_star_of_its_rule(rule):
    shown = show_arrival(address(Service()), View(rule=rule), RUN, 1.0)
    assert (shown["rule"], shown["k"]) == (rule, RUN.choose_k(1.0, rule=rule))


def test_the_report_says_which_rule_made_its_k_star():
    assert "each the first K from 0 on with at most η" in report_html(RUN)


@pytest.mark.parametrize(("eta", "preset"), [(0.003, 3), (0.0005, 1), (0.004, calibrate.OWN_VALUE)])
def test_calibrate_names_the_published_threshold_that_it_opens_with(eta, preset):
    tab = built(calibrate.Calibrate, Service(eta=eta))
    assert tab.preset.value == preset
    assert tab.eta.value == eta
