"""Each family of models through the page's handlers: a question, every tab of it, what can be done
with it again. On tiny random models of the real classes, so what the figures show means nothing."""

import pytest
from built_tabs import built, holding, ran
from tiny_families import KINDS_FIRST

from app.inputs.methods_choice import Choice
from app.service.models import Models
from app.service.service import Service
from app.state import Visitor
from app.tabs.compare import Compare
from app.tabs.every_k import EveryK
from app.tabs.methods import Methods
from app.tabs.migration import Migration
from app.tabs.sinks import Sinks
from vtw_core.machine.progress import LoadProgress

QUESTION = "what is left of the red ball ?"
# VTW, and of MustDrop the stages that every family has.
PANELS = (
    Choice("vtw", {"k": 2}),
    Choice("mustdrop", {"stages": "bc", "gamma": 0.02, "alpha": 0.02}),
)


@pytest.fixture(scope="module")
def page_of(tiny_models, examples_folder):
    """Family -> the service of a page whose own model is of it."""

    def load(source, **options):
        yield LoadProgress("weights")
        yield tiny_models(source)

    return lambda family: Service(Models(family, load=load), examples_folder, answer_tokens=4)


@pytest.mark.parametrize("family", KINDS_FIRST)
def test_a_question_and_all_that_the_page_makes_of_it(page_of, family):
    service = page_of(family)
    example = str(service.examples[0].image)
    asked = built(Compare, service)
    told = ran(asked, upload=example, prompt=QUESTION, visitor=Visitor())[-1]
    bench, visitor = told[asked.bench], told[asked.shared.visitor]
    assert bench["phase"] == "done", bench["notice"]
    assert bench["notice"] is None
    run = visitor.run
    assert (run.model, run.model_type) == (family, family)
    assert len(bench["answers"]) == run.layers + 1

    for kind in (EveryK, Sinks, Migration):
        tab = built(kind, service)
        shown = tab.show(holding(tab, visitor=visitor))
        assert shown[tab.content].visible
        assert [name for name, part in tab.board.parts.items() if not shown[part]] == []
        if kind is EveryK:
            assert len(shown[tab.table]) == run.layers + 1

    compared = built(Methods, service)
    values = holding(compared, visitor=visitor, there=(True, True, False))
    held = [value for one in (*PANELS, PANELS[0]) for value in one.values(run)]
    values |= dict(zip(compared.each_control, held, strict=True))
    told = list(compared.runs.run(compared.steps, {**values, compared.runs.waits: True}))[-1]
    cards, shown_methods = told[compared.answers], told[compared.shown]
    assert cards["phase"] == "done", cards
    assert shown_methods.refused == ()
    assert {one.name for one in shown_methods.comparison.entries} == {"vtw", "mustdrop"}
    assert family in cards["origin"]

    again = service.test_image(run, example, example, "the same")
    assert again.inside.counterfactuals[-1].name == "the same"

    *_, measured = service.calibrate([example], QUESTION, family)
    assert measured.layers == run.layers
