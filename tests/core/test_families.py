"""Every row of the adapter table passes the same laws, and what is written about it is true."""

import copy
import functools
import io
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import PROMPT
from family_laws import (
    LAWS,
    OTHER_PICTURE,
    PICTURE,
    batch_inputs,
    batch_logits,
    close,
    document_table,
    facts,
    rows_alone,
)
from oracle import attention
from PIL import Image
from tiny_models import FAMILIES, HAND_MADE, random_picture

from vtw_core import (
    InputError,
    ModelError,
    TokenLayout,
    VisualTokenWithdrawal,
    load_model,
    withdraw,
)
from vtw_core.data.calibration import calibrate
from vtw_core.data.dataset import Item
from vtw_core.families.adapters import ADAPTERS
from vtw_core.results.run import RULES

ROOT = Path(__file__).resolve().parents[2]
FACTS = ROOT / "docs" / "families.json"
DOCUMENT = ROOT / "docs" / "models.md"
MARKS = ("<!-- families: begin -->\n", "\n<!-- families: end -->")
# Writes docs/families.json and the table of docs/models.md in place of comparing them.
WRITE = bool(os.environ.get("VTW_WRITE_FACTS"))


def test_every_row_of_the_table_has_a_tiny_model():
    assert set(ADAPTERS) == set(FAMILIES)


@pytest.fixture(scope="module")
def outcome(tiny_models):
    """(family, law) -> None where the law holds, else what it raised; each checked once."""

    @functools.cache
    def check(family, law):
        try:
            LAWS[law](tiny_models(family))
        except Exception as error:
            return error
        return None

    return check


@pytest.fixture(params=sorted(FAMILIES))
def family(request):
    return request.param


@pytest.mark.parametrize("law", LAWS)
def test_the_law_holds(outcome, family, law):
    error = outcome(family, law)
    if error is not None:
        raise error


def test_the_facts_file_says_what_was_checked(outcome, tiny_models):
    found = {
        family: facts(
            family, tiny_models(family), [law for law in LAWS if outcome(family, law) is None]
        )
        for family in sorted(FAMILIES)
    }
    document = {"laws": {name: law.__doc__ for name, law in LAWS.items()}, "families": found}
    if WRITE:
        FACTS.write_text(json.dumps(document, indent=1) + "\n")
    assert json.loads(FACTS.read_text()) == document


def test_the_document_has_the_table_of_the_facts_file():
    table = document_table(json.loads(FACTS.read_text())["families"])
    before, rest = DOCUMENT.read_text().split(MARKS[0])
    written, after = rest.split(MARKS[1])
    if WRITE:
        DOCUMENT.write_text(f"{before}{MARKS[0]}{table}{MARKS[1]}{after}")
    else:
        assert written == table


@pytest.mark.parametrize("name", sorted(HAND_MADE))
def test_a_missing_package_is_named_in_one_sentence(tiny_folders, name):
    with pytest.raises(ModelError, match=r"needs torchvision .*to build its") as caught:
        load_model(str(tiny_folders(name)))
    assert "\n" not in str(caught.value)


def test_deepstack_layers_are_the_least_k_of_qwen3_vl(tiny_models):
    vlm = tiny_models("qwen3_vl")
    inputs = vlm.inputs(PICTURE, PROMPT)
    for k in (0, 1):
        with (
            pytest.raises(InputError, match="K of 2 or more"),
            withdraw(vlm.model, VisualTokenWithdrawal(k), vlm.layout(inputs)),
        ):
            vlm.model(**inputs)


def png_of(picture):
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def test_a_chosen_k_can_always_be_withdrawn_at(tiny_models):
    vlm = tiny_models("qwen3_vl")
    run = vlm.explore(PICTURE, PROMPT, max_new_tokens=2)
    assert run.k_min > 0
    for rule in RULES:
        k = run.choose_k(1000.0, rule=rule)
        assert k >= run.k_min
        assert vlm.generate(PICTURE, PROMPT, VisualTokenWithdrawal(k), 2).answer == run.answers[k]
    assert run.choose_k(1000.0) == run.k_min
    calibration = calibrate(vlm, [Item(png_of(PICTURE), PROMPT)], max_new_tokens=2)
    assert calibration.choose_k(1000.0) == calibration.k_min == run.k_min


