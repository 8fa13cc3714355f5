"""Rows as the field writes them: several images, other keys, numbers, LLaVA's marks and turns."""

import json

import pytest
from small_data import picture, write_small_data

from vtw_core import InputError, read_items
from vtw_core import __main__ as command_line
from vtw_core.data.dataset import LocalData
from vtw_core.data.questions import Item, Skipped, accepted, question
from vtw_core.data.records import key_of

ASKED = "what is it ?"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_small_data(tmp_path_factory.mktemp("rows"))


def read(folder, *rows, prompt=None, name="rows.jsonl"):
    """The items of a JSONL file of rows."""
    (folder / name).write_text("\n".join(map(json.dumps, rows)))
    return read_items(folder / name, prompt)


@pytest.mark.parametrize("key", ["prompt", "question", "text"])
def test_a_question_has_one_of_its_usual_names(folder, key):
    (item,) = read(folder, {"image": "0.png", key: ASKED, "question_id": 3})
    assert (item.prompt, item.accepted) == (ASKED, ())


def test_one_prompt_for_all_counts_more_than_a_caption_and_less_than_a_question(folder):
    rows = [
        {"image": "0.png", "text": "a caption"},
        {"image": "0.png", "question": "own ?", "text": "a caption"},
        {"image": "0.png", "prompt": None},
    ]
    assert [item.prompt for item in read(folder, *rows, prompt=ASKED)] == [ASKED, "own ?", ASKED]


@pytest.mark.parametrize(
    ("written", "texts"),
    [
        ({"answer": "red"}, ("red",)),
        ({"answers": ["red", "dark red"]}, ("red", "dark red")),
        ({"answer": 0}, ("0",)),
        ({"answer": 1}, ("1",)),
        ({"answer": 2.0}, ("2",)),
        ({"answer": 2.5}, ("2.5",)),
        ({"answers": [0, "none"]}, ("0", "none")),
        ({"answers": [{"answer": "a", "answer_id": 1}, {"answer": 3}]}, ("a", "3")),
        ({"answers": {"answer": ["a", "b"], "answer_id": [1, 2]}}, ("a", "b")),
        ({"answer": ["a", "", None]}, ("a",)),
        ({"answer": ""}, ()),
        ({"answer": None}, ()),
        ({"answer": float("nan")}, ()),
        ({"answers": []}, ()),
        ({}, ()),
        ({"answer": None, "answers": ["b"]}, ("b",)),
    ],
)
def test_answers_of_every_form_are_read(folder, written, texts):
    (item,) = read(folder, {"image": "0.png", "prompt": ASKED, **written})
    assert item.accepted == texts


@pytest.mark.parametrize("wrong", [True, False, [["a"]], {"answer": {"text": "a"}}])
def test_what_is_no_answer_is_refused(wrong):
    with pytest.raises(InputError, match=r'^here: "answer"'):
        accepted(wrong, "answer", "here")


@pytest.mark.parametrize(
    "asked", [f"<image>\n{ASKED}", f"{ASKED}\n<image>", f" <image> {ASKED}", ASKED]
)
def test_the_mark_for_the_image_is_no_part_of_the_question(asked):
    assert question(asked, 1, "here") == ASKED


def test_there_is_a_mark_for_each_image_or_none():
    assert question(f"<image>\n<image>\n{ASKED}", 2, "here") == ASKED
    assert question(ASKED, 2, "here") == ASKED
    with pytest.raises(InputError, match=r"here: the prompt has <image> 1 times, .* 2 images"):
        question(f"<image>{ASKED}", 2, "here")
    with pytest.raises(InputError, match="middle of the prompt"):
        question("which of <image> and <image> is red ?", 2, "here")


