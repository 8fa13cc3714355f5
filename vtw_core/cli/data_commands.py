"""The commands over a data set: `calibrate` and `evaluate`, on one process or under torchrun.

Each process takes every n-th item, process 0 puts the records together and speaks for all.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vtw_core.cli.given_once import GivenOnce
from vtw_core.cli.load_options import load_from
from vtw_core.cli.tables import calibration_table, evaluation_table
from vtw_core.cli.terminal import check_target, quiet, write_table
from vtw_core.compare import evaluation
from vtw_core.compare.evaluation import Judged
from vtw_core.data import calibration
from vtw_core.data.calibration import Explored, Samples
from vtw_core.data.dataset import Item, Skipped, listed
from vtw_core.data.hub_data import Columns, open_data
from vtw_core.data.records import Entry, InMemory, Part, R, Records, Store, finish
from vtw_core.data.shards import Shards
from vtw_core.errors import InputError
from vtw_core.files.printing import print_error
from vtw_core.files.spreadsheets import csv_lines
from vtw_core.machine.processes import gathered, own_device, rank, size
from vtw_core.results.calibration import Calibration
from vtw_core.results.events import Progress
from vtw_core.results.run import DEFAULT_ETA, DIRECTIONS, RULE_HELP, RULES, SCOPES, check_eta
from vtw_core.strategies.words import method_from

if TYPE_CHECKING:
    from vtw_core.model import VisionLanguageModel

MOST_TOLD = 100
"""Rows that were passed over and are reported one by one."""


def add_calibrate(parser: argparse.ArgumentParser) -> None:
    """The options of `calibrate`."""
    parser.set_defaults(command=_calibrate)
    _add_data(parser)
    add = parser.add_argument
    add("--eta", type=float, default=DEFAULT_ETA, help="KL threshold in nats")
    add("--scope", choices=SCOPES, default=SCOPES[0], help="which KL is compared with it")
    add("--rule", choices=RULES, default=RULES[0], help=f"{RULE_HELP}; of the mean curve")
    add("--direction", choices=DIRECTIONS, default=DIRECTIONS[0], help="which way round the KL is")
    add("--csv", metavar="FILE", help="also write the table over K to this file")
    add("--save", metavar="FILE", help="also save the calibration, for load_calibration")


def add_evaluate(parser: argparse.ArgumentParser) -> None:
    """The options of `evaluate`."""
    parser.set_defaults(command=_evaluate)
    _add_data(parser)
    add = parser.add_argument
    add(
        "--method", action="append", required=True, metavar='"STRATEGY OPTIONS"',
        help='as in generate, such as "vtw --k 7"; may be given more than once',
    )  # fmt: skip
    add("--csv", metavar="FILE", help="also write every answer to this file")
    add("--save", metavar="FILE", help="also save the numbers, for load_budget_comparison")


def _add_data(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--data", required=True, action=GivenOnce,
        help="JSONL or a JSON list of image, prompt, answer; a folder of images; a .parquet file; "
        "or hf:NAME[:SPLIT[:CONFIG]]",
    )  # fmt: skip
    add("--prompt", action=GivenOnce, help="the question of every image that brings none")
    for name in ("image", "prompt", "answer"):
        add(f"--{name}-column", metavar="NAME", help=f"of the {name} (parquet and hf: only)")
    add("--stream", action="store_true", help="read hf: or parquet as it comes, keep no copy")
    add("--skip-bad", action="store_true", help="pass over items that cannot be used, and say so")
    add("--out", metavar="FOLDER", help="keep finished records here and go on from them")


def _calibrate(arguments: argparse.Namespace) -> Iterable[str] | None:
    check_eta(arguments.eta)

    def work(vlm: VisionLanguageModel) -> tuple[list[Any], Callable[[Item], Explored]]:
        limit = arguments.max_new_tokens
        return (
            calibration.depends_on(vlm, limit),
            lambda item: calibration.explored(vlm, item, limit),
        )

    records = _records(arguments, Explored.from_json, work)
    if records is None:
        return None
    samples = Samples(records)
    whole = Calibration(samples.setting, samples, samples.k_min)
    criterion = {name: getattr(arguments, name) for name in ("eta", "scope", "rule", "direction")}
    if arguments.save:
        whole.save(arguments.save)
    if arguments.csv:
        write_table(Path(arguments.csv), [whole.read(**criterion).to_csv()])
    if arguments.json:
        return whole.json_pieces(**criterion)
    return [calibration_table(whole.read(**criterion))]


def _evaluate(arguments: argparse.Namespace) -> Iterable[str] | None:
    methods = tuple(map(method_from, arguments.method))

    def work(vlm: VisionLanguageModel) -> tuple[list[Any], Callable[[Item], Judged]]:
        limit = arguments.max_new_tokens
        return (
            evaluation.depends_on(vlm, methods, limit),
            lambda item: evaluation.judged(vlm, item, methods, limit),
        )

    records = _records(arguments, Judged.from_json, work)
    if records is None:
        return None
    whole = evaluation.evaluation(records, methods)
    if arguments.save:
        whole.comparison.save(arguments.save)
    if arguments.csv:
        write_table(Path(arguments.csv), csv_lines(evaluation.answer_rows(records, methods)))
    return [json.dumps(whole.to_json()) if arguments.json else evaluation_table(whole)]


def _records(
    arguments: argparse.Namespace,
    read: Callable[[Any], R],
    work: Callable[[VisionLanguageModel], tuple[list[Any], Callable[[Item], R]]],
) -> Records[R] | None:
    """The records of all processes in process 0, None in the others.

    Args:
        read: makes a record of its JSON.
        work: model -> what all records depend on, and what makes one of an item.
    """
    if arguments.tensor_parallel:  # all processes do all of it, together
        parts: list[Part[R]] | None = [_own_part(arguments, read, work)]
    else:
        parts = gathered(lambda: _own_part(arguments, read, work))
    if parts is None or rank() > 0:
        return None
    records = Records(parts)
    for note in records.notes:
        _print_note(note)
    _print_skipped(records)
    if not records:
        raise InputError("{path} holds no sample; add images with prompts.", path=arguments.data)
    return records


def _print_skipped(records: Records[R]) -> None:
    """The rows that were passed over, each with its reason, and how many."""
    for reason in records.skipped[:MOST_TOLD]:
        _print_note(f"skipped {reason}")
    if records.skipped:
        rows, more = len(records) + len(records.skipped), len(records.skipped) - MOST_TOLD
        others = f", {more} of them not shown" if more > 0 else ""
        _print_note(f"skipped {len(records.skipped)} of {rows} rows{others}")


def _print_note(sentence: str) -> None:
    print_error("vtw_core", sentence)


def _own_part(
    arguments: argparse.Namespace,
    read: Callable[[Any], R],
    work: Callable[[VisionLanguageModel], tuple[list[Any], Callable[[Item], R]]],
) -> Part[R]:
    for option, target in (("--csv", arguments.csv), ("--save", arguments.save)):
        if target:
            check_target(option, Path(target))
    named = (arguments.image_column, arguments.prompt_column, arguments.answer_column)
    data = open_data(
        arguments.data,
        arguments.prompt,
        Columns(*named) if any(named) else None,
        arguments.stream,
        arguments.skip_bad,
    )
    if data.left_out and rank() == 0:
        _print_note(f"left out of {arguments.data}: {listed(data.left_out)}")
    first, step = (0, 1) if arguments.tensor_parallel else (rank(), size())
    total = 0 if data.total is None else len(range(first, data.total, step))
    if data.total is not None and not total:
        return Part((), InMemory())
    together = arguments.tensor_parallel or arguments.device_map
    with quiet():
        vlm = load_from(arguments, None if together else own_device())
    # After the model, whose loading may fail: no folder is made for nothing.
    store: Store[R] = Shards(arguments.out, read) if arguments.out else InMemory()
    if arguments.tensor_parallel:
        from vtw_core.data.single_writer import SingleWriter

        store = SingleWriter(store)
    steps = finish(data.part(first, step), store, *work(vlm), total, arguments.skip_bad)
    return Part(_with_a_bar(steps, total), store)


def _with_a_bar(
    steps: Generator[Progress, None, tuple[Entry | Skipped, ...]], total: int
) -> tuple[Entry | Skipped, ...]:
    from tqdm import tqdm

    name = "samples" if size() == 1 else f"samples (process 1 of {size()})"
    with quiet(), tqdm(total=total or None, desc=name, unit="sample", disable=rank() > 0) as bar:
        while True:
            try:
                bar.update(next(steps).done - bar.n)
            except StopIteration as end:
                entries: tuple[Entry | Skipped, ...] = end.value
                return entries
