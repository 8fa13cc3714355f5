"""A real service on the tiny random model, with one recorded example of it."""

import json

import pytest

from app.service import Service


@pytest.fixture(scope="session")
def examples_folder(run, image, tmp_path_factory):
    folder = tmp_path_factory.mktemp("examples")
    image.save(folder / "squares.png")
    run.save(folder / "squares.vtw")
    entry = {"name": "squares", "title": "Squares", "prompt": run.prompt}
    (folder / "examples.json").write_text(json.dumps([entry]))
    return folder


@pytest.fixture(scope="session")
def service(tiny_folder, examples_folder):
    service = Service(str(tiny_folder), examples_folder)
    service.start()
    assert service.wait(120)
    return service