def test_rows_of_llava_are_read_with_their_first_question_and_answer(folder):
    turns = [
        {"from": "human", "value": f"<image>\n{ASKED}"}, {"from": "gpt", "value": "a ball"},
        {"from": "human", "value": "and after it ?"}, {"from": "gpt", "value": "nothing"},
    ]  # fmt: skip
    chat = [
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": ASKED}]},
        {"role": "assistant", "content": [{"type": "text", "text": "a ball"}]},
    ]
    rows = [
        {"id": "1", "image": "0.png", "conversations": turns},
        {"images": ["0.png"], "messages": chat},
        {"image": "0.png", "conversations": turns, "answer": "mine"},
        {"image": "0.png", "conversations": [{"from": "gpt", "value": "no"}], "question": ASKED},
    ]
    items = read(folder, *rows)
    assert [item.prompt for item in items] == [ASKED] * 4
    assert [item.accepted for item in items] == [("a ball",), ("a ball",), ("mine",), ()]
    # LLaVA's own files are one JSON list.
    (folder / "list.json").write_text(json.dumps(rows, indent=1))
    assert [item.prompt for item in read_items(folder / "list.json")] == [ASKED] * 4
    (folder / "list.json").write_text(json.dumps([rows[0], {"image": "gone.png"}]))
    with pytest.raises(InputError, match=r"^entry 2 of list\.json: there is no image file"):
        read_items(folder / "list.json")


def test_several_images_are_a_list(folder):
    one, two, both = read(
        folder,
        {"image": "0.png", "prompt": ASKED},
        {"image": ["0.png"], "prompt": ASKED},
        {"images": ["0.png", "1.png"], "prompt": ASKED},
    )
    assert one.image == two.image == folder / "0.png"
    assert both.image == (folder / "0.png", folder / "1.png")
    assert both.name == "0.png, 1.png"
    assert key_of(one, []) == key_of(two, [])
    swapped = Item(both.image[::-1], ASKED)
    assert len({key_of(item, []) for item in (one, both, swapped)}) == 3


@pytest.mark.parametrize("command", ["calibrate", "evaluate"])
def test_a_data_set_of_several_images_is_run(vlm, tiny_folder, folder, capsys, tmp_path, command):
    read(folder, {"image": ["0.png", "1.png"], "question": ASKED, "answer": 1})
    options = [command, "--model", str(tiny_folder), "--data", str(folder / "rows.jsonl"),
               "--device", "cpu", "--max-new-tokens", "2", "--json"]  # fmt: skip
    options += ["--method", "vtw --k 2"] if command == "evaluate" else []
    assert command_line.main(options) == 0
    told = json.loads(capsys.readouterr().out)
    run = vlm.explore([picture(0), picture(1)], ASKED, max_new_tokens=2)
    if command == "calibrate":
        (sample,) = told["per_sample"]
        assert sample["visual_tokens"] == 128
        assert sample["answers"] == list(run.answers)
        assert sample["accepted"] == ["1"]
    else:
        assert told["answered"] == 1
        assert told["methods"][0]["visual_tokens"]["value"] == 128


BAD = [
    '{"image": null, "prompt": "p"}',
    '{"image": "0.png", "prompt": ""}',
    '{"image": "gone.png", "prompt": "p"}',
    '{"image": "0.png", "prompt": "p", "answer": true}',
    "not json",
    "[1]",
    '{"image": "bad.png", "prompt": "p"}',
    '{"image": "0.png"}',
    '{"image": "0.png", "prompt": "p", "answer": "\\ud800"}',
    '{"image": ["0.png", 3], "prompt": "p"}',
]


