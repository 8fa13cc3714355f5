"""docs/strategies.md: the recipe's strategy is on the page too, with its own file and two lines."""

import re
import sys
from pathlib import Path

import pytest
from built_tabs import address, built, holding
from small_records import small_run

from app.inputs import methods_fields
from app.inputs.methods_choice import Choice
from app.links.methods_address import completed
from app.presenters.view import run_id
from app.sections.methods_panels import fit
from app.state import ShownMethods, Visitor
from app.tabs.methods import Methods
from app.words.chinese import methods as chinese
from app.words.english import methods as english
from app.words.language import LANGUAGES, speaking
from vtw_core.strategies import registry

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "strategies.md").read_text()
RECIPE = TEXT.split("## Add a strategy\n")[1]
LINES = {"en": "Every second: by place", "zh": "隔一取一：按位置"}


@pytest.fixture
def known(tmp_path, monkeypatch):
    """The recipe's code in a file of its own, and its two lines; all is forgotten afterwards."""
    registry.registered()
    code = re.search(r"```python\n(.*?)```", RECIPE, re.S)[1]
    (tmp_path / "every_second.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "_known", dict(registry._known))
    monkeypatch.setitem(english.METHODS, "every_second", LINES["en"])
    monkeypatch.setitem(chinese.METHODS, "every_second", LINES["zh"])
    caches = methods_fields.offered, methods_fields.layout
    for one in caches:
        one.cache_clear()
    registry.load_plugin("every_second")
    yield
    sys.modules.pop("every_second", None)
    for one in caches:
        one.cache_clear()


@pytest.fixture
def tab(known, service, monkeypatch):
    monkeypatch.setattr(service, "answer_tokens", 2)
    return built(Methods, service)


def controls_of(panel):
    """Flag -> control, of the strategy."""
    return {
        about.flag: part
        for (of, about), part in zip(methods_fields.layout(), panel.controls[1:], strict=True)
        if of.name == "every_second"
    }


@pytest.mark.parametrize("code", LANGUAGES)
def test_it_can_be_chosen_in_every_language(known, service, code):
    with speaking(code):
        panel = built(Methods, service).panels[0]
    assert (LINES[code], "every_second") in panel.controls[0].choices
    k, every = controls_of(panel).values()
    layers = service.examples[0].run.layers
    assert (k.minimum, k.maximum, k.value, k.step) == (0, layers, round(2 * layers / 32), 1)
    assert (every.minimum, every.value, every.precision) == (1, 2, 0)
    assert not k.visible
    # Without words of the page a control is called by what the strategy says of it.
    assert "of so many one stays" in every.label


def test_choosing_it_shows_its_controls_alone(known):
    updates = zip(methods_fields.layout(), fit("every_second", "tokens"), strict=True)
    shown = [(of.name, about.flag) for (of, about), update in updates if update["visible"]]
    assert shown == [("every_second", "k"), ("every_second", "every")]


def test_it_runs_beside_the_baseline(tab, service):
    example = service.examples[0]
    visitor = Visitor(run=example.run, origin="recorded", picture=str(example.image))
    choice = Choice("every_second", {"k": 1, "every": 2})
    held = holding(tab, visitor=visitor, there=(True, False, False), runs__waits=True)
    held |= dict(zip(tab.panels[0].controls, choice.values(example.run), strict=True))
    told = list(tab.runs.run(tab.steps, held))[-1]
    assert [card["title"] for card in told[tab.answers]["cards"]][1:] == [choice.title]
    (entry,) = told[tab.shown].comparison.entries
    assert (entry.strategy["k"], entry.strategy["every"]) == (1, 2)
    assert entry.visual_tokens_per_layer[:2] == (
        example.run.visual_tokens, (example.run.visual_tokens + 1) // 2,
    )  # fmt: skip


def test_an_address_says_it_and_sets_it(tab, service):
    run = small_run()
    choice = Choice("every_second", {"k": 2, "every": 3})
    shown = ShownMethods(run_id(run), "live", None, run.layers)
    held = holding(
        tab, visitor=Visitor(run=run), shown=shown, there=(True, False, False), runs__waits=False
    )
    held |= dict(zip(tab.panels[0].controls, choice.values(run), strict=True))
    held |= {part: part.value for panel in tab.panels[1:] for part in panel.controls}
    fields = address(service)
    query = fields.write(tab.chosen_view(held))
    assert query == "methods=every_second:k=2,every=3"
    assert completed(fields.read(query)["methods"], run) == (choice,)
    assert fields.read("methods=every_second")["methods"][0].at(run).options["every"] == 2
