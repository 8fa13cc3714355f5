"""The 135 M model: its world, how it is packed, and that the shipped one is what its card says."""

import gzip
import json
import random

import numpy as np
import pytest
import torch
from safetensors.torch import save, save_file
from tokenizers import Tokenizer
from transformers import LlamaConfig, LlamaForCausalLM, LlamaModel

from embedded_model.smollm2 import export, things
from embedded_model.smollm2.bank import STICKER_SIDE, held_out_bank, palette_bank
from embedded_model.smollm2.conversation import IGNORED, LENGTH, Packer
from embedded_model.smollm2.decoder import LayeredDecoder, visibility
from embedded_model.smollm2.families import NAMES
from embedded_model.smollm2.low_rank import add_low_rank, additions
from embedded_model.smollm2.questions import ALL_KINDS, TAUGHT, UNTAUGHT, ask, ask_many
from embedded_model.smollm2.render import GRID, PATCH, Painter
from embedded_model.smollm2.scenes import Scene, Thing, placements, random_scene
from vtw_core import load_model
from vtw_core.__main__ import main
from vtw_core.analysis.sinks import sink_verdict
from vtw_core.errors import ModelError
from vtw_core.loading.packed import FILES, is_packed, unpacked

WHITE = (255.0,) * 6 + (0.0, 0.5)


@pytest.fixture(scope="module")
def bank():
    return palette_bank()


@pytest.fixture(scope="module")
def packer():
    return Packer(Tokenizer.from_file(str(export.FOLDER / "tokenizer.json")))


