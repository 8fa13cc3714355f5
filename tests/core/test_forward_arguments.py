"""The arguments of a pass must be those of the prompt that the layout was measured from."""

import re

import numpy as np
import pytest
import torch
from conftest import PROMPT
from family_laws import OTHER_PICTURE, PICTURE, close, every_k, visual_of
from oracle import attention, greedy_logits, masked
from tiny_families import FAMILIES, KINDS_FIRST

from vtw_core import (
    FastV,
    InputError,
    KeepAll,
    ModelError,
    MustDrop,
    RandomDrop,
    TokenLayout,
    VisualTokenWithdrawal,
    record,
    withdraw,
)

OTHER_PROMPT = "Tell me now: what is left of the red ball?"


def shifted(inputs, layout, by):
    """The inputs with `by` more tokens in front of the image."""
    ids = inputs["input_ids"]
    place = layout.prefix
    more = ids[:, 1:2].repeat(1, by)
    longer = {**inputs, "input_ids": torch.cat([ids[:, :place], more, ids[:, place:]], dim=1)}
    for name, value in inputs.items():
        if name != "input_ids" and value.shape == ids.shape:
            filling = value[:, 1:2].repeat(1, by)
            longer[name] = torch.cat([value[:, :place], filling, value[:, place:]], dim=1)
    return longer


@pytest.mark.parametrize("strategy", [VisualTokenWithdrawal(2), FastV(2, 0.5), KeepAll()], ids=str)
@pytest.mark.parametrize("family", ["llava", "qwen2_vl", "gemma3"])
def test_the_layout_of_a_prompt_with_fewer_tokens_before_the_image_is_refused(
    tiny_models, family, strategy
):
    vlm = tiny_models(family)
    inputs = vlm.inputs(PICTURE, PROMPT)
    layout = vlm.layout(inputs)
    longer = shifted(inputs, layout, 3)
    with (
        pytest.raises(ModelError, match="layout belongs to another prompt"),
        withdraw(vlm.model, strategy, layout),
    ):
        vlm.model.generate(**longer, max_new_tokens=2)
    with (
        pytest.raises(ModelError, match="layout belongs to another prompt"),
        record(vlm.model, layout),
    ):
        vlm.model(**longer)
    # Its own layout is the right one.
    with withdraw(vlm.model, strategy, vlm.layout(longer)):
        vlm.model.generate(**longer, max_new_tokens=2)


@pytest.mark.parametrize("strategy", [VisualTokenWithdrawal(2), FastV(2, 0.5)], ids=str)
def test_the_layout_of_a_prompt_with_another_question_is_refused(vlm, inputs, layout, strategy):
    """FastV would decide from a row in the middle of the longer question."""
    other = vlm.inputs(PICTURE, OTHER_PROMPT)
    assert np.array_equal(vlm.layout(other).visual, layout.visual)
    assert vlm.layout(other).total > layout.total
    with (
        pytest.raises(ModelError, match="layout belongs to another prompt"),
        withdraw(vlm.model, strategy, layout),
    ):
        vlm.model.generate(**other, max_new_tokens=2)


def test_the_layout_of_a_prompt_with_other_padding_is_refused(vlm, inputs):
    padded = dict(inputs)
    ids = inputs["input_ids"]
    padded["input_ids"] = torch.cat([ids.new_full((1, 3), 9), ids], dim=1)
    padded["attention_mask"] = torch.ones_like(padded["input_ids"])
    whole = vlm.layout(padded)
    padded["attention_mask"][:, :3] = 0
    with (
        pytest.raises(ModelError, match="another prompt"),
        withdraw(vlm.model, VisualTokenWithdrawal(2), whole),
    ):
        vlm.model(**padded)


def test_layouts_in_another_order_than_the_batch_are_refused(vlm, inputs, layout):
    other = dict(inputs)
    ids = inputs["input_ids"]
    other["input_ids"] = torch.cat([ids[:, :1], ids[:, -2:], ids[:, 1:-2]], dim=1)
    both = {name: torch.cat([inputs[name], other[name]]) for name in inputs}
    layouts = TokenLayout.batch_from_inputs(vlm.model, both)
    with withdraw(vlm.model, VisualTokenWithdrawal(2), layouts):
        vlm.model.generate(**both, max_new_tokens=2, num_beams=2)
    with (
        pytest.raises(ModelError, match="another prompt"),
        withdraw(vlm.model, VisualTokenWithdrawal(2), layouts[::-1]),
    ):
        vlm.model(**both)


