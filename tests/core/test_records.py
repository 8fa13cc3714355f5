"""Records of a data set: the same to the last byte after any interruption, on any number of
processes, one after another or at once."""

import json
import pickle
import random
from dataclasses import dataclass

import pytest

from vtw_core.data.dataset import Item
from vtw_core.data.records import InMemory, Part, Records, finish, key_of
from vtw_core.data.shards import Shards
from vtw_core.errors import InputError
from vtw_core.files.serialization import deserialize, to_json

ITEMS = [Item(b"picture %d" % i, f"what is {i} ?", (str(i),), called=f"{i}.png") for i in range(11)]


@dataclass(frozen=True)
class Length:
    """A record: how long the prompt is, and a number that no float may lose."""

    prompt: str
    share: float

    @classmethod
    def from_json(cls, data):
        return deserialize(cls, data)


class Killed(BaseException):
    """Not an Exception, like a kill."""


def make(item):
    return Length(item.prompt, len(item.prompt) / 7)


def run(folder, rank=0, size=1, items=ITEMS, dies_behind=None, monkeypatch=None):
    """One process; returns its part and how many records it made."""
    if monkeypatch is not None:
        monkeypatch.setenv("RANK", str(rank))
    made = []

    def counting(item):
        if len(made) == dies_behind:
            raise Killed
        made.append(item)
        return make(item)

    store = Shards(folder, Length.from_json)
    entries = ()
    steps = finish(items[rank::size], store, ["setting"], counting)
    try:
        while True:
            next(steps)
    except StopIteration as end:
        entries = end.value
    except Killed:
        pass
    return Part(entries, store), len(made)


def told(parts):
    """Everything, as text."""
    return [(e.name, e.accepted, json.dumps(to_json(r))) for e, r in Records(parts)]


EXPECTED = [(i.name, i.accepted, json.dumps(to_json(make(i)))) for i in ITEMS]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 20])
def test_any_number_of_processes_gives_the_same(tmp_path, size):
    assert told([run(tmp_path, rank, size)[0] for rank in range(size)]) == EXPECTED


def test_a_kill_at_any_byte_loses_one_record_at_most(tmp_path):
    run(tmp_path / "whole", items=ITEMS[:3])
    (shard,) = (tmp_path / "whole").iterdir()
    written = shard.read_bytes()
    for cut in range(len(written) + 1):
        folder = tmp_path / str(cut)
        folder.mkdir()
        (folder / shard.name).write_bytes(written[:cut])
        part, made = run(folder, items=ITEMS[:3])
        assert told([part]) == EXPECTED[:3]
        assert made == 3 - written[:cut].count(b"\n")


@pytest.mark.parametrize("seed", range(20))
def test_any_history_of_kills_and_of_numbers_of_processes_ends_in_the_same(
    tmp_path, monkeypatch, seed
):
    rng = random.Random(seed)
    for _ in range(rng.randrange(6)):
        size = rng.randint(1, 4)
        for rank in range(size):
            run(tmp_path, rank, size, dies_behind=rng.randrange(5), monkeypatch=monkeypatch)
        torn = rng.choice([None, *tmp_path.iterdir()])
        if torn is not None:
            torn.write_bytes(torn.read_bytes()[: -rng.randint(1, 150)])
    size = rng.randint(1, 4)
    parts = [run(tmp_path, rank, size, monkeypatch=monkeypatch)[0] for rank in range(size)]
    assert told(parts) == EXPECTED
    assert run(tmp_path)[1] == 0


def test_processes_at_once_append_to_files_of_their_own(tmp_path):
    stores = [Shards(tmp_path, Length.from_json) for _ in range(3)]
    for number, item in enumerate(ITEMS):
        stores[number % 3].put(key_of(item, []), make(item))
    assert len(list(tmp_path.iterdir())) == 3
    assert stores[1].get(key_of(ITEMS[0], [])) is None  # not seen before they are joined
    store = stores[1].joined(stores)
    assert all(store.get(key_of(item, [])) == make(item) for item in ITEMS)


def test_a_store_without_anything_to_say_makes_no_file(tmp_path):
    store = Shards(tmp_path / "new", Length.from_json)
    assert store.get(key_of(ITEMS[0], [])) is None
    assert not list((tmp_path / "new").iterdir())


def test_a_part_is_sent_without_what_is_on_disk(tmp_path):
    part, _ = run(tmp_path)
    small, _ = run(tmp_path / "other", items=ITEMS[:1])
    assert len(pickle.dumps(part.store)) - len(pickle.dumps(small.store)) < 50
    assert told([pickle.loads(pickle.dumps(part)), Part((), part.store)]) != []


