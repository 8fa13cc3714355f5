"""`python app.py` with nothing but requirements.txt: the page answers, and its model gets ready."""

import json
import time
from urllib.request import urlopen

import pytest

pytestmark = pytest.mark.slow
LONG = 300


def health(address):
    """(status, body) of /healthz; a status that tells of a failure raises."""
    with urlopen(f"{address}/healthz", timeout=LONG) as answer:
        return answer.status, json.load(answer)


def test_the_page_starts_and_its_model_gets_ready(address):
    with urlopen(address, timeout=LONG) as answer:
        assert answer.status == 200
    for _ in range(LONG):
        status, body = health(address)
        assert (status, body["model"]) == (200, "embedded")
        if body["status"] == "ready":
            break
        time.sleep(1)
    assert body["status"] == "ready"
