"""A tab from outside: it is built, shown for a run, and driven by a link like every other."""

import gradio as gr
import pytest
from built_tabs import arrive, guided
from small_records import small_run

from app.figures.chart import Bars
from app.links.view_address import View, whole
from app.sections.board import Board
from app.service.service import Service
from app.state import Visitor
from app.tabs.tab import Tab
from app.ui import TABS, build_demo
from app.words.language import LANGUAGES

RUN = small_run()


def tower(run, height):
    """One column for each layer up to a height."""
    return Bars(
        name="tower", title="A tower", x_label="layer", y_label="bricks", unit="bricks",
        caption="One brick for each layer.", summary=f"It is {height} high.",
        x=range(run.layers), values=[float(layer < height) for layer in range(run.layers)],
        color="#000000",
    )  # fmt: skip


class Heights(Tab):
    id = "heights"
    title = "Heights"

    @classmethod
    def fields(cls, service):
        return (whole("height", lambda run: run.layers, usual=0),)

    def build(self):
        self.height = gr.Slider(0, 100, 0, step=1, elem_id="heights-height")
        self.board = Board("heights", {"tower": tower}, self.source)
        self.board.place("tower")
        self.inputs = (self.shared.visitor, self.height)
        self.outputs = tuple(self.board.parts.values())
        self.controls = {"height": self.height}
        self.board.connect(self.inputs, {self.height: ("tower",)})

    def source(self, values):
        run = values[self.shared.visitor].run
        return None if run is None else (run, values[self.height])

    def show(self, values):
        return self.board.show(values)


@pytest.fixture(scope="module")
def service():
    """The page's own examples; no model is loaded."""
    return Service()


@pytest.fixture(scope="module")
def demo(service):
    return build_demo(service, tabs=(*TABS, Heights))


@pytest.fixture(scope="module")
def guide(service):
    return guided(service, (*TABS, Heights))


def test_it_stands_behind_the_others_on_the_page_of_every_language(demo):
    labels = [part.label for part in demo.blocks.values() if isinstance(part, gr.Tab)]
    assert labels.count("Heights") == len(LANGUAGES)
    charts = [part for part in demo.blocks.values() if part.elem_id == "heights-tower"]
    assert len(charts) == len(LANGUAGES)
    for chart in charts:
        drawn = [one for one in demo.fns.values()
                 if getattr(one.fn, "__name__", "") == "draw" and chart in one.outputs]  # fmt: skip
        # When a tab is opened, by a link or by hand, and whenever another run is shown.
        assert len(drawn) == 2 + 3
        for one in drawn:
            assert one.inputs_as_dict


def test_it_is_shown_for_the_visitors_run(guide):
    tab = guide.page.tabs["heights"]
    held = {tab.shared.visitor: Visitor(run=RUN), tab.height: 2}
    (chart,) = tab.show(held).values()
    assert chart["summary"] == "It is 2 high."
    assert chart["layers"] == RUN.layers
    assert tab.show({**held, tab.shared.visitor: Visitor()}) == {tab.board.parts["tower"]: None}
    path = tab.board.saver("tower")(held, gr.EventData(None, {"format": "csv"}))
    with open(path, encoding="utf-8-sig") as file:
        assert file.read().splitlines()[0] == "layer,bricks"


def test_a_link_puts_it_in_front_and_sets_its_control_to_what_the_run_has(guide):
    tab, visitor = guide.page.tabs["heights"], Visitor(run=RUN)
    wanted = guide.table.read("tab=heights&height=99&head=1")
    assert wanted == View(tab="heights", height=99, head=1)
    told = arrive(guide, wanted, visitor)
    assert told[guide.page.opened] == "heights"
    assert told[tab.height] == RUN.layers
    shared = told[guide.parts.share]
    assert shared["query"] == "tab=heights"
    assert shared["go"]["place"]["height"] == RUN.layers
    assert tab.height not in arrive(guide, View(tab="heights"), visitor)
    for nonsense in ("height=-1", "height=high", "height="):
        assert guide.table.read(nonsense) == View()


def test_the_address_bar_hears_of_its_control(demo, guide):
    assert guide.table.usual["heights"] == {"height": 0}
    assert guide.table.write(View(tab="heights", height=3)) == "tab=heights&height=3"
    sliders = [part._id for part in demo.blocks.values() if part.elem_id == "heights-height"]
    told = [one.js for one in demo.fns.values() if (sliders[0], "input") in one.targets and one.js]
    assert [script for script in told if "detail: { height: value }" in script]
    share = next(part for part in demo.blocks.values() if part.elem_id == "share")
    assert '"heights": {"height": 0}' in share.js_on_load