class TestEmbeddingsInPlaceOfIds:
    """Rows are told by the embedding of the image token; where that is gone, by nothing."""

    @pytest.fixture
    def embedded(self, vlm, inputs):
        """inputs -> the same with the text embedded."""

        def embed(inputs):
            rest = {name: value for name, value in inputs.items() if name != "input_ids"}
            return {
                **rest, "inputs_embeds": vlm.model.get_input_embeddings()(inputs["input_ids"])
            }  # fmt: skip

        return embed

    def merged(self, vlm, inputs):
        """The image put in already."""
        seen = []
        handle = vlm.model.get_decoder().register_forward_pre_hook(
            lambda module, args, kwargs: seen.append(kwargs["inputs_embeds"]), with_kwargs=True
        )
        vlm.model(**inputs)
        handle.remove()
        return {"inputs_embeds": seen[0], "attention_mask": inputs["attention_mask"]}

    def test_they_give_what_ids_give(self, vlm, inputs, layout, embedded):
        with withdraw(vlm.model, VisualTokenWithdrawal(2), layout):
            expected = vlm.model(**inputs).logits
            assert torch.equal(vlm.model(**embedded(inputs)).logits, expected)
            assert torch.equal(vlm.model(**self.merged(vlm, inputs)).logits, expected)

    def test_those_of_another_prompt_are_refused(self, vlm, inputs, layout, embedded):
        with (
            pytest.raises(ModelError, match="another prompt"),
            withdraw(vlm.model, VisualTokenWithdrawal(2), layout),
        ):
            vlm.model(**embedded(shifted(inputs, layout, 3)))

    def test_surplus_rows_that_nothing_stands_for_are_refused(self, vlm, inputs, layout):
        longer = self.merged(vlm, shifted(inputs, layout, 3))
        with (
            pytest.raises(ModelError, match=r"has 89 rows, the layout 86, and no input_ids"),
            withdraw(vlm.model, VisualTokenWithdrawal(2), layout),
        ):
            vlm.model(**longer)


class TestVideos:
    """Only images are withdrawn, and nobody is left in the belief that a video was."""

    def with_video(self, vlm, inputs):
        video = torch.full_like(inputs["input_ids"][:, :4], vlm.model.config.video_token_id)
        ids = torch.cat([inputs["input_ids"][:, :-1], video, inputs["input_ids"][:, -1:]], dim=1)
        return {**inputs, "input_ids": ids, "attention_mask": torch.ones_like(ids)}

    @pytest.mark.parametrize(
        "family", ["llava_onevision", "qwen2_vl", "qwen2_5_vl", "qwen3_vl", "glm4v"]
    )
    def test_a_video_beside_an_image_is_refused(self, tiny_models, family):
        vlm = tiny_models(family)
        inputs = vlm.inputs(PICTURE, PROMPT)
        with pytest.raises(ModelError, match="a video in the prompt"):
            vlm.layout(self.with_video(vlm, inputs))

    def test_a_video_that_the_layout_does_not_know_of_is_refused(self, tiny_models):
        vlm = tiny_models("qwen2_vl")
        inputs = dict(vlm.inputs(PICTURE, PROMPT))
        frames = int(inputs["image_grid_thw"].prod()) // 4
        both = shifted(inputs, vlm.layout(inputs), frames)
        layout = vlm.layout(both)
        prefix = layout.prefix
        both["input_ids"][:, prefix - frames : prefix] = vlm.model.config.video_token_id
        both["mm_token_type_ids"][:, prefix - frames : prefix] = 2
        both["pixel_values_videos"] = both["pixel_values"]
        both["video_grid_thw"] = both["image_grid_thw"]
        vlm.model(**both)
        with (
            pytest.raises(ModelError, match="another prompt"),
            withdraw(vlm.model, VisualTokenWithdrawal(2), layout),
        ):
            vlm.model(**both)

    @pytest.mark.parametrize("family", ["glm4v", "qwen2_vl"])
    def test_a_video_alone_is_refused(self, tiny_models, family):
        """GLM-4V writes a video's frames with the image token."""
        vlm = tiny_models(family)
        inputs = dict(vlm.inputs(PICTURE, PROMPT))
        inputs["pixel_values_videos"] = inputs.pop("pixel_values")
        inputs["video_grid_thw"] = inputs.pop("image_grid_thw")
        with pytest.raises(ModelError, match="a video in the prompt"):
            vlm.layout(inputs)


