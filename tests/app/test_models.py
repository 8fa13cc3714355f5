"""Which models are offered, what the picker says of them, and switching between two under load."""

import json
import re
from concurrent.futures import ThreadPoolExecutor

import gradio as gr
import pytest
from built_tabs import built, holding, ran
from hostile_inputs import MODELS as HOSTILE

from app.presenters.models_view import Picking, catalogue_words, show_models
from app.sections import model_choice
from app.service.models import LoadOptions, Models, Offer
from app.service.pool import READY
from app.service.service import Service
from app.state import Visitor
from app.tabs.compare import Compare
from app.words import models as text_models
from app.words.language import speaking
from vtw_core.errors import InputError, ModelError
from vtw_core.families.catalogue import CATALOGUE, EMBEDDED, SHIPPED
from vtw_core.machine.progress import LoadProgress

SMALL = "HuggingFaceTB/SmolVLM-256M-Instruct"
GATED = "google/gemma-3-4b-it"


def no_weights(source, **options):
    """A loading that ends in a model that no run asks."""
    yield LoadProgress("weights", 1, 4)
    raise ModelError("The weights in {folder} are not complete.", folder=source)


@pytest.fixture
def models():
    return Models(EMBEDDED, [SMALL, GATED], load=no_weights)


def of(shown, name):
    return next(one for one in shown["models"] if one["name"] == name)


# ------------------------------------------------------------------ which
def test_a_name_that_is_not_offered_is_refused_with_those_that_are(models):
    assert models.offer(SMALL).title == "SmolVLM 256M"
    with pytest.raises(InputError, match=f"not offered here; choose one of these: {EMBEDDED}"):
        models.offer("org/name")


@pytest.mark.parametrize("free", [False, True])
@pytest.mark.parametrize("name", [*HOSTILE, "list", "none"])
def test_no_visitor_leads_the_server_anywhere(name, free, tmp_path):
    value = {"list": [SMALL], "none": None}.get(name) or getattr(HOSTILE.get(name), "value", None)
    for wanted in (value, str(tmp_path), "assets/embedded_model", "./assets", "app/../app"):
        with pytest.raises(InputError) as refused:
            Models(free=free, load=no_weights).offer(wanted)
        assert "\n" not in str(refused.value)
        assert len(str(refused.value)) < 300


def test_a_hub_id_may_be_typed_only_where_the_owner_allows_it(models):
    free = Models(free=True, load=no_weights)
    assert free.offer("org/name").is_typed
    assert free.of_run("org/name") == "org/name"
    with pytest.raises(InputError, match="not offered"):
        models.offer("org/name")


def test_a_run_is_repeated_by_the_model_that_made_it_or_not_at_all(tiny_folder, models):
    own = Models(str(tiny_folder), load=no_weights)
    assert own.default == tiny_folder.name
    assert own.of_run(tiny_folder.name) == own.of_run(str(tiny_folder)) == tiny_folder.name
    assert models.of_run(SMALL) == SMALL
    with pytest.raises(InputError, match="made by embedded, which is not offered here"):
        own.of_run(EMBEDDED)


