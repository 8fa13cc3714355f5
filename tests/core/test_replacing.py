"""A file is replaced whole or not at all, wherever the project writes one."""

import ast
import os
import resource
import stat
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from small_budgets import made_up_comparison
from small_comparisons import small_comparison
from small_records import small_run

from vtw_core.cli.terminal import write_table
from vtw_core.errors import InputError
from vtw_core.files.replacing import replace_file, replacing, replacing_files
from vtw_core.results.calibration import Calibration, Sample, Setting

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def little_room(size=100):
    """No file of this process may grow beyond ``size`` bytes: the system refuses it for real."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def small_calibration():
    run = small_run()
    return Calibration(Setting.of(run), (Sample.of(run, "a.png", ("a ball",)),))


SAVERS = {
    "run": lambda path: small_run().save(path),
    "comparison": lambda path: small_comparison().save(path),
    "calibration": lambda path: small_calibration().save(path),
    "budget": lambda path: made_up_comparison().save(path),
    "table": lambda path: write_table(path, ["x" * 60] * 5),
}


@pytest.mark.parametrize("what", SAVERS)
def test_a_full_disk_leaves_the_good_file_that_was_there(tmp_path, what):
    path = tmp_path / "kept"
    path.write_text("good")
    with little_room(), pytest.raises(InputError, match="File too large"):
        SAVERS[what](path)
    assert path.read_text() == "good"
    assert os.listdir(tmp_path) == ["kept"]
    SAVERS[what](path)
    assert path.stat().st_size > 100
    assert os.listdir(tmp_path) == ["kept"]


def test_a_full_disk_leaves_the_good_report_and_the_good_checkpoint(tmp_path, capsys):
    import torch

    from app.figures.report import main
    from embedded_model.optimizer import Trainer

    run = small_run().save(tmp_path / "run.vtw")
    report = tmp_path / "report.html"
    report.write_text("good")
    with little_room():
        assert main([str(run), "--out", str(report)]) == 2
    assert report.read_text() == "good"
    assert "report.html cannot be written: File too large." in capsys.readouterr().err

    def trainer():
        return Trainer(
            [torch.nn.Linear(4, 4)], tmp_path / "stage", "stage", minutes=1.0, matrix_rate=1e-3,
            other_rate=1e-3, rate=1.0,
        )  # fmt: skip

    first = trainer()
    first.steps = 7
    first.save()
    first.steps = 8
    with little_room(), pytest.raises((OSError, RuntimeError)):
        first.save()
    assert trainer().steps == 7


def test_an_error_or_a_kill_in_the_middle_leaves_what_was_there(tmp_path):
    path = tmp_path / "kept"
    path.write_text("good")

    def write_half(error):
        with replacing(path) as file:
            file.write(b"half")
            file.flush()
            assert path.read_text() == "good"
            raise error

    def write_half_a_folder():
        with replacing_files(tmp_path / "folder") as made:
            (made / "one").write_text("half")
            raise ValueError("half way")

    for error in (ValueError, KeyboardInterrupt):
        with pytest.raises(error):
            write_half(error)
    assert (path.read_text(), os.listdir(tmp_path)) == ("good", ["kept"])
    with pytest.raises(ValueError, match="half way"):
        write_half_a_folder()
    assert os.listdir(tmp_path) == ["kept"]


def test_permissions_and_links_stay(tmp_path):
    kept, link = tmp_path / "kept", tmp_path / "link"
    kept.write_text("old")
    kept.chmod(0o640)
    link.symlink_to("kept")
    replace_file(link, "new, 新")
    assert link.is_symlink()
    assert kept.read_text(encoding="utf-8") == "new, 新"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o640
    mask = os.umask(0)
    os.umask(mask)
    replace_file(tmp_path / "fresh", b"x")
    assert stat.S_IMODE((tmp_path / "fresh").stat().st_mode) == 0o666 & ~mask


def test_a_pipe_is_written_to_as_it_is(tmp_path):
    pipe, told = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: told.append(pipe.read_text()))
    reader.start()
    replace_file(pipe, "through")
    reader.join()
    assert told == ["through"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_the_files_of_a_folder_replace_those_of_their_names(tmp_path):
    folder = tmp_path / "made" / "model"
    with replacing_files(folder) as made:
        (made / "config").write_text("old")
        (made / "weights").write_text("old")
    with replacing_files(folder) as made:
        (made / "config").write_text("new")
    assert {one.name: one.read_text() for one in folder.iterdir()} == {
        "config": "new", "weights": "old",
    }  # fmt: skip
    assert os.listdir(folder.parent) == ["model"]


# Calls that write to a file of a name, and where they may stand: nothing is replaced there.
WRITING = {"write_text", "write_bytes", "savefig", "save_pretrained", "screenshot", "to_csv"}
NOT_REPLACING = {
    "app/requests/faults.py": "a probe of its own, deleted again",
    "benchmarks/memory.py": "a switch of the system",
    "benchmarks/serving.py": "a temporary folder",
    "benchmarks/scale/measuring.py": "a temporary folder",
    "benchmarks/load/plateau.py": "a temporary folder",
    "vtw_core/files/replacing.py": "the place itself",
}


def writes_itself(tree):
    """The lines of calls that write a file under its own name."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        arguments = [*node.args, *(one.value for one in node.keywords if one.arg == "mode")]
        modes = {one.value for one in arguments if isinstance(one, ast.Constant)}
        given = {ast.unparse(one) for one in node.args}
        first = ast.unparse(node.args[0]) if node.args else ""
        if (
            (name == "open" and modes & {"w", "wb", "w+", "wb+"} and first != "os.devnull")
            or (name in WRITING and first not in {"out", "file", "made", ""})
            or (name == "ZipFile" and "w" in modes and first != "file")
            or (
                name == "save"
                and len(node.args + node.keywords) > 1
                and not given & {"out", "file"}
            )
            or (name == "screenshot" and any(one.arg == "path" for one in node.keywords))
        ):
            yield node.lineno


def test_nothing_in_the_repository_writes_over_a_file_by_itself():
    wrong = [
        f"{path.relative_to(ROOT)}:{line}"
        for folder in ("vtw_core", "app", "embedded_model", "benchmarks", "docs")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if path.relative_to(ROOT).as_posix() not in NOT_REPLACING
        for line in writes_itself(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not wrong, "write by vtw_core.files.replacing"
