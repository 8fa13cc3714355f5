"""Where it looks: what the component is told, and that it knows every sentence it says."""

import base64
import json
import re

import numpy as np
import pytest
from inside_runs import SIZES, run_with_inside
from PIL import Image

from app.components import gaze
from app.components.files import files_of, read
from app.inputs.pictures import thumbnail
from app.words import inside as text
from vtw_core.analysis.sinks import where_it_looks, who_reads


@pytest.fixture(scope="module", params=SIZES)
def run(request):
    return run_with_inside(**SIZES[request.param])


def unpacked(packed, *shape):
    return np.frombuffer(base64.b64decode(packed), dtype="<f2").reshape(shape)


def test_the_weights_arrive_as_they_were_recorded(run):
    value = gaze.show_gaze(run, 0, [])
    rows, visual = len(value["tokens"]), len(value["patches"])
    weights = unpacked(value["all"], run.layers, rows, visual)
    for row in (0, rows - 1):
        np.testing.assert_array_equal(weights[:, row], where_it_looks(run.inside, row))
    np.testing.assert_array_equal(weights[:, :, visual - 1], who_reads(run.inside, visual - 1))
    json.dumps(value, allow_nan=False)


def test_a_large_run_sends_one_word_and_one_patch(run, monkeypatch):
    monkeypatch.setattr(gaze, "MOST_NUMBERS", 0)
    value = gaze.show_gaze(run, 0, [], row=0, patch=1)
    assert value["all"] is None
    visual = len(value["patches"])
    np.testing.assert_array_equal(
        unpacked(value["one"], run.layers, visual), where_it_looks(run.inside, 0)
    )
    np.testing.assert_array_equal(
        unpacked(value["readers"], run.layers, len(value["tokens"])), who_reads(run.inside, 1)
    )
    assert gaze.show_gaze(run, 0, [], row=0)["readers"] is None


def test_it_opens_on_the_row_that_says_the_answer_in_the_layer_that_looks_most(run):
    value = gaze.show_gaze(run, 0, [])
    positions = run.inside.attention.query_positions
    assert positions[value["row"]] == run.prompt_tokens - 1
    assert value["layer"] == where_it_looks(run.inside, value["row"]).sum(axis=1).argmax()


def test_words_have_the_colour_and_name_of_their_segment(run):
    for token in gaze.show_gaze(run, 0, [])["tokens"]:
        assert token["piece"]
        assert token["segmentName"] == text.SEGMENTS[token["segment"]]
        assert re.fullmatch(r"#[0-9a-f]{6}", token["color"])


def test_it_says_when_there_is_no_picture_and_when_its_shape_is_another(run):
    assert text.GAZE_NO_PICTURE in gaze.show_gaze(run, 0, [])["definition"]
    shaped = gaze.show_gaze(run, 0, ["data:,"])["definition"]
    assert "stretched" in shaped
    assert "{" not in shaped


def test_a_picture_becomes_a_small_data_url_and_a_lost_one_nothing(tmp_path):
    path = tmp_path / "large.png"
    Image.new("RGB", (2000, 1000), "red").save(path)
    url = thumbnail(str(path))
    assert url.startswith("data:image/webp;base64,")
    assert len(url) < 20_000
    assert thumbnail(str(tmp_path / "gone.png")) is None
    assert thumbnail(None) is None


@pytest.mark.parametrize(
    ("file", "sentences"),
    [("gaze.js", text.GAZE), ("chart.js", text.CHART), ("kbar.js", text.KBAR)],
)
def test_a_script_and_its_sentences_belong_together(file, sentences):
    script = "".join(map(read, files_of(file)))
    asked = set(re.findall(r"\bwords\.(\w+)", script))
    template = read(file.replace(".js", ".html"))
    asked |= set(re.findall(r'data-(?:words|label|title)="(\w+)"', template))
    by_name = re.search(r"for \(const name of \[([^\]]+)\]\) find\(.*words\[name\]", script)
    asked |= set(re.findall(r"'(\w+)'", by_name[1])) if by_name else set()
    assert asked == set(sentences)