def test_processes_without_a_folder_bring_their_records(tmp_path):
    parts = []
    for rank in range(3):
        store = InMemory()
        steps = finish(ITEMS[rank::3], store, [], make)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                parts.append(pickle.loads(pickle.dumps(Part(end.value, store))))
                break
    assert told(parts) == EXPECTED


def test_the_same_question_twice_is_made_once_and_keeps_both_names_and_answers(tmp_path):
    twice = [ITEMS[0], Item(ITEMS[0].image, ITEMS[0].prompt, ("other",), called="copy.png")]
    part, made = run(tmp_path, items=twice)
    assert made == 1
    assert [entry[:2] for entry in told([part])] == [("0.png", ("0",)), ("copy.png", ("other",))]


def test_a_shard_that_another_machine_kept_for_itself_is_reported(tmp_path):
    here, there = run(tmp_path / "here", 0, 2)[0], run(tmp_path / "there", 1, 2)[0]
    with pytest.raises(InputError, match=r"record of 1\.png is not in .*here: give --out a folder"):
        told([here, there])


def test_a_folder_that_cannot_be_written_is_reported(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="cannot be made a folder"):
        Shards(tmp_path / "file", Length.from_json)


def test_an_error_names_its_item(tmp_path):
    def refuse(item):
        raise InputError("too long.")

    with pytest.raises(InputError, match=r"^line 7: too long\.$"):
        list(finish([Item(b"x", "?", (), "line 7")], InMemory(), [], refuse))
    with pytest.raises(InputError, match=r"^line 8: its image file cannot be read"):
        list(finish([Item(tmp_path / "gone.png", "?", (), "line 8")], InMemory(), [], make))


@pytest.mark.parametrize("size", [1, 2, 3])
def test_what_is_skipped_leaves_the_others_their_places(tmp_path, size):
    def picky(item):
        if item.accepted[0] in "259":
            raise InputError("no good.")
        return make(item)

    parts = []
    for rank in range(size):
        store = Shards(tmp_path, Length.from_json)
        steps = finish(ITEMS[rank::size], store, [], picky, skip_bad=True)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                parts.append(Part(end.value, store))
                break
    assert told(parts) == [one for one in EXPECTED if one[1][0] not in "259"]
    assert Records(parts).skipped == [f"{i}.png: no good." for i in (2, 5, 9)]


def test_no_byte_of_a_shard_can_change_without_being_noticed(tmp_path):
    run(tmp_path, items=ITEMS[:3])
    (shard,) = tmp_path.iterdir()
    written = shard.read_bytes()
    keys = [key_of(item, ["setting"]) for item in ITEMS[:3]]
    for place in range(len(written)):
        for bit in (1, 8, 32):
            changed = bytearray(written)
            changed[place] ^= bit
            shard.write_bytes(changed)
            store = Shards(tmp_path, Length.from_json)
            found = [store.get(key) for key in keys]
            right = [make(item) for item in ITEMS[:3]]
            assert all(one in (None, good) for one, good in zip(found, right, strict=True))
            assert None in found
            # The last line's end is all that a kill would have torn off, too.
            assert store.notes or place == len(written) - 1
    shard.write_bytes(written)
    assert Shards(tmp_path, Length.from_json).notes == ()


def test_a_byte_that_changes_after_the_first_look_is_noticed(tmp_path):
    run(tmp_path, items=ITEMS[:1])
    (shard,) = tmp_path.iterdir()
    store, key = Shards(tmp_path, Length.from_json), key_of(ITEMS[0], ["setting"])
    assert store.get(key) == make(ITEMS[0])
    shard.write_bytes(shard.read_bytes().replace(b"what is 0", b"what is 8"))
    assert store.get(key) is None


def old_line(item):
    """A record as it was written before lines had a digest."""
    return json.dumps({"key": key_of(item, ["setting"]), "record": to_json(make(item))}) + "\n"


def test_records_of_earlier_versions_are_read_and_reported(tmp_path):
    (tmp_path / "00000-0.jsonl").write_text("".join(map(old_line, ITEMS[:4])))
    part, made = run(tmp_path)
    assert (told([part]), made) == (EXPECTED, len(ITEMS) - 4)
    (note,) = Records([part]).notes
    assert note.startswith(f"Records without a checksum in {tmp_path}, by an earlier version: 4;")


def test_damaged_lines_are_reported(tmp_path):
    run(tmp_path)
    (shard,) = tmp_path.iterdir()
    shard.write_bytes(shard.read_bytes().replace(b"what is 1 ", b"what is 2 "))
    part, made = run(tmp_path)
    assert (told([part]), made) == (EXPECTED, 1)
    assert Records([part]).notes[0].startswith(f"Damaged lines in {tmp_path}: 1;")
