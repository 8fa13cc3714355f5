"""The command line: `python -m vtw_core models | explore | generate`.

Results go to stdout (with --json one JSON object and nothing else). Bad input ends with exit
status 2 and one line on stderr that says what to do.
"""

import argparse
import contextlib
import json
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn, get_args

from vtw_core.errors import InputError, VTWError
from vtw_core.images import load_image
from vtw_core.models.adapters import ADAPTERS
from vtw_core.models.loading import EMBEDDED, load_model, resolve
from vtw_core.models.prompts import check_prompt
from vtw_core.models.support import REFUSED
from vtw_core.models.vlm import VisionLanguageModel
from vtw_core.results import DEFAULT_ETA, Generation, Run, check_eta
from vtw_core.strategies.base import Strategy
from vtw_core.strategies.keep_all import KeepAll
from vtw_core.strategies.vtw import Positions, VisualTokenWithdrawal

BAD_INPUT = 2
INTERRUPTED = 130
ANSWER_WIDTH = 60


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
    commands = parser.add_subparsers(required=True, metavar="models | explore | generate")

    models = commands.add_parser("models", help="what can be loaded, what is supported, why not")
    models.set_defaults(command=_models)

    explore = commands.add_parser("explore", help="KL, answer and cost at every K")
    explore.set_defaults(command=_explore)
    explore.add_argument("--eta", type=float, default=DEFAULT_ETA, help="KL threshold in nats")
    explore.add_argument(
        "--scope",
        choices=("first_token", "answer_mean", "answer_max"),
        default="first_token",
        help="which KL the threshold is held against",
    )
    explore.add_argument("--save", metavar="FILE", help="also save the run to this file")

    generate = commands.add_parser("generate", help="one answer under one strategy")
    generate.set_defaults(command=_generate)
    generate.add_argument("--strategy", choices=("vtw", "none"), default="vtw")
    generate.add_argument("--k", type=int, help="first layer without visual tokens (vtw)")
    generate.add_argument(
        "--positions",
        choices=get_args(Positions),
        help="position ids from layer K on (vtw): as they were, or renumbered (default: keep)",
    )

    for command in (explore, generate):
        command.add_argument("--model", default=EMBEDDED, help="embedded, a folder or org/name")
        command.add_argument("--image", required=True, help="an image file")
        command.add_argument("--prompt", required=True, help="a question about the image")
        command.add_argument("--max-new-tokens", type=int, default=32)
        command.add_argument("--device", help="torch device, e.g. cpu or cuda")
    for command in (models, explore, generate):
        command.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def _models(arguments: argparse.Namespace) -> str:
    try:
        resolve(EMBEDDED)
        embedded = "ready"
    except VTWError as error:
        embedded = str(error)
    if arguments.json:
        return json.dumps(
            {
                "embedded": embedded,
                "supported": {kind: row.example for kind, row in sorted(ADAPTERS.items())},
                "not_supported": REFUSED,
            }
        )
    lines = [f"embedded        {embedded}", "", "supported families (any hub id or folder):"]
    lines += [
        f"  {kind:<15} e.g. {row.example}: {row.picture}" for kind, row in sorted(ADAPTERS.items())
    ]
    lines += ["", "not supported:"]
    lines += [f"  {kind:<15} {reason}" for kind, reason in sorted(REFUSED.items())]
    return "\n".join(lines)


def _explore(arguments: argparse.Namespace) -> str:
    eta = check_eta(arguments.eta)
    if arguments.save:
        _check_target(Path(arguments.save))
    vlm, image = _prepare(arguments)
    with _quiet():
        run = vlm.explore(image, arguments.prompt, max_new_tokens=arguments.max_new_tokens, eta=eta)
    if arguments.save:
        run.save(arguments.save)
    if arguments.json:
        return json.dumps(run.to_json(eta, arguments.scope))
    return _table(run, eta, arguments.scope)


