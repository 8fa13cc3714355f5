"""The door to the library."""

import pytest

from app.service.service import Service, bundled_examples
from app.words import page as text
from vtw_core.errors import VTWError
from vtw_core.results.run import Run
from vtw_core.shipped import EXAMPLES


def test_exploring_ends_with_a_run(service, image_path):
    events = list(service.explore(str(image_path), "what is this ?"))
    assert isinstance(events[-1], Run)


def test_a_bad_prompt_is_one_sentence_and_leaves_the_service_free(service, image_path):
    with pytest.raises(VTWError, match="empty"):
        list(service.explore(str(image_path), "  "))
    assert isinstance(list(service.explore(str(image_path), "again ?"))[-1], Run)


def test_an_abandoned_run_leaves_the_service_free(service, image_path):
    steps = service.explore(str(image_path), "what is this ?")
    next(steps)
    steps.close()
    assert isinstance(list(service.explore(str(image_path), "again ?"))[-1], Run)


def test_a_model_that_cannot_be_loaded_is_told_at_the_first_run(examples_folder, image_path):
    service = Service("no such model", examples_folder)
    service.start()
    assert service.wait(60)
    for _ in range(2):
        with pytest.raises(VTWError, match="no such model") as refused:
            list(service.explore(str(image_path), "what is this ?"))
        assert refused.value.__cause__ is None


def test_the_bundled_examples_are_complete():
    examples = bundled_examples(EXAMPLES)
    assert len(examples) >= 8
    for example in examples:
        assert example.image.is_file()
        assert example.run.prompt == example.prompt
        assert example.run.model == "embedded"


def test_suggestions_fit_the_model(examples_folder):
    service = Service(examples=examples_folder)
    assert service.suggestions("embedded") == text.SUGGESTIONS
    assert service.suggestions("org/name") == text.SUGGESTIONS_FOR_PHOTOGRAPHS


def test_the_state_of_the_pages_own_model_is_known(examples_folder, service):
    assert Service("org/name", examples_folder).state == "loading"
    assert service.state == "ready"
    missing = Service("no such model", examples_folder)
    missing.start()
    assert missing.wait(60)
    assert missing.state == "failed"
