"""Settings from the environment."""

from pathlib import Path

import pytest
from built_tabs import arrive, guided

from app.links.view_address import View
from app.presenters.view import show_criterion
from app.service.models import LoadOptions
from app.service.service import Service
from app.settings import Settings, _variables
from app.state import Visitor
from app.ui import build_demo
from vtw_core.errors import InputError
from vtw_core.families.catalogue import CATALOGUE
from vtw_core.results.run import DEFAULT_ETA

GUIDE = Path(__file__).resolve().parent.parent.parent / "docs" / "deploy.md"


def test_nothing_set_means_the_defaults():
    assert Settings.from_environment({"VTW_QUEUE": " "}) == Settings()


def test_every_variable_is_heard():
    given = {
        "VTW_MODEL": "a/b", "VTW_MODELS": "c/d, e/f", "VTW_FREE_MODELS": "1", "VTW_RESIDENT": "7",
        "VTW_DEVICE": "cuda:1", "VTW_DTYPE": "bfloat16", "VTW_QUANTIZE": "4bit",
        "VTW_DEVICE_MAP": "auto", "VTW_ETA": "0.01", "VTW_LANGUAGE": "zh",
        "VTW_ANSWER_TOKENS": "7", "VTW_QUEUE": "7", "VTW_UPLOAD_MB": "7", "VTW_SESSIONS": "7",
        "VTW_RUNS_PER_MINUTE": "7", "VTW_WAITING": "7", "VTW_UPLOADS_PER_MINUTE": "7",
        "VTW_UPLOAD_QUOTA_MB": "7", "FORWARDED_ALLOW_IPS": "10.0.0.0/8",
    }  # fmt: skip
    assert set(given) == {one.metadata["variable"] for one in _variables()}
    heard = Settings.from_environment(given)
    told = [getattr(heard, one.name) for one in _variables()]
    assert told == ["a/b", "c/d, e/f", 1, 7, "cuda:1", "bfloat16", "4bit", "auto", 0.01, "zh",
                    7, 7, 7, 7, 7, "10.0.0.0/8", 7, 7, 7]  # fmt: skip


@pytest.mark.parametrize("value", ["0", "-3", "99999999", "many", "1.5", "nan", "1e3"])
@pytest.mark.parametrize(
    "variable",
    ["VTW_ANSWER_TOKENS", "VTW_QUEUE", "VTW_UPLOAD_MB", "VTW_SESSIONS", "VTW_WAITING"],
)
def test_a_bad_number_is_refused_by_name(variable, value):
    with pytest.raises(InputError, match=rf"{variable} must be a whole number from 1 to"):
        Settings.from_environment({variable: value})


@pytest.mark.parametrize(
    ("variable", "value"),
    [("VTW_RESIDENT", "0"), ("VTW_RESIDENT", "9"), ("VTW_FREE_MODELS", "2"),
     ("VTW_FREE_MODELS", "yes"), ("VTW_DTYPE", "float64"), ("VTW_DTYPE", "BF16"),
     ("VTW_QUANTIZE", "3bit"), ("VTW_DEVICE_MAP", "{}"), ("VTW_LANGUAGE", "de"),
     ("VTW_ETA", "-0.1"), ("VTW_ETA", "nan"), ("VTW_ETA", "inf"), ("VTW_ETA", "1e999"),
     ("VTW_ETA", "small")],
)  # fmt: skip
def test_a_bad_value_is_refused_by_name(variable, value):
    with pytest.raises(InputError, match=f"^{variable} must be [^\n]*not '{value}'"):
        Settings.from_environment({variable: value})


def offered(**environment):
    return Settings.from_environment(environment).offered()


def test_on_ones_own_machine_the_catalogue_is_offered_and_on_spaces_the_pages_own_model():
    everything = offered()
    assert list(everything.offers) == [known.name for known in CATALOGUE]
    assert everything.default == "embedded"
    assert list(offered(SPACE_ID="a/b").offers) == ["embedded"]
    assert list(offered(SPACE_ID="a/b", VTW_MODEL="c/d", VTW_MODELS="e/f").offers) == ["c/d", "e/f"]
    assert list(offered(VTW_MODELS=" embedded ,, a/b,").offers) == ["embedded", "a/b"]


def test_the_pages_own_model_comes_first_and_is_offered_once():
    models = offered(VTW_MODEL="c/d", VTW_MODELS="a/b, c/d")
    assert list(models.offers) == ["c/d", "a/b"]
    assert models.default == "c/d"
    assert Settings().offered("x/y").default == "x/y"


def test_the_page_opens_with_the_owners_threshold_and_the_lesson_with_the_published_one(
    service, examples_folder
):
    own = Service(service.models, examples_folder, eta=0.5)
    config = build_demo(own).config["components"]
    props = {one["props"].get("elem_id"): one["props"] for one in config}
    assert props["workbench"]["props"]["criterion"]["eta"] == 0.5
    guide = guided(own)
    visitor = Visitor(run=own.examples[0].run)
    etas = [
        arrive(guide, view, visitor)[guide.parts.share]["go"]["eta"]
        for view in (View(), View(eta=0.1), View(lesson=1))
    ]
    assert etas == [0.5, 0.1, DEFAULT_ETA]
    assert show_criterion(0.0)["eta"] > 0  # where a logarithmic line can stand


def test_two_folders_of_one_name_are_refused(tmp_path):
    folders = [tmp_path / side / "model" for side in ("left", "right")]
    for folder in folders:
        folder.mkdir(parents=True)
    with pytest.raises(InputError, match="Two models are called 'model'"):
        offered(VTW_MODELS=",".join(map(str, folders)))


def test_how_models_are_loaded_reaches_them():
    models = offered(VTW_DEVICE="cpu", VTW_DTYPE="float16", VTW_QUANTIZE="8bit", VTW_RESIDENT="3",
                     VTW_DEVICE_MAP="auto", VTW_FREE_MODELS="1")  # fmt: skip
    assert models.options == LoadOptions("cpu", "float16", "8bit", "auto")
    assert models.free
    assert not models.fixed


def test_on_zero_gpu_no_model_is_loaded_later():
    assert offered(SPACES_ZERO_GPU="true", SPACE_ID="a/b").fixed
    with pytest.raises(InputError, match="VTW_FREE_MODELS=1 cannot be had on ZeroGPU"):
        offered(SPACES_ZERO_GPU="true", VTW_FREE_MODELS="1")


@pytest.mark.parametrize("value", ["-1", "1001", "many"])
def test_no_limit_is_a_limit_of_its_own(value):
    assert Settings.from_environment({"VTW_RUNS_PER_MINUTE": "0"}).runs_per_minute == 0
    with pytest.raises(InputError, match="VTW_RUNS_PER_MINUTE must be a whole number from 0 to"):
        Settings.from_environment({"VTW_RUNS_PER_MINUTE": value})


def test_the_guide_lists_all_settings():
    assert f"<!-- settings -->\n{Settings.table()}\n<!-- end of settings -->" in GUIDE.read_text()
