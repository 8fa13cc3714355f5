"""The command line: `python -m vtw_core models | explore | show | convert | generate | compare |
calibrate | evaluate | export`.

Results go to stdout (with --json one JSON object and nothing else). Bad input ends with exit
status 2 and one line on stderr that says what to do. The commands over a data set
(vtw_core.cli.data_commands) also run under torchrun: process 0 speaks for all.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from vtw_core.analysis.inside_json import inside_json
from vtw_core.cli.convert_command import convert
from vtw_core.cli.data_commands import add_calibrate, add_evaluate
from vtw_core.cli.export_command import add_export
from vtw_core.cli.given_once import GivenOnce
from vtw_core.cli.load_options import add_load_options, add_place_options, load_from
from vtw_core.cli.tables import (
    comparison_table,
    generation_summary,
    inside_table,
    models_table,
    run_table,
)
from vtw_core.cli.terminal import check_target, quiet
from vtw_core.data.calibration import MAX_NEW_TOKENS
from vtw_core.errors import InputError, VTWError, causes
from vtw_core.families.adapters import ADAPTERS
from vtw_core.families.catalogue import CATALOGUE
from vtw_core.families.prompts import check_prompt
from vtw_core.families.support import REFUSED
from vtw_core.files.printing import one_line, print_error, print_pieces
from vtw_core.loading.availability import availability
from vtw_core.machine.memory import OUT_OF_MEMORY, is_out_of_memory
from vtw_core.machine.processes import leave, rank, size
from vtw_core.pictures.counterfactual_images import MADE
from vtw_core.pictures.images import load_images
from vtw_core.results.run import DEFAULT_ETA, RULE_HELP, RULES, SCOPES, Run, check_eta, load_run
from vtw_core.results.sampling import Sampling
from vtw_core.strategies.registry import load_plugin
from vtw_core.strategies.words import (
    add_positions,
    add_strategy_options,
    method_from,
    method_of,
)

if TYPE_CHECKING:
    from vtw_core.model import VisionLanguageModel

BAD_INPUT = 2
OUT_OF_ROOM = 1
INTERRUPTED = 130


class _OneLineParser(argparse.ArgumentParser):
    """argparse prints its whole usage before an error; one line is enough."""

    def error(self, message: str) -> NoReturn:
        print_error(self.prog, f"{message} (see --help)")
        self.exit(BAD_INPUT)

    def print_help(self, file: Any = None) -> None:
        print_pieces([self.format_help()])


def main(
    argv: Sequence[str] | None = None,
    program: str = "vtw_core",
    others: Mapping[str, str] | None = None,
) -> int:
    """Run the command line; returns the exit status.

    Args:
        argv: its words, without the program's name; None: those of the process.
        program: how its messages call it.
        others: further commands, which the caller runs itself, and their --help text.
    """
    try:
        rest = _with_plugins(program, argv)
        arguments = _parser(program, others or {}).parse_args(rest)
        text = arguments.command(arguments)
        if text is not None and rank() == 0:
            # In here: what is printed of many records is read as it is printed.
            print_pieces([text] if isinstance(text, str) else text)
    except VTWError as error:
        if rank() == 0:
            print_error(program, str(error))
        return BAD_INPUT
    except Exception as error:
        if not any(map(is_out_of_memory, causes(error))):
            raise
        print_error(program, OUT_OF_MEMORY)
        return OUT_OF_ROOM
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        leave()
    return 0


def _with_plugins(program: str, argv: Sequence[str] | None) -> list[str]:
    """The arguments without --plugin, whose modules are imported first: what strategies there are
    decides which options there are."""
    early = _OneLineParser(prog=program, add_help=False, allow_abbrev=False)
    early.add_argument("--plugin", action="append", default=[])
    found, rest = early.parse_known_args(argv)
    for module in found.plugin:
        load_plugin(module)
    return rest


def _parser(program: str, others: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = _OneLineParser(
        prog=program,
        description="Visual token withdrawal, layer by layer.",
        epilog="--plugin MODULE, anywhere: a Python module that registers further strategies, "
        "which --strategy and --method then know.",
    )
    names = (
        "models", "explore", "show", "convert", "generate", "compare", "calibrate", "evaluate",
        "export", *others,
    )  # fmt: skip
    commands = parser.add_subparsers(required=True, metavar=" | ".join(names))
    for name, what in others.items():
        commands.add_parser(name, help=what)

    models = commands.add_parser("models", help="what can be loaded, what is supported, why not")
    models.set_defaults(command=_models)

    explore = commands.add_parser("explore", help="KL, answer and cost at every K")
    explore.set_defaults(command=_explore)
    show = commands.add_parser("show", help="a saved run again, without any model")
    show.set_defaults(command=_show)
    show.add_argument("run", help="a file that explore --save wrote")
    convert = commands.add_parser("convert", help="convert files of earlier versions")
    convert.set_defaults(command=_convert)
    convert.add_argument(
        "files", nargs="+", metavar="FILE",
        help="a saved run, comparison or calibration, or a file of --out; it is replaced",
    )  # fmt: skip
    convert.add_argument("--out", metavar="FILE", help="write here instead (one file only)")
    for command in (explore, show):
        command.add_argument("--eta", type=float, default=DEFAULT_ETA, help="KL threshold in nats")
        command.add_argument(
            "--scope",
            choices=SCOPES,
            default="first_token",
            help="which KL the threshold is compared with",
        )
        command.add_argument(
            "--rule",
            choices=RULES,
            default=RULES[0],
            help=RULE_HELP,
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
    generate.add_argument(
        "--method",
        metavar="WORDS",
        help="instead of --strategy and its options, as in compare, such as fastv:k=2,ratio=0.5 or "
        "mustdrop:tokens=48-then-vtw:k=8",
    )

    compare = commands.add_parser("compare", help="several strategies beside the baseline")
    compare.set_defaults(command=_compare)
    compare.add_argument(
        "--method",
        action="append",
        default=[],
        metavar="WORDS",
        help="a strategy and its options, such as fastv:k=2,ratio=0.75 or "
        "mustdrop:tokens=48-then-vtw:k=8; may be given more than once (default: vtw at K* of the "
        "whole answer, and mustdrop with as many visual tokens)",
    )
    compare.add_argument("--save", metavar="FILE", help="also save the comparison to this file")

    add_positions(explore)
    for command in (explore, generate, compare):
        command.add_argument(
            "--image",
            required=True,
            action="append",
            metavar="FILE",
            help="an image file; may be given more than once: all stand before the question",
        )
        command.add_argument(
            "--prompt", required=True, action=GivenOnce, help="a question about the image"
        )
        command.add_argument(
            "--temperature", type=float, default=0.0, help="0 takes the likeliest token (default)"
        )
        command.add_argument("--top-p", type=float, default=1.0, help="nucleus, if temperature > 0")
        command.add_argument("--seed", type=int, default=0, help="if temperature > 0")

    calibrate = commands.add_parser("calibrate", help="K* over a set of images and questions")
    add_calibrate(calibrate)
    evaluate = commands.add_parser("evaluate", help="methods over a set of images and questions")
    add_evaluate(evaluate)
    export = commands.add_parser("export", help="a model as an ordinary checkpoint in a folder")
    add_export(export)

    add_place_options(models)
    for command in (explore, generate, compare, calibrate, evaluate):
        add_load_options(command)
        command.add_argument("--max-new-tokens", type=int, default=MAX_NEW_TOKENS)
    for command in (models, explore, show, convert, generate, compare, calibrate, evaluate, export):
        command.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def _models(arguments: argparse.Namespace) -> str:
    with quiet():
        from vtw_core.loading.weights import placement  # brings torch

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
        check_target("--save", Path(arguments.save))
    vlm, image = _prepare(arguments)
    with quiet():
        run = vlm.explore(
            image, arguments.prompt, max_new_tokens=arguments.max_new_tokens,
            sampling=sampling, positions=arguments.positions or "keep", inside=arguments.inside,
            counterfactuals=arguments.counterfactual, patch_lens=arguments.patch_lens,
        )  # fmt: skip
    if arguments.save and rank() == 0:
        run.save(arguments.save)
    return _printed(run, eta, arguments)


def _show(arguments: argparse.Namespace) -> str:
    eta = check_eta(arguments.eta)
    return _printed(load_run(arguments.run), eta, arguments)


def _convert(arguments: argparse.Namespace) -> str:
    if arguments.out and len(arguments.files) > 1:
        raise InputError("--out takes one file; leave it out to replace each by its new form.")
    if arguments.out:
        check_target("--out", Path(arguments.out))
    written = [(arguments.out or source, convert(source, arguments.out or source))
               for source in arguments.files]  # fmt: skip
    if arguments.json:
        return json.dumps({"converted": [{"file": file, "kind": kind} for file, kind in written]})
    return "\n".join(f"{one_line(file)}: {kind}, converted" for file, kind in written)


def _printed(run: Run, eta: float, arguments: argparse.Namespace) -> str:
    scope, rule = arguments.scope, arguments.rule
    if arguments.json:
        inside = {} if run.inside is None else {"inside": inside_json(run)}
        return json.dumps(run.to_json(eta, scope, rule) | inside)
    table = run_table(run, eta, scope, rule)
    return table if run.inside is None else f"{table}\n\n{inside_table(run)}"


def _sampling(arguments: argparse.Namespace) -> Sampling:
    return Sampling(arguments.temperature, arguments.top_p, arguments.seed)


def _generate(arguments: argparse.Namespace) -> str:
    words = arguments.method
    method = method_of(arguments) if words is None else method_from(words)
    sampling = _sampling(arguments)
    vlm, image = _prepare(arguments)
    with quiet():
        from vtw_core.compare.threshold_search import fitted  # brings torch

        strategy = fitted(vlm, image, arguments.prompt, method)
        result = vlm.generate(image, arguments.prompt, strategy, arguments.max_new_tokens, sampling)
    return json.dumps(result.to_json()) if arguments.json else generation_summary(result)


def _compare(arguments: argparse.Namespace) -> str:
    methods, sampling = tuple(map(method_from, arguments.method)), _sampling(arguments)
    if arguments.save:
        check_target("--save", Path(arguments.save))
    vlm, image = _prepare(arguments)
    options = {"max_new_tokens": arguments.max_new_tokens, "sampling": sampling}
    with quiet():
        from vtw_core.compare.methods import compare_methods, default_methods  # brings torch

        if not methods:
            methods = default_methods(vlm, vlm.explore(image, arguments.prompt, **options))
        comparison = compare_methods(vlm, image, arguments.prompt, methods, **options)
    if arguments.save and rank() == 0:
        comparison.save(arguments.save)
    if arguments.json:
        return json.dumps(comparison.to_json())
    return comparison_table(comparison)


def _prepare(arguments: argparse.Namespace) -> tuple[VisionLanguageModel, Any]:
    """Check what costs nothing to check, then load the model."""
    check_prompt(arguments.prompt)
    image = load_images(arguments.image)
    if size() > 1 and not arguments.tensor_parallel:
        raise InputError(
            "Several processes can answer one question only together: add --tensor-parallel, or "
            "leave torchrun out."
        )
    with quiet():
        return load_from(arguments), image


if __name__ == "__main__":
    sys.exit(main())
