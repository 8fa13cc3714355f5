"""Each family of models through the page's handlers: a question, every tab of it, what can be done
with it again. On tiny random models of the real classes, so what the figures show means nothing."""

import pytest
from tiny_families import KINDS_FIRST

from app.inputs.methods_choice import Choice
from app.service.models import Models
from app.service.service import Service
from app.state import ShownMethods, Visitor
from app.tabs import compare, every_k, methods, migration, sinks
from vtw_core.machine.progress import LoadProgress

QUESTION = "what is left of the red ball ?"
SINKS = ("last_prompt", sinks.MEAN, False, True, 1)
MIGRATION = ("all_text", 0, 0, 2, 0)
# VTW, and of MustDrop the stages that every family has.
PANELS = (Choice("vtw", 2), Choice("mustdrop", thresholds="own", gamma=0.02, alpha=0.02,
                                   stages=("b", "c")))  # fmt: skip


def panel_values():
    for one in (*PANELS, PANELS[0]):
        yield from (one.name, one.k, one.ratio, one.ranking, one.seed, one.thresholds, one.tokens,
                    one.gamma, one.alpha, list(one.stages))  # fmt: skip


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
    asked = compare._Handlers(service)
    *_, told = asked.run(example, None, QUESTION, False, Visitor(), None, family, True)
    bench, *_, visitor, _, _ = told
    assert bench["phase"] == "done", bench["notice"]
    assert bench["notice"] is None
    run = visitor.run
    assert (run.model, run.model_type) == (family, family)
    assert len(bench["answers"]) == run.layers + 1

    _, _, *charts, rows = every_k.show(visitor, None)
    assert all(charts)
    assert len(rows) == run.layers + 1
    for tab, controls, charts in (
        (sinks, SINKS, sinks.sinks.CHARTS), (migration, MIGRATION, migration.migration.CHARTS),
    ):  # fmt: skip
        values = tab.show(visitor, None, *controls)
        assert values[0].visible
        made = dict(zip(charts, values[-len(charts) :], strict=True))
        assert [name for name, value in made.items() if not value] == []

    compared = methods._Handlers(service)
    *_, (cards, *_, shown_methods, _) = compared.compare(
        visitor, ShownMethods(), (True, True, False), True, *panel_values()
    )
    assert cards["phase"] == "done", cards
    assert shown_methods.refused == ()
    assert {one.name for one in shown_methods.comparison.entries} == {"vtw", "mustdrop"}
    assert family in cards["origin"]

    again = service.test_image(run, example, example, "the same")
    assert again.inside.counterfactuals[-1].name == "the same"

    *_, measured = service.calibrate([example], QUESTION, family)
    assert measured.layers == run.layers