def _check_target(path: Path) -> None:
    """A run takes its time, so refuse a bad file name before it, not behind."""
    if path.is_dir():
        raise InputError(f"{path} is a folder; give --save a file name.")
    if not path.absolute().parent.is_dir():
        raise InputError(f"The folder of {path} does not exist; create it first.")


def _generate(arguments: argparse.Namespace) -> str:
    strategy: Strategy
    if arguments.strategy == "none":
        for option in ("k", "positions"):
            if getattr(arguments, option) is not None:
                raise InputError(f"--{option} belongs to --strategy vtw; leave it out with none.")
        strategy = KeepAll()
    elif arguments.k is None:
        raise InputError("--strategy vtw needs --k, the first layer without visual tokens.")
    else:
        strategy = VisualTokenWithdrawal(arguments.k, arguments.positions or "keep")
    vlm, image = _prepare(arguments)
    with _quiet():
        result = vlm.generate(image, arguments.prompt, strategy, arguments.max_new_tokens)
    return json.dumps(result.to_json()) if arguments.json else _summary(result)


def _prepare(arguments: argparse.Namespace) -> tuple[VisionLanguageModel, Any]:
    """Check what costs nothing to check, then load the model."""
    check_prompt(arguments.prompt)
    image = load_image(arguments.image)
    with _quiet():
        vlm = load_model(arguments.model, device=arguments.device)
        vlm.limit_threads()
    return vlm, image


@contextlib.contextmanager
def _quiet() -> Any:
    """Keep progress bars, warnings and stray prints of other libraries off both streams."""
    import logging

    from transformers.utils import logging as transformers_logging

    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    logging.getLogger("huggingface_hub").propagate = False
    with (
        open(os.devnull, "w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        yield


def _table(run: Run, eta: float, scope: Any) -> str:
    star = run.choose_k(eta, scope)
    lines = [
        f"{run.model} ({run.model_type}), {run.layers} layers; prompt of {run.prompt_tokens} "
        f"tokens, {run.visual_tokens} visual ({run.grid[0]} x {run.grid[1]})",
        f"K* = {star} (eta {eta:g} nats, {scope}; {run.layers} would mean nothing can leave)",
        "KL(P_withdrawn || P_full) in nats; FLOPs and KV cache of the prompt against K = L",
        "",
        f"{'K':>4} {'KL first':>9} {'KL mean':>9} {'KL max':>9} {'FLOPs':>6} {'KV':>6}  answer",
    ]
    for k in range(run.layers + 1):
        mark = "*" if k == star else ("=" if run.same_as_baseline[k] else " ")
        lines.append(
            f"{k:>4} {run.kl_first_token[k]:>9.5f} {run.kl_answer[k]:>9.5f} "
            f"{run.kl_answer_max[k]:>9.5f} {run.flops[k] / run.flops[-1]:>6.1%} "
            f"{run.kv_bytes[k] / run.kv_bytes[-1]:>6.1%} {mark}{_clip(run.answers[k])}"
        )
    lines += ["", "* K*; = same answer as the baseline (the last row)"]
    return "\n".join(lines)


def _clip(answer: str) -> str:
    flat = _one_line(answer)
    return flat if len(flat) <= ANSWER_WIDTH else f"{flat[: ANSWER_WIDTH - 3]}..."


def _summary(result: Generation) -> str:
    visual = ", ".join(str(count) for count in result.visual_tokens_per_layer)
    strategy = ", ".join(
        str(value) if key == "name" else f"{key} = {value}"
        for key, value in result.strategy.items()
    )
    return "\n".join(
        (
            result.answer,
            "",
            f"strategy        {strategy}",
            f"visual tokens   {visual} (by layer)",
            f"prefill FLOPs   {result.flops / 1e9:.3f} G, "
            f"{result.flops / result.flops_baseline:.1%} of the baseline "
            f"({result.flops_convention})",
            f"prompt KV cache {result.kv_bytes / 1e6:.3f} MB",
            f"seconds         image {result.encode_seconds:.3f}, "
            f"prefill {result.prefill_seconds:.3f}, decode {result.decode_seconds:.3f}",
        )
    )


if __name__ == "__main__":
    sys.exit(main())