def test_capped_logits_are_swept_as_they_are_generated(tiny_models, monkeypatch):
    vlm = tiny_models("paligemma")
    # As in PaliGemma 2, whose decoder is Gemma 2.
    monkeypatch.setattr(vlm.model.config.text_config, "final_logit_softcapping", 3.0, raising=False)
    LAWS["sweep"](vlm)
    assert np.abs(vlm.generate(PICTURE, PROMPT).logits).max() <= 3


def test_a_window_that_the_answer_outgrows_is_refused(tiny_models, monkeypatch):
    vlm = tiny_models("gemma3")
    inputs = vlm.inputs(PICTURE, PROMPT)
    window = inputs["input_ids"].shape[1] + 3
    monkeypatch.setattr(vlm.model.config.text_config, "sliding_window", window)
    with (
        pytest.raises(ModelError, match=f"sliding window of {window} tokens"),
        withdraw(vlm.model, VisualTokenWithdrawal(2), vlm.layout(inputs)),
    ):
        vlm.model.generate(**inputs, do_sample=False, max_new_tokens=8, min_new_tokens=8)


def test_positions_leave_no_state_on_the_model(tiny_models, family):
    vlm = tiny_models(family)
    inputs = vlm.inputs(PICTURE, PROMPT)
    before = getattr(vlm.model.model, "rope_deltas", None)
    positions = vlm.adapter.positions(vlm.model, inputs)
    assert positions.shape[-2:] == (1, inputs["input_ids"].shape[1])
    assert getattr(vlm.model.model, "rope_deltas", None) is before


def test_every_patch_of_every_grid_has_one_token(tiny_models, family):
    vlm = tiny_models(family)
    for images in (PICTURE, [PICTURE, OTHER_PICTURE]):
        layout = vlm.layout(vlm.inputs(images, PROMPT))
        grid, row, col = layout.patches.T
        assert len(layout.patches) == len(layout.visual)
        for index, (rows, cols) in enumerate(layout.grids):
            seen = np.zeros((rows, cols), dtype=int)
            mine = (grid == index) & (row >= 0)
            np.add.at(seen, (row[mine], col[mine]), 1)
            assert (seen == 1).all()
        assert grid.max() == len(layout.grids) - 1