@pytest.mark.parametrize(
    ("family", "name"),
    [("llava", "pixel_values"), ("llava_next", "image_sizes"), ("qwen2_vl", "image_grid_thw")],
)
def test_inputs_without_what_the_layout_is_measured_from_are_reported(tiny_models, family, name):
    vlm = tiny_models(family)
    inputs = dict(vlm.inputs(PICTURE, PROMPT))
    del inputs[name]
    with pytest.raises(ModelError, match=f"image tokens and no {name}; take all of them"):
        vlm.layout(inputs)


class TestAPromptThatEndsWithTheImage:
    """The last row says the first word of the answer: it is the image's, and cannot leave."""

    @pytest.fixture(params=["llava", "qwen2_vl", "internvl"])
    def asked(self, request, tiny_models):
        vlm = tiny_models(request.param)
        inputs = dict(vlm.inputs(PICTURE, PROMPT))
        end = int(vlm.layout(inputs).visual[-1]) + 1
        for name in ("input_ids", "attention_mask", "mm_token_type_ids"):
            if name in inputs:
                inputs[name] = inputs[name][:, :end]
        return vlm, inputs, vlm.layout(inputs)

    @pytest.mark.parametrize(
        "strategy",
        [
            VisualTokenWithdrawal(0), VisualTokenWithdrawal(3), VisualTokenWithdrawal(2, "repack"),
            FastV(2, 0.5), MustDrop(0.01, 0.01, vision=None), RandomDrop((4, 4, 0, 0)),
        ],
        ids=str,
    )  # fmt: skip
    def test_every_strategy_refuses_it(self, asked, strategy):
        vlm, inputs, layout = asked
        with (
            pytest.raises(InputError, match=r"ends with the image.*put the question after"),
            withdraw(vlm.model, strategy, layout),
        ):
            vlm.model.generate(**inputs, max_new_tokens=2)

    def test_where_nothing_leaves_it_is_the_baseline(self, asked):
        vlm, inputs, layout = asked
        plain, _ = greedy_logits(vlm.model, inputs, 2)
        for strategy in (KeepAll(), VisualTokenWithdrawal(vlm.layers)):
            with withdraw(vlm.model, strategy, layout):
                assert torch.equal(greedy_logits(vlm.model, inputs, 2)[0], plain)

    def test_it_is_recorded(self, asked):
        vlm, inputs, layout = asked
        with record(vlm.model, layout) as recorder:
            greedy_logits(vlm.model, inputs, 2)
        assert recorder.mass.shape[2] == len(layout.text) + 2
        assert np.abs(recorder.mass.sum(-1) - 1).max() <= 1e-5
        assert np.array_equal(recorder.query_positions[-2:], layout.total + np.arange(2))

    def test_exploring_refuses_it(self, vlm, image, monkeypatch):
        from vtw_core import model as vlm_module

        whole = vlm.inputs
        end = int(vlm.layout(whole(image, PROMPT)).visual[-1]) + 1

        def cut(self, image, prompt):
            inputs = whole(image, prompt)
            for name in ("input_ids", "attention_mask"):
                inputs[name] = inputs[name][:, :end]
            return inputs

        monkeypatch.setattr(vlm_module.VisionLanguageModel, "inputs", cut)
        for inside in (False, True):
            with pytest.raises(InputError, match="ends with the image"):
                vlm.explore(image, PROMPT, max_new_tokens=2, inside=inside)


