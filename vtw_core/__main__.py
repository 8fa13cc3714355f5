"""The command line: `python -m vtw_core models | explore | show | generate | compare | calibrate`.

Results go to stdout (with --json one JSON object and nothing else). Bad input ends with exit
status 2 and one line on stderr that says what to do. `calibrate` also runs under torchrun:
process 0 speaks for all.
"""

import argparse
import contextlib
import json
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from vtw_core.calibrated import Calibration, interleaved
from vtw_core.calibration import MAX_NEW_TOKENS, Store, calibrate_steps
from vtw_core.dataset import Item, read_items
from vtw_core.errors import InputError, VTWError
from vtw_core.events import Progress
from vtw_core.images import load_image
from vtw_core.load_options import add_load_options, add_place_options, load_from
from vtw_core.models.adapters import ADAPTERS
from vtw_core.models.availability import availability
from vtw_core.models.catalogue import CATALOGUE
from vtw_core.models.prompts import check_prompt
from vtw_core.models.support import REFUSED
from vtw_core.models.vlm import VisionLanguageModel
from vtw_core.other_images import MADE
from vtw_core.results import (
    DEFAULT_ETA,
    DIRECTIONS,
    RULES,
    SCOPES,
    Run,
    check_eta,
    load_run,
)
from vtw_core.sampling import Sampling
from vtw_core.strategies.method import Method
from vtw_core.strategy_options import (
    add_positions,
    add_strategy_options,
    method_from,
    strategy_from,
)
from vtw_core.tables import (
    calibration_table,
    comparison_table,
    generation_summary,
    inside_table,
    models_table,
    run_table,
)
from vtw_core.world import gathered, own_share, rank, size

BAD_INPUT = 2
INTERRUPTED = 130


