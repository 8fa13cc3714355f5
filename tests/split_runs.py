"""Run one model in every way that withdrawal knows, for comparison with another way to hold it.

``torchrun --nproc_per_node 2 -m split_runs MODEL OUT`` splits the model over the processes.
"""

import sys
from pathlib import Path

import numpy as np
from small_data import HERE, picture

from vtw_core import TokenLayout, VisualTokenWithdrawal, load_model, withdraw
from vtw_core.errors import ModelError
from vtw_core.machine.processes import leave, rank
from vtw_core.strategies.words import method_from

TOKENS = 6
PICTURE = HERE.parent / "assets" / "examples" / "three_shapes.png"
STRATEGIES = (
    "none", "vtw --k 7", "vtw --k 7 --positions repack", "fastv --k 2 --ratio 0.75",
    "mustdrop --gamma 0.004 --alpha 0.004", "random --k 7",
)  # fmt: skip


def everything(vlm):
    """Name -> array of everything that a model computes."""
    image, prompt = PICTURE, "what color is the shape at the top left ?"
    run = vlm.explore(image, prompt, max_new_tokens=TOKENS)
    results = {
        "explore answers": np.array(run.answers),
        "explore kl": run.kl_positions,
        "explore kl reverse": run.kl_positions_reverse,
        "explore first": run.first_probabilities,
    }
    for words in STRATEGIES:
        made = vlm.generate(image, prompt, method_from(words).strategy, TOKENS)
        results[f"{words} answer"] = np.array(made.token_ids)
        results[f"{words} logits"] = made.logits
        results[f"{words} tokens"] = np.array(made.visual_tokens_per_layer)
    results["batch"] = padded_batch(vlm)
    try:
        vlm.explore(image, prompt, max_new_tokens=1, inside=True)
        results["inside"] = np.array("recorded")
    except ModelError as error:
        results["inside"] = np.array(str(error))
    return results


def padded_batch(vlm):
    """Ids of two prompts of different lengths, generated together."""
    tokenizer = vlm.processor.tokenizer
    tokenizer.padding_side = "left"
    image = vlm.processor.image_token
    inputs = vlm.processor(
        images=[picture(1), picture(2)], text=[f"{image} a ?", f"{image} what is in the middle ?"],
        return_tensors="pt", padding=True,
    ).to(vlm.model.device)  # fmt: skip
    layouts = TokenLayout.batch_from_inputs(vlm.model, inputs)
    with withdraw(vlm.model, VisualTokenWithdrawal(7), layouts):
        ids = vlm.model.generate(**inputs, max_new_tokens=TOKENS, do_sample=False)
    return ids[:, inputs["input_ids"].shape[1] :].cpu().numpy()


def main():
    model, out = sys.argv[1:]
    results = everything(load_model(model, tensor_parallel=True))
    np.savez(Path(out) / f"{rank()}.npz", **results)
    leave()


if __name__ == "__main__":
    main()
