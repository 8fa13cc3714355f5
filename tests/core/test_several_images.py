"""Several images in one prompt: where each is, and everything that takes one takes several."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from conftest import PROMPT
from tiny_models import FAMILIES, random_picture

from vtw_core import (
    InputError,
    MustDrop,
    TokenLayout,
    VisualTokenWithdrawal,
    load_run,
    record,
    withdraw,
)
from vtw_core import __main__ as command_line
from vtw_core.compare.methods import compare_methods
from vtw_core.results.comparison import load_comparison
from vtw_core.strategies.method import Method

WIDE, TALL = random_picture(48, 40), random_picture(20, 44, seed=5)
TOKENS = 3


@pytest.fixture(scope="module")
def several(vlm):
    """A whole run on two images, with its inside."""
    return vlm.explore((WIDE, TALL), PROMPT, max_new_tokens=TOKENS, inside=True)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("several")
    WIDE.save(folder / "wide.png")
    TALL.save(folder / "tall.png")
    return [str(folder / "wide.png"), str(folder / "tall.png")]


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_every_grid_says_which_image_it_shows(tiny_models, family):
    vlm = tiny_models(family)
    alone = [vlm.layout(vlm.inputs(one, PROMPT)) for one in (WIDE, TALL)]
    for layout in alone:
        assert layout.images == (0,) * len(layout.grids)
    both = vlm.layout(vlm.inputs([WIDE, TALL], PROMPT))
    counts = [both.images.count(image) for image in (0, 1)]
    assert both.images == (0,) * counts[0] + (1,) * counts[1]
    image_of_token = np.array(both.images)[both.patches[:, 0]]
    assert (np.diff(image_of_token) >= 0).all()
    # LLaVA-OneVision takes the overviews alone once there are several.
    if family != "llava_onevision":
        assert both.grids == alone[0].grids + alone[1].grids
        assert counts == [len(layout.grids) for layout in alone]
        visual = [len(layout.visual) for layout in alone]
        assert [(image_of_token == image).sum() for image in (0, 1)] == visual


def test_images_of_a_batch_are_counted_in_each_prompt(vlm):
    one = vlm.inputs([WIDE, TALL], PROMPT)
    batch = {name: torch.cat([value, value]) for name, value in one.items()}
    for layout in TokenLayout.batch_from_inputs(vlm.model, batch):
        assert layout.images == (0, 1)
        assert layout.grids == ((8, 8), (8, 8))


def test_all_images_leave_together(vlm):
    inputs = vlm.inputs([WIDE, TALL], PROMPT)
    layout = vlm.layout(inputs)
    assert len(layout.visual) == 2 * 64
    with withdraw(vlm.model, VisualTokenWithdrawal(2), layout) as withdrawal:
        vlm.model.generate(**inputs, max_new_tokens=2)
    assert withdrawal.visual_tokens_per_layer == (128, 128, 0, 0)


def test_each_image_matters_to_the_answer(vlm):
    first = [
        vlm.generate(images, PROMPT, max_new_tokens=1).logits
        for images in ([WIDE, TALL], [WIDE, WIDE], [TALL, WIDE])
    ]
    assert not np.allclose(first[0], first[1])
    assert not np.allclose(first[0], first[2])


def test_attention_is_recorded_per_image(vlm):
    inputs = vlm.inputs([WIDE, TALL], PROMPT)
    layout = vlm.layout(inputs)
    with record(vlm.model, layout) as recorder:
        vlm.model.generate(**inputs, max_new_tokens=2)
    on_visual = recorder.rows[:, :, layout.visual]
    image_of_token = np.array(layout.images)[layout.patches[:, 0]]
    of_image = [on_visual[..., image_of_token == image].sum(-1) for image in (0, 1)]
    visual = recorder.mass[..., 2].mean(axis=1)
    assert np.allclose(of_image[0] + of_image[1], visual, atol=1e-3)
    assert min(of_image[0].max(), of_image[1].max()) > 0


def test_a_run_knows_its_images_and_so_does_its_file(several, tmp_path):
    assert several.image_sizes == (WIDE.size, TALL.size)
    assert several.image_size == WIDE.size
    assert several.inside.images == (0, 1)
    read = load_run(several.save(tmp_path / "run.vtw"))
    assert read.image_sizes == several.image_sizes
    assert read.inside.images == (0, 1)
    assert read.inside.grids == ((8, 8), (8, 8))
    assert several.to_json()["image_sizes"] == [[48, 40], [20, 44]]


def test_other_images_stand_in_for_all_or_each_for_its_own(vlm):
    other = random_picture(32, 32, seed=9)

    def swapped(given):
        found = vlm.explore(
            [WIDE, TALL], PROMPT, max_new_tokens=2, inside=True, timed=False,
            counterfactuals=[("mine", given)],
        )  # fmt: skip
        return found.inside.counterfactuals[0].swapped_kl

    assert np.allclose(swapped([WIDE, TALL]), 0, atol=1e-6)
    assert np.array_equal(swapped(other), swapped([other, other]))
    assert not np.allclose(swapped([WIDE, other]), swapped(other))
    with pytest.raises(InputError, match="3 other images were given for 2; give one"):
        swapped([other] * 3)


@pytest.mark.parametrize("images", [(0, 2), (1, 0), (1, 1), (0, 1, 1)])
def test_images_that_do_not_fit_the_grids_are_refused(several, images):
    with pytest.raises(InputError, match="not a coherent record"):
        dataclasses.replace(several.inside, images=images)
    with pytest.raises(InputError, match="its inside has other images"):
        dataclasses.replace(several, further_images=())


def test_methods_are_compared_on_several_images(vlm, tmp_path):
    found = compare_methods(
        vlm, [WIDE, TALL], PROMPT, [Method("mustdrop", MustDrop(0.01, 0.01, vision=None))],
        max_new_tokens=TOKENS, timed=1,
    )  # fmt: skip
    assert found.visual_tokens == 128
    assert found.entries[0].fates.images == (0, 1)
    saved = load_comparison(found.save(tmp_path / "x.vtwm"))
    assert saved.entries[0].fates.images == (0, 1)


def test_the_command_line_takes_all_images_and_not_the_last(vlm, tiny_folder, files, capsys):
    model = ["--model", str(tiny_folder), "--prompt", PROMPT, "--max-new-tokens", str(TOKENS)]
    images = [word for file in files for word in ("--image", file)]
    expected = vlm.explore(files, PROMPT, max_new_tokens=TOKENS)
    assert command_line.main(["explore", *model, *images, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["visual_tokens"] == 128
    assert told["answers"] == list(expected.answers)
    assert command_line.main(["explore", *model, *images]) == 0
    assert "128 visual (2 images)" in capsys.readouterr().out
    assert command_line.main(["generate", *model, *images, "--strategy", "vtw", "--k", "2",
                              "--json"]) == 0  # fmt: skip
    told = json.loads(capsys.readouterr().out)
    assert told["visual_tokens_per_layer"] == [128, 128, 0, 0]
    assert told["answer"] == expected.answers[2]
    assert command_line.main(["compare", *model, *images, "--method", "vtw --k 2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["visual_tokens"] == 128


@pytest.mark.parametrize(
    "words",
    [
        ["explore", "--prompt", "a", "--prompt", "b"],
        ["generate", "--prompt", "a", "--prompt", "a"],
        ["calibrate", "--data", "a", "--data", "b"],
        ["evaluate", "--prompt", "a", "--prompt", "b"],
    ],
)
def test_a_second_question_or_data_set_is_refused(words, capsys):
    try:
        status = command_line.main(words)
    except SystemExit as ended:
        status = ended.code
    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    assert "is given twice; give it once" in err
    assert err.count("\n") == 1


def test_the_image_that_cannot_be_read_is_named_on_the_command_line(files, capsys):
    status = command_line.main(
        ["explore", "--image", files[0], "--image", "gone.png", "--prompt", "?"]
    )
    assert status == 2
    assert capsys.readouterr().err == (
        "vtw_core: Image 2 of 2: There is no image file gone.png; check the path.\n"
    )


def test_a_template_that_writes_one_image_refuses_several(vlm, monkeypatch):
    template = vlm.processor.chat_template.replace(
        "{% if part.type == 'image' %}", "{% if part.type == 'image' and loop.first %}"
    ).replace("{% else %}", "{% elif part.type == 'text' %}")
    monkeypatch.setattr(vlm.processor, "chat_template", template)
    assert len(vlm.layout(vlm.inputs([WIDE], PROMPT)).visual) == 64
    with pytest.raises(InputError, match=r"takes one image at a time .*; give one image"):
        vlm.inputs([WIDE, TALL], PROMPT)


def test_a_processor_that_takes_one_image_refuses_several(vlm):
    processor = vlm.processor

    class OneOnly:
        def __getattr__(self, name):
            return getattr(processor, name)

        def __call__(self, images, **options):
            if isinstance(images[0], list):
                raise ValueError("only one image per prompt")
            return processor(images=images, **options)

    model = dataclasses.replace(vlm, processor=OneOnly())
    model.inputs(WIDE, PROMPT)
    with pytest.raises(InputError, match=r"its processor says: only one image per prompt"):
        model.inputs([WIDE, TALL], PROMPT)


def test_of_several_images_the_one_that_the_processor_cannot_take_is_at_fault(vlm):
    processor = vlm.processor

    class NothingTall:
        def __getattr__(self, name):
            return getattr(processor, name)

        def __call__(self, images, **options):
            for picture in images[0] if isinstance(images[0], list) else images:
                if picture.height > picture.width:
                    raise ValueError("too tall")
            return processor(images=images, **options)

    model = dataclasses.replace(vlm, processor=NothingTall())
    assert len(model.layout(model.inputs([WIDE, WIDE], PROMPT)).visual) == 128
    with pytest.raises(ValueError, match="too tall") as caught:
        model.inputs([WIDE, TALL], PROMPT)
    assert "one image at a time" not in str(caught.value)