def test_skip_bad_passes_over_every_kind_of_bad_row(tiny_folder, folder, tmp_path, capsys):
    (folder / "bad.png").write_bytes(b"no picture")
    good = ['{"image": "0.png", "prompt": "what ?", "answer": 0}',
            '{"image": "1.png", "prompt": "what ?", "answer": 1}']  # fmt: skip
    (folder / "some.jsonl").write_bytes(
        "\n".join([good[0], *BAD, good[1]]).encode() + b'\n{"image": "0.png", "prompt": "\xff"}\n'
    )
    options = ["calibrate", "--model", str(tiny_folder), "--device", "cpu", "--max-new-tokens", "1",
               "--json", "--data", str(folder / "some.jsonl")]  # fmt: skip
    assert command_line.main([*options, "--out", str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        'vtw_core: line 2 of some.jsonl has no "image"; give the path of an image file.\n'
    )
    assert command_line.main([*options, "--skip-bad"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["answered"] == 2
    told = [line for line in err.splitlines() if line.startswith("vtw_core: skipped")]
    assert [line.split(" of some.jsonl")[0] for line in told[:-1]] == [
        f"vtw_core: skipped line {number}" for number in (*range(2, 12), 13)
    ]
    assert told[-1] == "vtw_core: skipped 11 of 13 rows"


def test_where_every_row_is_bad_the_reasons_are_reported_and_the_run_refused(
    tiny_folder, folder, capsys
):
    (folder / "all.jsonl").write_text("\n".join(BAD))
    options = ["calibrate", "--model", str(tiny_folder), "--device", "cpu", "--skip-bad"]
    assert command_line.main([*options, "--data", str(folder / "all.jsonl")]) == 2
    err = capsys.readouterr().err
    assert "skipped 10 of 10 rows" in err
    assert err.endswith("holds no sample; add images with prompts.\n")


def test_rows_keep_their_places_when_they_are_shared_out(folder):
    good = '{"image": "0.png", "prompt": "?"}'
    rows = [good, "no", good, "[]"]
    (folder / "shared.jsonl").write_text("\n".join(rows))
    data = LocalData.at(folder / "shared.jsonl", skip_bad=True)
    assert data.total == 4
    kinds = [[type(row) for row in data.part(first, 2)] for first in (0, 1)]
    assert kinds == [[Item, Item], [Skipped, Skipped]]


class TestFolderOfPictures:
    @pytest.fixture
    def mixed(self, tmp_path):
        """Pictures, and all that lies beside pictures."""
        picture(0).save(tmp_path / "a.png")
        picture(1).save(tmp_path / "b.JPG")
        (tmp_path / "b.json").write_text('{"prompt": "own ?"}')
        (tmp_path / "._a.png").write_bytes(b"\0\x05\x16\x07")
        for name in (".DS_Store", "Thumbs.db", "desktop.ini", "notes.txt", "x.json", "c.pgm"):
            (tmp_path / name).write_bytes(b"x")
        (tmp_path / "__MACOSX").mkdir()
        (tmp_path / "more.png").mkdir()
        return tmp_path

    def test_pictures_of_every_format_are_read(self, tmp_path):
        from vtw_core.pictures import images

        images._readable()
        for kind in ("heic", "HEIF", "avif", "webp", "jfif", "tif"):
            known = {"jfif": "JPEG", "heic": "HEIF"}.get(kind)
            picture(0).save(tmp_path / f"{kind}.{kind}", format=known)
        items = read_items(tmp_path, ASKED)
        assert sorted(item.image.suffix for item in items) == [
            ".HEIF", ".avif", ".heic", ".jfif", ".tif", ".webp",
        ]  # fmt: skip
        for item in items:
            assert images.load_image(item.image).size == (32, 32)

    def test_what_is_left_out_is_reported_with_its_reason(self, mixed):
        data = LocalData.at(mixed, ASKED)
        assert [(row.name, row.prompt) for row in data.part(0, 1)] == [
            ("a.png", ASKED), ("b.JPG", "own ?"),
        ]  # fmt: skip
        system, name = "hidden, or of the operating system", "no image by its name"
        assert data.left_out == (
            f".DS_Store ({system})", f"._a.png ({system})", f"Thumbs.db ({system})",
            f"__MACOSX ({system})", f"c.pgm ({name})", f"desktop.ini ({system})",
            "more.png (a folder)", f"notes.txt ({name})", f"x.json ({name})",
        )  # fmt: skip
        with pytest.warns(UserWarning, match=r"left out \.DS_Store .*, x\.json \(no image"):
            read_items(mixed, ASKED)

    def test_the_command_says_so_on_stderr(self, mixed, tiny_folder, capsys):
        options = ["--model", str(tiny_folder), "--device", "cpu", "--max-new-tokens", "1"]
        assert command_line.main(
            ["calibrate", *options, "--data", str(mixed), "--prompt", ASKED, "--json"]
        ) == 0  # fmt: skip
        out, err = capsys.readouterr()
        assert [one["image"] for one in json.loads(out)["per_sample"]] == ["a.png", "b.JPG"]
        assert "vtw_core: left out of " in err
        assert "._a.png (hidden" in err

    def test_a_folder_of_nothing_else_says_why_it_holds_no_sample(self, tmp_path):
        (tmp_path / "._a.png").write_bytes(b"x")
        (tmp_path / "b.pgm").write_bytes(b"x")
        with pytest.raises(InputError, match=r"holds no sample.*Left out: \._a\.png .*, b\.pgm"):
            read_items(tmp_path, ASKED)