def test_a_patch_is_where_the_picture_changes(tiny_models, family):
    vlm = tiny_models(family)
    model = without_vision_attention(vlm.model)
    grey = Image.new("RGB", (32, 32), (110, 110, 110))
    for down, right in ((0, 1), (1, 0), (1, 1)):
        spotted = grey.copy()
        spotted.paste((255, 0, 0), (right * 16 + 1, down * 16 + 1, right * 16 + 15, down * 16 + 15))
        features = [tokens_of(vlm, model, picture) for picture in (grey, spotted)]
        change = (features[1] - features[0]).norm(dim=1).numpy()
        layout = vlm.layout(vlm.inputs(spotted, PROMPT))
        for index, (rows, cols) in enumerate(layout.grids):
            mine = np.flatnonzero((layout.patches[:, 0] == index) & (layout.patches[:, 1] >= 0))
            _, row, col = layout.patches[mine[change[mine].argmax()]]
            assert (row * 2 // rows, col * 2 // cols) == (down, right)


def without_vision_attention(model):
    """A copy whose patches see only themselves before they become tokens."""
    copied = copy.deepcopy(model)
    found = 0
    for name, weight in copied.named_parameters():
        # What attention adds to a patch, by the names that the vision towers give it.
        if re.search(r"vis(ion|ual).*(out_proj|o_proj|attn\.proj|projection_layer)\.", name):
            weight.zero_()
            found += 1
    assert found
    return copied


def tokens_of(vlm, model, picture):
    """[v, d] the visual tokens' features."""
    with torch.inference_mode():
        found = vlm.adapter.encode_image(model, vlm.inputs(picture, PROMPT)).pooler_output
    found = found if isinstance(found, torch.Tensor) else torch.cat(list(found))
    return found.reshape(-1, found.shape[-1])


class TestBatches:
    """What a batch's layouts say, and what is refused."""

    def test_each_row_has_the_layout_that_it_has_alone(self, tiny_models, family):
        vlm = tiny_models(family)
        images, prompts = [[PICTURE], [OTHER_PICTURE]], ["Describe the picture.", PROMPT]
        inputs = batch_inputs(vlm, images, prompts)
        layouts = TokenLayout.batch_from_inputs(vlm.model, inputs)
        for layout, own, prompt in zip(layouts, images, prompts, strict=True):
            alone = vlm.layout(vlm.inputs(own, prompt))
            pads = layout.padding
            assert layout.total == inputs["input_ids"].shape[1] == alone.total + pads
            assert layout.segments == ("padding",) * pads + alone.segments
            assert np.array_equal(layout.visual, alone.visual + pads)
            assert np.array_equal(layout.text, alone.text + pads)
            assert layout.grids == alone.grids
            assert np.array_equal(layout.patches, alone.patches)

    def test_padding_on_the_right_is_refused(self, vlm, inputs):
        inputs["attention_mask"][0, -1] = 0
        with pytest.raises(InputError, match="on the left"):
            vlm.layout(inputs)

    def test_layouts_of_different_lengths_are_refused(self, vlm, inputs, layout):
        other = vlm.layout(vlm.inputs(PICTURE, "Describe the picture."))
        with (
            pytest.raises(InputError, match="one length"),
            withdraw(vlm.model, VisualTokenWithdrawal(2), [layout, other]),
        ):
            pass

    def test_a_batch_that_the_layouts_do_not_fit_is_refused(self, vlm, inputs, layout):
        with (
            pytest.raises(ModelError, match="one layout per prompt"),
            withdraw(vlm.model, VisualTokenWithdrawal(2), [layout, layout]),
        ):
            vlm.model(**inputs)

    @pytest.mark.parametrize("kind", ["sdpa", "eager"])
    def test_unequal_visual_counts_without_padding_equal_each_prompt_alone(self, tiny_models, kind):
        vlm = tiny_models("qwen2_vl")
        long = vlm.inputs(PICTURE, PROMPT)
        short = vlm.inputs(random_picture(16, 16), PROMPT)
        extra = long["input_ids"].shape[1] - short["input_ids"].shape[1]
        for name, value in (("input_ids", 9), ("attention_mask", 1), ("mm_token_type_ids", 0)):
            tail = torch.full((1, extra), value)
            short[name] = torch.cat([short[name], tail.to(short[name].dtype)], dim=1)
        joined = {name: torch.cat([short[name], long[name]]) for name in long}
        layouts = TokenLayout.batch_from_inputs(vlm.model, joined)
        assert len(layouts[0].visual) != len(layouts[1].visual)
        for k in (0, 2):
            strategy = VisualTokenWithdrawal(k)
            logits, _ = rows_alone(vlm, [short, long], strategy)
            with attention(vlm.model, kind), withdraw(vlm.model, strategy, layouts):
                found = batch_logits(vlm.model, joined)
            for row in range(2):
                close(found[:, row], logits[row])


@pytest.mark.parametrize("size", [(48, 40), (90, 30), (30, 90), (32, 32), (64, 64)])
def test_tiles_have_an_overview_and_a_grid_of_their_own(tiled_vlm, size):
    picture = Image.new("RGB", size, "red")
    layout = tiled_vlm.layout(tiled_vlm.inputs(picture, PROMPT))
    assert layout.grids[0] == (8, 8)
    rows, cols = layout.grids[1]
    # Every row ends with a newline token, which stands for no patch.
    assert len(layout.visual) == 64 + rows * (cols + 1)
    grid, row, _ = layout.patches.T
    assert ((grid == 1) & (row == -1)).sum() == rows
    # The picture's shape survives the tiling, to about one patch either way.
    width, height = size
    assert abs(cols - rows * width / height) <= 2 * max(1, width / height)


def test_a_strip_whose_tiles_are_all_padding_has_the_overview_alone(tiled_vlm):
    layout = tiled_vlm.layout(tiled_vlm.inputs(Image.new("RGB", (200, 7)), PROMPT))
    assert layout.grids == ((8, 8),)
    assert len(layout.visual) == 64


def test_an_empty_list_of_images_is_refused(vlm):
    with pytest.raises(InputError, match="empty"):
        vlm.inputs([], PROMPT)


@pytest.mark.parametrize("name", ["llava", "llava_next"])
def test_exploring_equals_generating(tiny_models, image, name):
    vlm = tiny_models(name)
    run = vlm.explore(image, PROMPT, max_new_tokens=5)
    inputs = vlm.inputs(image, PROMPT)
    layout = vlm.layout(inputs)
    assert run.kl_first_token[-1] == 0
    assert (run.kl_first_token[:-1] > 0).all()
    for k in range(5):
        with withdraw(vlm.model, VisualTokenWithdrawal(k), layout):
            out = vlm.model.generate(**inputs, do_sample=False, max_new_tokens=5)
        assert list(run.answer_ids[k]) == out[0, layout.total :].tolist()
