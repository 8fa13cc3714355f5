"""Data sets that the `datasets` package reads: parquet, image folders, streams; no hub."""

import io
import json
import sys

import pytest
from small_data import ANSWERS, PROMPT, picture

from vtw_core import __main__ as command_line
from vtw_core.errors import InputError
from vtw_core.hub_data import Columns, open_data
from vtw_core.images import load_image


def test_without_the_package_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(InputError, match="pip install datasets"):
        open_data("hf:org/name")


@pytest.fixture(scope="module")
def datasets(tmp_path_factory):
    package = pytest.importorskip(
        "datasets", reason="datasets is not installed (requirements-scale.txt)"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(package.config, "HF_DATASETS_CACHE", tmp_path_factory.mktemp("cache"))
        yield package


def encoded(image, **options):
    out = io.BytesIO()
    image.save(out, "PNG", **options)
    return out.getvalue()


@pytest.fixture(scope="module")
def parquet(datasets, tmp_path_factory):
    """The small data set as the hub keeps such sets: pictures as bytes, VQA's columns."""
    path = tmp_path_factory.mktemp("parquet") / "questions.parquet"
    answers = [[a] if isinstance(a, str) else a or [] for a in ANSWERS]
    features = datasets.Features(
        {"image": datasets.Image(), "question": datasets.Value("string"),
         "answers": datasets.List(datasets.Value("string"))}
    )  # fmt: skip
    rows = {
        "image": [{"bytes": encoded(picture(i)), "path": f"{i}.png"} for i in range(4)],
        "question": [f"{PROMPT} {i}" for i in range(4)],
        "answers": answers,
    }
    datasets.Dataset.from_dict(rows, features).to_parquet(str(path))
    return path


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("step", [1, 2, 3])
def test_rows_are_shared_out_in_their_order(parquet, stream, step):
    data = open_data(str(parquet), stream=stream)
    assert data.total == (None if stream else 4)
    parts = [list(data.part(first, step)) for first in range(step)]
    items = [parts[i % step][i // step] for i in range(4)]
    assert [item.prompt for item in items] == [f"{PROMPT} {i}" for i in range(4)]
    assert [item.accepted for item in items] == [("no",), ("no", "yes"), (), ("no",)]
    assert [item.name for item in items] == ["0.png", "1.png", "2.png", "3.png"]
    for number, item in enumerate(items):
        assert load_image(item.image).tobytes() == picture(number).tobytes()


@pytest.mark.parametrize("more", [[], ["--stream"]])
def test_calibrate_gives_what_it_gives_for_the_files(parquet, tiny_folder, tmp_path, more, capsys):
    lines = []
    for number, answer in enumerate(ANSWERS):
        picture(number).save(tmp_path / f"{number}.png")
        entry = {"image": f"{number}.png", "prompt": f"{PROMPT} {number}"}
        lines.append(json.dumps(entry | ({} if answer is None else {"answer": answer})))
    (tmp_path / "samples.jsonl").write_text("\n".join(lines))
    options = ["calibrate", "--model", str(tiny_folder), "--max-new-tokens", "2", "--json"]
    assert command_line.main([*options, "--data", str(tmp_path)]) == 0
    files = capsys.readouterr().out
    assert command_line.main([*options, "--data", str(parquet), *more]) == 0
    assert capsys.readouterr().out == files


def test_an_image_folder_and_a_folder_of_parquet_are_found_by_hf(datasets, parquet, tmp_path):
    for number in range(2):
        picture(number).save(tmp_path / f"{number}.png")
    (tmp_path / "metadata.jsonl").write_text(
        '{"file_name": "0.png", "ask": "a ?"}\n{"file_name": "1.png", "ask": "b ?"}\n'
    )
    for stream in (False, True):
        data = open_data(f"hf:{tmp_path}", columns=Columns(prompt="ask"), stream=stream)
        assert [(item.name, item.prompt) for item in data.part(0, 1)] == [
            ("0.png", "a ?"), ("1.png", "b ?"),
        ]  # fmt: skip
    assert open_data(f"hf:{parquet.parent}").total == 4


def test_a_hostile_picture_meets_the_same_checks(datasets, tmp_path):
    bomb = encoded(picture(0).resize((6000, 6000)))
    rows = {"image": [bomb, b"no picture", b""], "prompt": ["?"] * 3}
    datasets.Dataset.from_dict(rows).to_parquet(str(tmp_path / "x.parquet"))
    rows = open_data(str(tmp_path / "x.parquet")).part(0, 1)
    with pytest.raises(InputError, match="million pixels"):
        load_image(next(rows).image)
    with pytest.raises(InputError, match="not an image"):
        load_image(next(rows).image)
    with pytest.raises(InputError, match=r"row 2 of .* has no image"):
        next(rows)


def test_columns_and_splits_that_are_missing_are_named(datasets, parquet, tmp_path):
    with pytest.raises(InputError, match="no column 'picture' for the image; the columns are"):
        open_data(str(parquet), columns=Columns(image="picture"))
    datasets.Dataset.from_dict({"text": ["x"]}).to_parquet(str(tmp_path / "train.parquet"))
    with pytest.raises(InputError, match=r"No column is called image; name it with --image-column"):
        open_data(str(tmp_path / "train.parquet"))
    datasets.Dataset.from_dict({"text": ["x"]}).to_parquet(str(tmp_path / "test.parquet"))
    with pytest.raises(InputError, match=r"has the splits train, test; name one"):
        open_data(f"hf:{tmp_path}")
    with pytest.raises(InputError, match="cannot be read"):
        open_data(f"hf:{tmp_path}:nowhere")
    with pytest.raises(InputError, match="cannot be read"):
        open_data(str(tmp_path / "gone.parquet"))


def test_answers_of_several_forms_are_read(datasets, tmp_path):
    forms = {
        "text": ["a", ""],
        "objects": [[{"answer": "a", "id": 1}, {"answer": "", "id": 2}], []],
        "texts": [["a", "b"], None],
    }
    wanted = {"text": ("a",), "objects": ("a",), "texts": ("a", "b")}
    for name, answers in forms.items():
        rows = {"image": [encoded(picture(0))] * 2, "prompt": ["?"] * 2, "answer": answers}
        path = tmp_path / f"{name}.parquet"
        datasets.Dataset.from_dict(rows).to_parquet(str(path))
        first, second = open_data(str(path)).part(0, 1)
        assert first.accepted == wanted[name]
        assert second.accepted == ()