class TestArgumentsThatCountTheRows:
    """Rows that have left have no logits."""

    @pytest.mark.parametrize("name", ["labels", "logits_to_keep"])
    def test_a_tensor_that_counts_them_is_refused(self, vlm, inputs, layout, name):
        value = {"labels": inputs["input_ids"], "logits_to_keep": torch.tensor([3, -1])}[name]
        asked = {**inputs, name: value}
        plain = vlm.model(**asked)
        with (
            pytest.raises(InputError, match=f"{name} counts every token"),
            withdraw(vlm.model, VisualTokenWithdrawal(2), layout),
        ):
            vlm.model(**asked)
        with withdraw(vlm.model, KeepAll(), layout):
            assert torch.equal(vlm.model(**asked).logits, plain.logits)

    def test_labels_by_place_are_seen_too(self, vlm, inputs, layout):
        ids, pixels, mask = (inputs[n] for n in ("input_ids", "pixel_values", "attention_mask"))
        by_place = (ids, pixels, mask, None, None, None, None, None, ids)
        assert vlm.model(*by_place).loss is not None
        with (
            pytest.raises(InputError, match="labels counts every token"),
            withdraw(vlm.model, VisualTokenWithdrawal(2), layout),
        ):
            vlm.model(*by_place)

    def test_it_is_not_held_against_the_next_pass(self, vlm, inputs, layout):
        with withdraw(vlm.model, VisualTokenWithdrawal(2), layout):
            with pytest.raises(InputError):
                vlm.model(**inputs, labels=inputs["input_ids"])
            assert vlm.model(**inputs, logits_to_keep=2).logits.shape[1] == 2
            vlm.model.generate(**inputs, max_new_tokens=2)


@pytest.mark.parametrize("family", KINDS_FIRST)
def test_a_text_only_row_of_a_batch_is_untouched(tiny_models, family):
    vlm = tiny_models(family)
    withimage = vlm.inputs([PICTURE, OTHER_PICTURE], PROMPT)
    layout = vlm.layout(withimage)
    ids = withimage["input_ids"]
    text_ids = torch.unique(ids[0, layout.text])
    # Ordinary words alone: marks of an image would say that there is one.
    plain = text_ids[text_ids >= 3 + len(FAMILIES[family].specials)]
    pads = 5
    row = torch.cat([ids.new_zeros(pads), plain.repeat(40)[: ids.shape[1] - pads]])[None]
    both = {**withimage, "input_ids": torch.cat([row, ids])}
    both["attention_mask"] = torch.ones_like(both["input_ids"])
    both["attention_mask"][0, :pads] = 0
    for name in ("token_type_ids", "mm_token_type_ids"):
        if name in both:
            both[name] = torch.cat([torch.zeros_like(both[name]), both[name]])
    layouts = TokenLayout.batch_from_inputs(vlm.model, both)
    assert [len(one.visual) for one in layouts] == [0, len(layout.visual)]
    assert layouts[0].padding == pads
    assert layouts[0].grids == ()
    options = {
        "do_sample": False, "max_new_tokens": 4, "min_new_tokens": 4, "output_logits": True,
        "return_dict_in_generate": True,
    }  # fmt: skip
    whole = torch.stack(vlm.model.generate(**both, **options).logits)
    for k in (every_k(vlm)[0], 3):
        with attention(vlm.model, "eager"), masked(vlm.model, visual_of(layout), k):
            expected, _ = greedy_logits(vlm.model, withimage, 3)
        with withdraw(vlm.model, VisualTokenWithdrawal(k), layouts) as withdrawal:
            found = torch.stack(vlm.model.generate(**both, **options).logits)
        close(found[:, 0], whole[:, 0])
        close(found[:, 1], expected)
        assert len(withdrawal.kept[-1][0]) == layout.total - pads
    with withdraw(vlm.model, FastV(3, 0.5), layouts):
        found = torch.stack(vlm.model.generate(**both, **options).logits)
    close(found[:, 0], whole[:, 0])


def test_a_batch_of_text_alone_is_refused(vlm, inputs, layout):
    text = inputs["input_ids"][:, layout.text.copy()]
    with pytest.raises(ModelError, match=re.escape("There is no visual token in the prompt")):
        TokenLayout.batch_from_inputs(vlm.model, {"input_ids": text})