def test_where_a_folder_lies_is_told_to_nobody(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    models = Models(EMBEDDED, [str(folder)], load=no_weights)
    with pytest.raises(ModelError, match="The weights in mine are not complete"):
        list(models.loading("mine"))
    assert str(tmp_path) not in json.dumps(show_models(models, Picking(EMBEDDED)))


def test_options_reach_the_loader():
    asked = {}

    def load(source, **options):
        asked.update(options, source=source)
        yield from no_weights(source)

    models = Models(SMALL, load=load, options=LoadOptions("cpu", "bfloat16", "8bit", "auto"))
    with pytest.raises(ModelError):
        list(models.loading(SMALL))
    assert asked == {"source": SMALL, "device": "cpu", "dtype": "bfloat16", "quantize": "8bit",
                     "device_map": "auto", "alone": models.busy}  # fmt: skip
    assert models.free_memory() is None  # of which device?


def test_a_device_that_is_not_there_is_told_by_loading_alone():
    models = Models(SMALL, load=no_weights, options=LoadOptions(device="no device"))
    assert models.memory(SMALL) is None
    assert models.free_memory() is None


# ------------------------------------------------------------------ what the picker says
def test_the_facts_of_a_model_have_units(models):
    models._start_is_over.set()
    shown = show_models(models, Picking(EMBEDDED))
    facts = dict(of(shown, SMALL)["facts"])
    assert facts["Parameters"] == "256 M"
    assert facts["Download"] == "513 MB"
    assert facts["Memory"].startswith("1.29 GB of ")
    assert facts["Licence"] == "Apache-2.0"
    assert of(shown, SMALL)["card"]["address"] == f"https://huggingface.co/{SMALL}"
    assert of(shown, GATED)["warnings"][0] == text_models.GATED
    assert dict(of(shown, EMBEDDED)["facts"])["Download"] == text_models.NO_DOWNLOAD
    assert of(shown, EMBEDDED)["notes"] == [text_models.EMBEDDED_NOTE]
    assert of(shown, EMBEDDED)["card"]["address"] == ""


def test_what_does_not_fit_and_what_is_missing_is_said_beforehand(models, monkeypatch):
    models._start_is_over.set()
    monkeypatch.setattr(models, "free_memory", lambda: 10**9)
    monkeypatch.setattr(Offer, "missing", ("torchvision",))
    warnings = " ".join(of(show_models(models, Picking(EMBEDDED)), SMALL)["warnings"])
    assert "Needs 1.29 GB, but only 1 GB is free here" in warnings
    assert "Needs torchvision, not installed here" in warnings


def test_before_the_first_model_is_there_nothing_is_asked_of_torch(models, monkeypatch):
    monkeypatch.setattr(models, "memory", None)
    monkeypatch.setattr(models, "free_memory", None)
    shown = show_models(models, Picking(EMBEDDED))
    assert "being loaded" in of(shown, EMBEDDED)["said"]


def test_every_word_of_the_catalogue_has_its_translation():
    said = {words for known in CATALOGUE if known.name != EMBEDDED
            for words in (known.visual_tokens, *re.split(r"(?<=\.) ", known.licence_note))
            if words and not words.isdecimal()}  # fmt: skip
    titles = {known.title for known in CATALOGUE if known.name in SHIPPED}
    assert said | titles == set(text_models.CATALOGUE)
    with speaking("zh"):
        for words in said:
            assert re.search("[\u4e00-\u9fff]", catalogue_words(words))


def test_picking_ends_in_the_model_or_in_why_not(service, models):
    picker = model_choice._Handlers(Service(models))

    def event(data):
        return gr.EventData(None, data)

    for sent in (None, {}, {"name": 3}, {"name": "../../etc"}, {"name": ["a"]}):
        value, awaited = picker.ask(event(sent), EMBEDDED)
        assert awaited is None
        assert value["isError"]
        assert value["notice"]
    value, awaited = picker.ask(event({"name": SMALL}), EMBEDDED)
    assert (value["awaited"], awaited) == (SMALL, SMALL)
    *_, (value, chosen, awaited) = picker.load(EMBEDDED, SMALL)
    assert (value["chosen"], chosen, awaited) == (EMBEDDED, gr.skip(), None)
    assert of(value, SMALL)["said"].endswith("Embedded model stays in use.")
    assert list(picker.load(EMBEDDED, None)) == [(gr.skip(), gr.skip(), None)]

    own = model_choice._Handlers(service)
    *_, (value, chosen, _) = own.load("another", service.model_name)
    assert value["chosen"] == chosen == service.model_name
    assert "is ready" in value["notice"]


def test_a_full_queue_is_said_and_a_cancelled_loading_is_none(models):
    picker = model_choice._Handlers(Service(models))
    assert picker.refuse(EMBEDDED, SMALL)[0]["notice"] == text_models.BUSY
    assert picker.refuse(EMBEDDED, None) == (gr.skip(), None)
    value, timer = picker.cancel(EMBEDDED, SMALL)
    assert value["notice"] == "Cancelled. Embedded model stays in use."
    assert timer.active
    # What ticks afterwards leaves that sentence alone.
    assert picker.look(EMBEDDED, None)[0]["notice"] is None


# ------------------------------------------------------------------ asking two of them
@pytest.fixture(scope="module")
def two(tiny_folders, examples_folder):
    """A page that offers two tiny models and has a place for one."""
    folders = [str(tiny_folders(family)) for family in ("llava", "llava_next")]
    return Service(Models(folders[0], folders[1:], resident=1), examples_folder, answer_tokens=4)


@pytest.mark.slow
def test_two_models_switched_under_load_answer_as_if_each_were_alone(two, image_path):
    names = list(two.models.offers)

    def ask(number):
        name = names[number % 2]
        return name, two.explored(str(image_path), f"what is {number % 3} ?", 3, name)

    alone = {number: ask(number)[1] for number in range(6)}
    with ThreadPoolExecutor(4) as threads:
        asked = list(threads.map(ask, [number % 6 for number in range(12)]))
    for number, (name, run) in enumerate(asked):
        assert run.model == name
        assert run.answers == alone[number % 6].answers
        assert (run.kl_positions == alone[number % 6].kl_positions).all()
    assert len(two.models.pool._placed) == 1
    assert sum(two.models.state(name) == READY for name in names) == 1


def test_a_run_that_another_model_made_is_tested_by_that_model(two, image_path):
    first, second = two.models.offers
    *_, run = two.explore(str(image_path), "what is it ?", first)
    list(two.models.loading(second))
    again = two.test_image(run, str(image_path), str(image_path), "the same")
    assert again.model == first
    assert two.models.state(first) == READY
    other = Service(Models(str(two.models.offers[second].source)), two.examples[0].image.parent)
    with pytest.raises(InputError, match="is not offered here"):
        other.test_image(run, str(image_path), str(image_path), "the same")


def test_without_its_model_a_question_keeps_the_last_run_and_says_why(examples_folder):
    service = Service(Models("no such model", load=no_weights), examples_folder)
    tab, example = built(Compare, service), service.examples[0]
    values = holding(tab, visitor=Visitor(example.run, "recorded"), runs__waits=True)
    *_, told = tab.runs.load(tab.model, values)
    assert "are not complete" in told[tab.bench]["notice"]["text"]
    assert told[tab.bench]["prompt"] == example.prompt
    assert told[tab.runs.waits] is False
    assert ran(tab, waits=False) == [{tab.runs.waits: False}]
    cancelled = holding(tab, runs__waits=False)
    assert list(tab.runs.load(tab.model, cancelled)) == [{tab.runs.waits: False}]


def test_no_visitor_is_told_where_an_adapter_s_base_model_should_be(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "adapter_model.safetensors").touch()
    about = {"peft_type": "LORA"}
    for base in ("/srv/owner/models/llava", str(tmp_path / "not" / "there")):
        about["base_model_name_or_path"] = base
        (folder / "adapter_config.json").write_text(json.dumps(about))
        models = Models(str(folder))
        models.load()
        said = models.state("mine").problem
        assert said.startswith(f"The base model {base.rpartition('/')[2]} of the adapter mine is")
        assert "/" not in said
