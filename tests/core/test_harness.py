"""The model ``vtw`` of lm-evaluation-harness, against `vtw_core` itself on the same questions."""

import json
import os
import subprocess
import sys

import pytest

from vtw_core import __main__ as command_line
from vtw_core.errors import InputError
from vtw_core.strategies.words import method_from

STRATEGIES = ("none", "vtw --k 7", "fastv --k 2 --ratio 0.9",
              "mustdrop --gamma 0.01 --alpha 0.01 --stages bc",
              "mustdrop --gamma 0.02 --alpha 0.02",
              "mustdrop --gamma 0.03 --alpha 0.03 --positions repack")  # fmt: skip
ENVIRONMENT = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}


def test_without_the_harness_one_sentence_says_what_to_install():
    code = "import sys; sys.modules['lm_eval'] = None; sys.argv = ['x', '--model', 'vtw'];\n"
    code += "from vtw_core.harness.__main__ import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert 'pip install "visual-token-withdrawal[scale]"' in done.stderr


@pytest.fixture(scope="module")
def lm_eval(tmp_path_factory):
    package = pytest.importorskip(
        "lm_eval", reason="lm-evaluation-harness is not installed (extra: scale)"
    )
    with pytest.MonkeyPatch.context() as patch:
        import datasets

        patch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path_factory.mktemp("cache"))
        yield package


def answers_of_the_harness(model, strategy, batch, templated=True, **more):
    """[questions] of the task vtw_shapes."""
    import lm_eval
    from lm_eval.tasks import TaskManager

    import vtw_core.harness.model  # noqa: F401
    from vtw_core.harness.__main__ import TASKS

    found = lm_eval.simple_evaluate(
        model=model,
        model_args={"pretrained": "embedded" if model == "vtw" else str(folder()), "device": "cpu",
                    "dtype": "float32"} | ({"strategy": strategy} if model == "vtw" else {}) | more,
        tasks=["vtw_shapes"],
        task_manager=TaskManager(include_path=str(TASKS)),
        batch_size=batch,
        apply_chat_template=templated,
        bootstrap_iters=0,
    )  # fmt: skip
    samples = sorted(found["samples"]["vtw_shapes"], key=lambda sample: sample["doc_id"])
    return [sample["filtered_resps"][0] for sample in samples], found["results"]["vtw_shapes"]


def folder():
    from vtw_core.loading.loading import EMBEDDED_FOLDER

    return EMBEDDED_FOLDER


@pytest.fixture(scope="module")
def own(lm_eval, tmp_path_factory):
    """Strategy -> answers, and accuracy, of `python -m vtw_core evaluate`."""
    import csv

    out = tmp_path_factory.mktemp("own")
    options = ["evaluate", "--data", "assets/calibration", "--device", "cpu", "--max-new-tokens",
               "32", "--csv", str(out / "answers.csv"), "--save", str(out / "saved.json"),
               *(f"--method={one}" for one in STRATEGIES[1:])]  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder().parents[1])
        assert command_line.main(options) == 0
    rows = list(csv.DictReader((out / "answers.csv").open(newline="")))
    told = {}
    for one in STRATEGIES:
        mine = [row for row in rows if row["method"] == (one if one != "none" else "baseline")]
        told[one] = (
            [row["answer"] for row in mine],
            sum(int(row["right"]) for row in mine) / len(mine),
        )
    return told


@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_harness_gives_the_answers_and_the_score_of_evaluate(own, strategy, batch):
    answers, results = answers_of_the_harness("vtw", strategy, batch)
    assert answers == own[strategy][0]
    assert results["exact_match,stripped"] == pytest.approx(own[strategy][1])


def test_strategies_change_answers(own):
    assert len({tuple(answers) for answers, _ in own.values()}) > len(STRATEGIES) // 2


def test_without_a_strategy_it_is_the_harness_own_model(own):
    assert answers_of_the_harness("hf-multimodal", None, 4)[0] == own["none"][0]


@pytest.mark.parametrize(
    ("strategy", "words"),
    [
        ("mustdrop --tokens 42", "fits its thresholds to each image"),
        ("vtw --k 99", "K must be"),
        ("vtw", "needs --k"),
        ("nothing", "invalid choice"),
    ],
)
def test_a_strategy_that_cannot_be_run_is_reported(lm_eval, strategy, words):
    from vtw_core.harness.model import WithdrawnLM

    with pytest.raises(InputError, match=words):
        WithdrawnLM("embedded", strategy=strategy, device="cpu")


def test_prompts_without_the_chat_template_are_refused_unless_they_are_meant(own):
    with pytest.raises(InputError, match=r"chat template.*apply_chat_template"):
        answers_of_the_harness("vtw", "none", 4, templated=False)
    plain = answers_of_the_harness("vtw", "none", 4, templated=False, plain_prompts=True)
    assert plain[0] == answers_of_the_harness("hf-multimodal", None, 4, templated=False)[0]
    assert plain[1]["exact_match,stripped"] < own["none"][1]


def test_prompts_of_the_harness_cache_had_the_template_too(lm_eval):
    from vtw_core.harness.model import WithdrawnLM

    model = WithdrawnLM("embedded", device="cpu")
    with pytest.raises(InputError, match="chat template"):
        model.generate_until([])
    assert model.tokenizer_name  # the harness asks for it where the template is applied
    assert model.generate_until([]) == []


def test_as_a_program_it_says_so_in_one_line(lm_eval):
    done = subprocess.run(
        [sys.executable, "-m", "vtw_core.harness", "--model", "vtw", "--model_args",
         "pretrained=embedded,dtype=float32", "--tasks", "vtw_shapes", "--limit", "1",
         "--device", "cpu"],
        env=ENVIRONMENT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "add --apply_chat_template" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_as_a_program_it_knows_model_and_task(lm_eval, tmp_path):
    arguments = {"pretrained": "embedded", "dtype": "float32", "strategy": "random --k 7"}
    done = subprocess.run(
        [sys.executable, "-m", "vtw_core.harness", "--model", "vtw", "--model_args",
         json.dumps(arguments), "--tasks", "vtw_shapes", "--apply_chat_template", "--limit", "2",
         "--device", "cpu", "--batch_size", "2", "--output_path", str(tmp_path)],
        env=ENVIRONMENT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (written,) = tmp_path.rglob("results_*.json")
    assert "exact_match,stripped" in json.loads(written.read_text())["results"]["vtw_shapes"]
    assert method_from(arguments["strategy"]).strategy.k == 7