def thing(name, cell, color=None, *, is_large=True, bank=None):
    row = bank.random_row(random.Random(0), name, color) if bank else 0
    return Thing(
        name, color, cell, is_large, row, 28 + 56 * (cell % 3), 28 + 56 * (cell // 3),
        50 if is_large else 28, 0.0, False,
    )  # fmt: skip


# ------------------------------------------------------------ the world


def test_stickers_and_knowledge_speak_of_the_same_things():
    assert set(things.STICKERS) == set(NAMES)
    for fact, answers in things.FACTS.items():
        assert set(answers) <= set(things.STICKERS), fact
    for fact, name in things.NEVER_TAUGHT:
        assert name in things.FACTS[fact]


def test_every_kind_of_question_has_the_right_answer():
    scene = Scene((thing("dog", 0), thing("circle", 4, "red", is_large=False)), WHITE)
    right = {
        "count": {"two"},
        "color": {"red"},
        "shape": {"circle"},
        "which": {"dog"},
        "where": {"top left", "center"},
        "what": {"dog", "red circle"},
        "describe": {"A dog at the top left and a red circle at the center."},
    }
    for kind, answers in right.items():
        given = {
            question.answer
            for seed in range(60)
            if (question := ask(scene, kind, random.Random(seed))) is not None
        }
        assert given == answers, kind


def test_negated_questions_are_answered_by_what_is_true():
    scene = Scene((thing("dog", 0),), WHITE)
    for seed in range(300):
        question = ask(scene, "presence", random.Random(seed))
        if question.text.lower().startswith("is there no dog"):
            assert question.answer == "no"
            return
    pytest.fail("the question was never asked")


def test_facts_that_are_never_taught_are_not_asked_in_training(bank):
    rng = random.Random(5)
    for _ in range(200):
        scene = random_scene(rng, bank)
        assert all(q.kind != "two-step, never taught" for q in ask_many(scene, rng, 11))


@pytest.mark.parametrize("words", [TAUGHT, UNTAUGHT], ids=["taught", "untaught"])
def test_every_wording_can_be_filled(bank, words):
    rng = random.Random(2)
    for _ in range(150):
        scene = random_scene(rng, bank)
        for kind in ALL_KINDS:
            question = ask(scene, kind, rng, words)
            assert question is None or not {"{", "}"} & set(question.text)


def test_no_wording_is_both_taught_and_untaught():
    for kind, wordings in TAUGHT.items():
        assert not {w.lower().rstrip("?.") for w in wordings} & {
            w.lower().rstrip("?.") for w in UNTAUGHT[kind]
        }


def test_a_thing_is_painted_on_its_cell_and_owns_the_patches_there(bank):
    scene = Scene((thing("circle", 5, "red", bank=bank),), WHITE)
    picture, owner = Painter(bank, "cpu").paint(
        placements(scene)[None], np.array([scene.background], np.float32), disturbed=False
    )
    middle = picture[0, :, 84, 140]
    assert middle[0] > 0.7
    assert middle[1:].max() < 0.4
    assert picture[0, :, 20, 20].min() > 0.95
    owned = owner[0].view(GRID, GRID)
    assert owned[84 // PATCH, 140 // PATCH] == 1
    assert not owned[:, : 56 // PATCH].any()


def test_held_out_styles_share_no_sticker_with_the_palette(bank):
    for style in ("twemoji", "doodle"):
        held_out = held_out_bank(style)
        names = {name for name, color in held_out.kinds if color is None}
        assert len(names) >= 60
        stickers = {
            sprite.tobytes()
            for sprite, (_, color) in zip(bank.sprites, bank.kinds, strict=True)
            if color is None
        }
        assert not stickers & {sprite.tobytes() for sprite in held_out.sprites}
        assert held_out.sprites.shape[1:] == (STICKER_SIDE, STICKER_SIDE, 4)
    with pytest.raises(ValueError, match="choose one of"):
        held_out_bank("oil")


# ------------------------------------------------------------ training


def test_a_question_is_computed_as_if_it_were_asked_alone(bank, packer):
    """Packed beside others: same states as in a sequence of its own."""
    rng = random.Random(3)
    questions = ask_many(random_scene(rng, bank), rng, 4)
    torch.manual_seed(0)
    config = LlamaConfig(
        hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2,
        vocab_size=49152,
    )  # fmt: skip
    decoder = LayeredDecoder(LlamaModel(config).eval())

    def states(asked):
        packed = packer.pack(asked)
        ids, positions, block = (
            torch.from_numpy(getattr(packed, name))[None] for name in ("ids", "positions", "block")
        )
        with torch.no_grad():
            last = decoder.run(decoder.embed(ids), visibility(block), positions)[-1]
        return last[0][(block[0] == len(asked)).numpy()]

    torch.testing.assert_close(states(questions), states(questions[-1:] * 1)[:], atol=1e-5, rtol=0)


def test_labels_stand_one_before_the_tokens_of_the_answer(bank, packer):
    scene = Scene((thing("cow", 0),), WHITE)
    question = ask(scene, "two-step", random.Random(1))
    packed = packer.pack([question])
    labelled = packed.labels[packed.labels != IGNORED].tolist()
    assert labelled == [*packer.encode(question.answer), packer.end]
    first = packed.first_read[packed.first_read != IGNORED].tolist()
    assert first == [packer.encode("cow")[0]]
    assert len(packed.ids) == LENGTH


def test_additions_start_as_nothing_and_leave_the_base_as_it_is():
    torch.manual_seed(0)
    config = LlamaConfig(
        hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=2,
        vocab_size=50,
    )  # fmt: skip
    model = LlamaForCausalLM(config).eval()
    ids = torch.arange(10)[None]
    before = model(ids).logits
    base = model.model.layers[0].mlp.up_proj.weight.clone()
    add_low_rank(model, [4, 0, 2])
    assert torch.equal(model(ids).logits, before)
    assert {name.split(".")[1] for name, _ in additions(model)} == {"0", "2"}
    up = model.model.layers[0].mlp.up_proj
    up.parametrizations.weight[0].up.data.fill_(1.0)
    assert torch.equal(up.parametrizations.weight.original, base)
    assert not torch.equal(up.weight, base)


# ------------------------------------------------------------ packing


def _packed(folder, tensors):
    for index, file in enumerate(FILES):
        part = tensors if index == 0 else {}
        if file.endswith(".gz"):
            (folder / file).write_bytes(gzip.compress(save(part)))
        else:
            save_file(part, folder / file)


def test_four_bit_blocks_are_unpacked_as_ggufs_own_formula_says(tmp_path):
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 16, (3, 64), np.uint8)
    blocks = codes.reshape(3, 2, 2, 16)
    scales = rng.normal(size=(2, 3, 2)).astype(np.float16)
    expected = codes.reshape(3, 2, 32) * scales[0, ..., None].astype(np.float32)
    expected = (expected + scales[1, ..., None].astype(np.float32)).reshape(3, 64)
    stored = (blocks[:, :, 0] | (blocks[:, :, 1] << 4)).reshape(3, 32)
    _packed(
        tmp_path,
        {"m.codes": torch.from_numpy(stored), "m.scales": export._bytes_of(scales)},
    )
    ((name, weight),) = unpacked(tmp_path)
    assert name == "m"
    np.testing.assert_array_equal(weight.numpy(), expected)


def test_eight_bits_keep_a_weight_to_within_half_a_step(tmp_path):
    weight = torch.randn(8, 64, generator=torch.Generator().manual_seed(0))
    _packed(tmp_path, export.in_eight_bits("w", weight))
    ((_, again),) = unpacked(tmp_path)
    step = weight.view(-1, 32).abs().amax(1, keepdim=True) / 127
    assert ((again - weight).view(-1, 32).abs() <= 0.51 * step + 1e-4).all()


def test_what_was_trained_is_added_to_the_base(tmp_path):
    rng = torch.Generator().manual_seed(1)
    base, up, down = (torch.randn(*size, generator=rng) for size in ((64, 32), (4, 64), (4, 32)))
    parts = {"w": base}
    parts |= export.in_eight_bits("w.up", up) | export.in_eight_bits("w.down", down)
    _packed(tmp_path, parts)
    ((name, weight),) = unpacked(tmp_path)
    assert name == "w"
    torch.testing.assert_close(weight, base + 2 * up.T @ down, atol=0.15, rtol=0.05)


def test_a_missing_or_damaged_file_is_named(tmp_path):
    _packed(tmp_path, {"w": torch.ones(2)})
    assert is_packed(tmp_path)
    (tmp_path / FILES[3]).write_bytes(b"\x1f\x8bno")
    with pytest.raises(ModelError, match=f"{FILES[3]}.*damaged"):
        list(unpacked(tmp_path))
    (tmp_path / FILES[3]).unlink()
    with pytest.raises(ModelError, match=f"lack {FILES[3]}"):
        list(unpacked(tmp_path))


# ------------------------------------------------------------ the shipped model


def test_the_shipped_files_are_small_enough():
    sizes = [file.stat().st_size for file in export.FOLDER.iterdir()]
    assert max(sizes) < 50_000_000
    assert sum(sizes) < 110_000_000


def test_the_template_uses_the_decoders_own_system_prompt_without_a_picture(packer):
    processor = export.build_processor(packer._tokenizer)
    told = [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]
    seen = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Hi"}]}]
    assert "SmolLM" in processor.apply_chat_template(told, add_generation_prompt=True)
    written = processor.apply_chat_template(seen, add_generation_prompt=True)
    assert written == packer._tokenizer.decode(packer.head, skip_special_tokens=False) + (
        "<image>\nHi<|im_end|>\n<|im_start|>assistant\n"
    )


def test_export_writes_what_transformers_alone_can_load(tmp_path, capsys):
    from transformers import AutoModelForImageTextToText

    folder = tmp_path / "checkpoint"
    assert main(["export", "embedded", "--to", str(folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["bytes"] == sum(file.stat().st_size for file in folder.iterdir())
    again = AutoModelForImageTextToText.from_pretrained(folder)
    own = load_model("embedded").model.state_dict()
    assert all(torch.equal(value, own[key]) for key, value in again.state_dict().items())
    assert main(["export", "embedded", "--to", str(folder)]) == 2
    assert "is not empty" in capsys.readouterr().err


@pytest.mark.slow
def test_the_shipped_model_answers_and_shows_the_sink(bank):
    from PIL import Image

    vlm = load_model("smollm2")
    scene = Scene((thing("dog", 0, bank=bank), thing("circle", 8, "red", bank=bank)), WHITE)
    picture, _ = Painter(bank, "cpu").paint(
        placements(scene)[None], np.array([scene.background], np.float32), disturbed=False
    )
    pixels = (picture[0].permute(1, 2, 0).numpy() * 255).astype(np.uint8)
    run = vlm.explore(Image.fromarray(pixels), "What is at the top left?", inside=True)
    assert run.answers[-1] == "dog"
    assert run.answers[15] == "dog"
    assert run.answers[0] != "dog"
    verdict = sink_verdict(run)
    assert verdict.has_sink
    assert verdict.shares["bos"] > 0.35
    assert verdict.shares["visual"] < 0.15
