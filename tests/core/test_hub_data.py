"""Data sets that the `datasets` package reads: parquet, image folders, streams; no hub."""

import io
import json
import re
import sys

import pytest
from small_data import ANSWERS, PROMPT, picture

from vtw_core import __main__ as command_line
from vtw_core.data.hub_data import Columns, open_data
from vtw_core.errors import InputError
from vtw_core.pictures.images import load_image


def test_without_the_package_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(InputError, match=r"visual-token-withdrawal\[scale\]"):
        open_data("hf:org/name")


@pytest.fixture(scope="module")
def datasets(tmp_path_factory):
    package = pytest.importorskip("datasets", reason="datasets is not installed (extra: scale)")
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
    assert re.match(r"row 2 of .* has no image", next(rows).reason)


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


def test_rows_as_the_field_writes_them_are_read(datasets, tmp_path):
    """Lists of images, numbers as answers, LLaVA's marks and turns, captions."""
    first, second = (encoded(picture(i)) for i in range(2))

    def opened(rows, **options):
        path = tmp_path / "rows.parquet"
        datasets.Dataset.from_dict(rows).to_parquet(str(path))
        return list(open_data(str(path), **options).part(0, 1))

    (item,) = opened({"images": [[first, second]], "question": ["<image><image>\na ?"]})
    assert (item.image, item.prompt) == ((first, second), "a ?")
    answers = opened({"image": [first] * 3, "question": ["?"] * 3, "answer": [0, 1, None]})
    assert [row.accepted for row in answers] == [("0",), ("1",), ()]
    turns = [{"from": "human", "value": "<image>\na ?"}, {"from": "gpt", "value": "b"}]
    (item,) = opened({"image": [first], "conversations": [turns]})
    assert (item.prompt, item.accepted) == ("a ?", ("b",))
    captioned = {"image": [first], "text": ["a ?"]}
    assert opened(captioned)[0].prompt == "a ?"
    assert opened(captioned, prompt="mine ?")[0].prompt == "mine ?"
    assert opened(captioned, prompt="mine ?", columns=Columns(prompt="text"))[0].prompt == "a ?"


@pytest.mark.parametrize("stream", [False, True])
def test_a_column_of_lists_of_pictures_is_never_decoded(datasets, tmp_path, stream):
    path = str(tmp_path / "lists.parquet")
    features = datasets.Features(
        {"images": datasets.List(datasets.Image()), "question": datasets.Value("string")}
    )
    cells = [{"bytes": encoded(picture(i)), "path": f"{i}.png"} for i in range(2)]
    rows = {"images": [cells, cells[:1]], "question": ["?", "?"]}
    datasets.Dataset.from_dict(rows, features).to_parquet(path)
    both, one = open_data(path, stream=stream).part(0, 1)
    assert both.name == "0.png, 1.png"
    assert [load_image(image).tobytes() for image in both.image] == [
        picture(i).tobytes() for i in range(2)
    ]
    assert isinstance(one.image, bytes)


def test_bad_rows_are_passed_over_with_their_numbers(datasets, tiny_folder, tmp_path, capsys):
    good = encoded(picture(0))
    rows = {
        "image": [good, None, b"no picture", good, good, good],
        "question": ["a ?", "a ?", "a ?", "", None, "b ?"],
        "answer": [1, 1, 1, 1, 1, 0],
    }
    path = str(tmp_path / "some.parquet")
    datasets.Dataset.from_dict(rows).to_parquet(path)
    options = ["calibrate", "--model", str(tiny_folder), "--device", "cpu", "--max-new-tokens", "1",
               "--data", path, "--json"]  # fmt: skip
    assert command_line.main(options) == 2
    assert "row 1 of" in capsys.readouterr().err
    for more in ([], ["--stream"]):
        assert command_line.main([*options, "--skip-bad", *more]) == 0
        out, err = capsys.readouterr()
        assert json.loads(out)["answered"] == 2
        told = [line for line in err.splitlines() if line.startswith("vtw_core: skipped")]
        assert [line.split(" of ")[0] for line in told[:-1]] == [
            f"vtw_core: skipped row {number}" for number in (1, 2, 3, 4)
        ]
        assert told[-1] == "vtw_core: skipped 4 of 6 rows"