class _OneLineParser(argparse.ArgumentParser):
    """argparse prints its whole usage before an error; one line says enough."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"{self.prog}: {_one_line(message)} (see --help)\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    arguments = _parser().parse_args(argv)
    try:
        text = arguments.command(arguments)
    except VTWError as error:
        print(f"vtw_core: {_one_line(str(error))}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        return INTERRUPTED
    if text is None:  # not the process that speaks
        return 0
    try:
        print(text, flush=True)
    except BrokenPipeError:
        # The reader (such as `head`) has had enough. The interpreter's own flush at exit must
        # not meet the closed pipe again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _one_line(message: str) -> str:
    return " ".join(message.split())


def _parser() -> argparse.ArgumentParser:
    parser = _OneLineParser(prog="vtw_core", description="Visual token withdrawal, layer by layer.")
    commands = parser.add_subparsers(
        required=True, metavar="models | explore | show | generate | compare | calibrate"
    )

    models = commands.add_parser("models", help="what can be loaded, what is supported, why not")
    models.set_defaults(command=_models)

    explore = commands.add_parser("explore", help="KL, answer and cost at every K")
    explore.set_defaults(command=_explore)
    show = commands.add_parser("show", help="a saved run again, without any model")
    show.set_defaults(command=_show)
    show.add_argument("run", help="a file that explore --save wrote")
    for command in (explore, show):
        command.add_argument("--eta", type=float, default=DEFAULT_ETA, help="KL threshold in nats")
        command.add_argument(
            "--scope",
            choices=SCOPES,
            default="first_token",
            help="which KL the threshold is held against",
        )
        command.add_argument(
            "--rule",
            choices=RULES,
            default=RULES[0],
            help="the first K under eta, or the first from which all later K are under it too",
        )
    explore.add_argument("--save", metavar="FILE", help="also save the run to this file")
    explore.add_argument(
        "--inside", action="store_true", help="also record attention and hidden states (in --save)"
    )
    explore.add_argument(
        "--counterfactual",
        action="append",
        default=[],
        choices=tuple(MADE),
        help="with --inside: the causal test with this other image; may be given more than once",
    )
    explore.add_argument(
        "--patch-lens",
        action="store_true",
        help="with --inside: the logit lens at every visual token",
    )

    generate = commands.add_parser("generate", help="one answer under one strategy")
    generate.set_defaults(command=_generate)
    add_strategy_options(generate)

    compare = commands.add_parser("compare", help="several strategies beside the baseline")
    compare.set_defaults(command=_compare)
    compare.add_argument(
        "--method",
        action="append",
        default=[],
        metavar='"STRATEGY OPTIONS"',
        help='as in generate, such as "fastv --k 2 --ratio 0.75"; may be given more than once '
        "(default: vtw at K* of the whole answer, and mustdrop with as many visual tokens)",
    )
    compare.add_argument("--save", metavar="FILE", help="also save the comparison to this file")

    for command in (explore, generate):
        add_positions(command)
    for command in (explore, generate, compare):
        command.add_argument("--image", required=True, help="an image file")
        command.add_argument("--prompt", required=True, help="a question about the image")
        command.add_argument(
            "--temperature", type=float, default=0.0, help="0 takes the likeliest token (default)"
        )
        command.add_argument("--top-p", type=float, default=1.0, help="nucleus, if temperature > 0")
        command.add_argument("--seed", type=int, default=0, help="if temperature > 0")

    calibrate = commands.add_parser("calibrate", help="K* over a set of images and questions")
    _calibrate_options(calibrate)

    add_place_options(models)
    for command in (explore, generate, compare, calibrate):
        add_load_options(command)
        command.add_argument("--max-new-tokens", type=int, default=MAX_NEW_TOKENS)
    for command in (models, explore, show, generate, compare, calibrate):
        command.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def _calibrate_options(calibrate: argparse.ArgumentParser) -> None:
    calibrate.set_defaults(command=_calibrate)
    add = calibrate.add_argument
    add("--data", required=True, help="JSONL of image, prompt, answer; or a folder of images")
    add("--prompt", help="the question of every image that brings none")
    add("--eta", type=float, default=DEFAULT_ETA, help="KL threshold in nats")
    add("--scope", choices=SCOPES, default=SCOPES[0], help="which KL is held against it")
    add("--rule", choices=RULES, default=RULES[0], help="how K* is read off the mean curve")
    add("--direction", choices=DIRECTIONS, default=DIRECTIONS[0], help="which way round the KL is")
    add("--out", metavar="FOLDER", help="keep finished samples here and go on from them")
    add("--csv", metavar="FILE", help="also write the table over K to this file")
    add("--save", metavar="FILE", help="also save the calibration, for load_calibration")


def _models(arguments: argparse.Namespace) -> str:
    with _quiet():
        from vtw_core.models.weights import placement  # brings torch

        how = placement(arguments.device, arguments.dtype, arguments.quantize, None)
    here = [availability(model, how.device, how.dtype, how.quantize) for model in CATALOGUE]
    if not arguments.json:
        return models_table(here)
    return json.dumps(
        {
            "embedded": here[0].reason or "ready",
            "supported": {kind: row.example for kind, row in sorted(ADAPTERS.items())},
            "not_supported": REFUSED,
            "known": [one.to_json() for one in here],
        }
    )


def _explore(arguments: argparse.Namespace) -> str:
    eta, sampling = check_eta(arguments.eta), _sampling(arguments)
    if arguments.save:
        _check_target("--save", Path(arguments.save))
    vlm, image = _prepare(arguments)
    with _quiet():
        run = vlm.explore(
            image, arguments.prompt, max_new_tokens=arguments.max_new_tokens,
            sampling=sampling, positions=arguments.positions or "keep", inside=arguments.inside,
            counterfactuals=arguments.counterfactual, patch_lens=arguments.patch_lens,
        )  # fmt: skip
    if arguments.save:
        run.save(arguments.save)
    return _told(run, eta, arguments)


def _show(arguments: argparse.Namespace) -> str:
    eta = check_eta(arguments.eta)
    return _told(load_run(arguments.run), eta, arguments)


def _told(run: Run, eta: float, arguments: argparse.Namespace) -> str:
    scope, rule = arguments.scope, arguments.rule
    if arguments.json:
        return json.dumps(run.to_json(eta, scope, rule))
    table = run_table(run, eta, scope, rule)
    return table if run.inside is None else f"{table}\n\n{inside_table(run)}"


def _sampling(arguments: argparse.Namespace) -> Sampling:
    return Sampling(arguments.temperature, arguments.top_p, arguments.seed)


def _check_target(option: str, path: Path) -> None:
    """A run takes its time, so refuse a bad file name before it, not behind."""
    if path.is_dir():
        raise InputError(f"{path} is a folder; give {option} a file name.")
    if not path.absolute().parent.is_dir():
        raise InputError(f"The folder of {path} does not exist; create it first.")


def _generate(arguments: argparse.Namespace) -> str:
    strategy, sampling = strategy_from(arguments), _sampling(arguments)
    method = Method(arguments.strategy, strategy, arguments.tokens)
    vlm, image = _prepare(arguments)
    with _quiet():
        from vtw_core.threshold_search import fitted  # brings torch

        strategy = fitted(vlm, image, arguments.prompt, method)
        result = vlm.generate(image, arguments.prompt, strategy, arguments.max_new_tokens, sampling)
    return json.dumps(result.to_json()) if arguments.json else generation_summary(result)


def _compare(arguments: argparse.Namespace) -> str:
    methods, sampling = tuple(map(method_from, arguments.method)), _sampling(arguments)
    if arguments.save:
        _check_target("--save", Path(arguments.save))
    vlm, image = _prepare(arguments)
    options = {"max_new_tokens": arguments.max_new_tokens, "sampling": sampling}
    with _quiet():
        from vtw_core.methods import compare_methods, default_methods  # brings torch

        if not methods:
            methods = default_methods(vlm, vlm.explore(image, arguments.prompt, **options))
        comparison = compare_methods(vlm, image, arguments.prompt, methods, **options)
    if arguments.save:
        comparison.save(arguments.save)
    if arguments.json:
        return json.dumps(comparison.to_json())
    return comparison_table(comparison)


def _prepare(arguments: argparse.Namespace) -> tuple[VisionLanguageModel, Any]:
    """Check what costs nothing to check, then load the model."""
    check_prompt(arguments.prompt)
    image = load_image(arguments.image)
    with _quiet():
        return load_from(arguments), image


def _calibrate(arguments: argparse.Namespace) -> str | None:
    check_eta(arguments.eta)
    parts = gathered(lambda: _own_part(arguments))
    if parts is None:
        return None
    calibration = interleaved([part for part in parts if part is not None])
    criterion = {name: getattr(arguments, name) for name in ("eta", "scope", "rule", "direction")}
    reading = calibration.read(**criterion)
    if arguments.save:
        calibration.save(arguments.save)
    if arguments.csv:
        _write(Path(arguments.csv), reading.to_csv())
    if arguments.json:
        return json.dumps(calibration.to_json(**criterion))
    return calibration_table(reading)


def _own_part(arguments: argparse.Namespace) -> Calibration | None:
    """This process's samples; None if there are fewer samples than processes."""
    for option, target in (("--csv", arguments.csv), ("--save", arguments.save)):
        if target:
            _check_target(option, Path(target))
    items = own_share(read_items(arguments.data, arguments.prompt))
    if not items:
        return None
    with _quiet():
        vlm = load_from(arguments, _own_device())
    store = arguments.out and Store(arguments.out, vlm, arguments.max_new_tokens)
    return _with_a_bar(vlm, items, arguments.max_new_tokens, store or None)


def _own_device() -> str | None:
    """With several processes on one machine and several GPUs, each takes its own."""
    import torch

    if size() == 1 or not torch.cuda.is_available():
        return None
    return f"cuda:{int(os.environ.get('LOCAL_RANK', '0')) % torch.cuda.device_count()}"


def _with_a_bar(
    vlm: VisionLanguageModel, items: Sequence[Item], max_new_tokens: int, store: Store | None
) -> Calibration | None:
    from tqdm import tqdm

    name = "calibrate" if size() == 1 else f"calibrate (process 1 of {size()})"
    with _quiet(), tqdm(total=len(items), desc=name, unit="sample", disable=rank() > 0) as bar:
        for event in calibrate_steps(vlm, items, max_new_tokens=max_new_tokens, store=store):
            if isinstance(event, Progress):
                bar.update(event.done - bar.n)
            else:
                return event
    return None


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}.") from error


@contextlib.contextmanager
def _quiet() -> Any:
    """Keep progress bars, warnings and stray prints of other libraries off both streams."""
    import logging

    from transformers.utils import logging as transformers_logging

    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    logging.getLogger("huggingface_hub").propagate = False
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    with (
        open(os.devnull, "w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        yield


if __name__ == "__main__":
    sys.exit(main())
