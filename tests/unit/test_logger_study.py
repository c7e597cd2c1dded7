"""The logger plugin's pure part: what a log says, and what is told of a study."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from ablation.networks.stack.training import _line, _Progress
from snakemake_logger_plugin_ablation import study as states
from snakemake_logger_plugin_ablation.lines import Epoch, Resumed, Smaller, parse
from snakemake_logger_plugin_ablation.screen import columns
from snakemake_logger_plugin_ablation.study import Outcome, Study, duration

NAMES = {"cnn/a": "cnn/kernel_3", "cnn/b": "cnn/kernel_5", "fnn/c": "fnn/depth_1"}


def epoch(number: int, seconds: float = 2.0, of: int = 15, loss: str = "0.25") -> str:
    figures = f"train_loss 0.3, val_loss {loss}, val_accuracy 0.9125"
    return f"10:00:00 epoch {number}/{of}  median of replicates: {figures}  ({seconds:.2f} s)"


def begun(*trained: str, train_jobs: int = 3) -> Study:
    return states.begin(NAMES, trained, 12, train_jobs)


def running(*keys: str) -> Study:
    study = begun()
    for job, key in enumerate(keys):
        study, _ = states.started(study, job, key, 0.0)
    return study


# Lines of the log


def test_the_trainers_own_line_is_understood() -> None:
    rows = {name: [torch.tensor([v, v])] for name, v in (("train_loss", 0.5), ("val_loss", 2e-5))}
    none = torch.zeros(2)
    line = _line(_Progress(3, {}, none, none, rows), 15, 0.516)
    said = parse(f"10:11:12 {line}")
    assert said == Epoch(3, 15, {"train_loss": 0.5, "val_loss": 2e-05}, 0.52)
    assert parse(line) == said


def test_what_is_not_finite_is_a_figure_too() -> None:
    said = parse(epoch(1, loss="nan"))
    assert isinstance(said, Epoch)
    assert math.isnan(said.figures["val_loss"])


def test_a_resume_and_a_small_memory_are_understood() -> None:
    assert parse("10:00:00 resumed after epoch 7") == Resumed(7)
    line = "10:00:00 out of memory with 6 replicates at once; trying 3 at a time"
    assert parse(line) == Smaller(6, 3)


@pytest.mark.parametrize(
    "line",
    ["", "10:00:00 cnn on cpu in bf16, key ab", "epoch x/3", "10:00:00 epoch 3/", "\x1b[2Jepoch"],
)
def test_other_lines_say_nothing(line: str) -> None:
    assert parse(line) is None


# One cell


def test_a_cell_is_started_followed_and_trained() -> None:
    study, lines = states.started(begun(), 4, "cnn/b", 100.0)
    assert lines == ["cnn/kernel_5 started"]
    study, lines = states.read(study, 4, ["", epoch(1), epoch(2)], 130.0, 30)
    text = "epoch 2/15, val_loss 0.25, val_accuracy 0.9125, about 26 s left"
    assert lines == [f"cnn/kernel_5 {text}"]
    assert columns(study.running[4]) == (
        "epoch 2/15",
        "val_loss 0.25, val_accuracy 0.9125",
        "26 s left",
    )
    study, lines = states.finished(study, 4, Outcome(seconds=30.06))
    assert lines == [
        "cnn/kernel_5 trained in 30.1 s (epoch 2/15, val_loss 0.25, val_accuracy 0.9125);"
        " 1 of 3 cells trained, 1 of 12 jobs done"
    ]
    assert not study.running


def test_of_a_cell_is_told_only_so_often() -> None:
    study = running("cnn/a")
    told = []
    for second in range(1, 100):
        study, lines = states.read(study, 0, [epoch(second, of=200)], float(second), 30)
        told += [(second, line) for line in lines]
    assert [second for second, _ in told] == [30, 60, 90]


def test_nothing_is_told_while_the_log_says_nothing() -> None:
    study, lines = states.read(running("cnn/a"), 0, ["no epoch"], 1000.0, 30)
    assert lines == []
    assert columns(study.running[0]) == ("starting", "", "")
    assert states.read(study, 99, [epoch(1)], 1000.0, 0) == (study, [])


def test_a_resumed_cell_says_so_and_its_time_left_is_of_the_rest() -> None:
    study, lines = states.read(running("cnn/a"), 0, ["resumed after epoch 7"], 1.0, 30)
    assert lines == ["cnn/kernel_3 resumed after epoch 7"]
    assert columns(study.running[0]) == ("after epoch 7", "", "")
    assert study.running[0].left() is None
    study, _ = states.read(study, 0, [epoch(8, 3.0)], 4.0, 30)
    assert study.running[0].left() == pytest.approx(7 * 3.0)


def test_the_time_left_follows_the_last_epochs() -> None:
    lines = [epoch(number, 60.0 if number == 1 else 1.0) for number in range(1, 8)]
    study, _ = states.read(running("cnn/a"), 0, lines, 70.0, 30)
    assert study.running[0].left() == pytest.approx(8.0)


def test_a_log_begun_anew_is_another_attempt() -> None:
    study, _ = states.read(running("cnn/a"), 0, [epoch(9, 5.0)], 9.0, 30)
    study, _ = states.read(study, 0, [epoch(1, 1.0)], 12.0, 30, anew=True)
    assert study.running[0].left() == pytest.approx(14.0)


def test_a_memory_too_small_makes_a_cell_longer() -> None:
    small = ["out of memory with 6 replicates at once; trying 3 at a time"]
    study, _ = states.read(running("cnn/a"), 0, [*small, epoch(5, of=10)], 1.0, 30)
    assert study.running[0].left() == pytest.approx(2.0 * (5 + 10))
    more = [epoch(number, of=10) for number in (*range(6, 11), 1, 2)]
    study, _ = states.read(study, 0, more, 2.0, 30)
    assert study.running[0].left() == pytest.approx(2.0 * 8)


def test_a_failed_cell_gives_its_sentence() -> None:
    study, lines = states.finished(running("cnn/a"), 0, Outcome(failed="killed by signal 9"))
    assert lines == [
        "cnn/kernel_3 failed: killed by signal 9; 0 of 3 cells trained, 1 of 12 jobs done"
    ]
    assert study.trained == frozenset()


def test_a_cell_without_log_and_entry_is_trained_all_the_same() -> None:
    _, lines = states.finished(running("cnn/a"), 0, Outcome())
    assert lines == ["cnn/kernel_3 trained; 1 of 3 cells trained, 1 of 12 jobs done"]


def test_a_cell_without_a_name_goes_by_its_key() -> None:
    study, lines = states.started(Study(), 1, "cnn/0123", 0.0)
    assert lines == ["cnn/0123 started"]
    assert states.finished(study, 1, Outcome())[1] == ["cnn/0123 trained; 1 of 0 jobs done"]


# The whole study


def test_jobs_are_counted_as_snakemake_counts_them() -> None:
    study = states.other_started(begun(), 7, "Show cnn/kernel_3")
    assert list(study.others.values()) == ["Show cnn/kernel_3"]
    study, lines = states.finished(study, 7, Outcome())
    assert (lines, study.others, study.done) == ([], {}, 1)
    study = states.progress(study, 5, 11)
    assert states.overall(study) == "0 of 3 cells trained, 5 of 11 jobs done"


def test_the_time_left_overall_is_that_of_all_cells_shared_by_those_at_once() -> None:
    study = running("cnn/a", "fnn/c")
    study, _ = states.read(study, 0, [epoch(5, 2.0)], 1.0, 30)
    assert states.left(study) is None, "nothing is known of the FNN"
    study, _ = states.read(study, 1, [epoch(10, 1.0, of=20)], 1.0, 30)
    # 20 s and 10 s of those in training, and a whole CNN of 30 s, by two
    assert states.left(study) == pytest.approx(30.0)
    assert states.overall(study).endswith(", about 30 s left")


def test_the_time_left_overall_is_no_less_than_that_of_the_slowest() -> None:
    study = running("cnn/a", "cnn/b", "fnn/c")
    for job, seconds in enumerate((0.1, 0.1, 9.0)):
        study, _ = states.read(study, job, [epoch(5, seconds)], 1.0, 30)
    assert states.left(study) == pytest.approx(90.0)


def test_cells_trained_before_are_neither_awaited_nor_lost() -> None:
    study = begun("cnn/b", "fnn/c", "other/study", train_jobs=1)
    assert states.overall(study).startswith("2 of 3 cells trained")
    study, _ = states.started(study, 0, "cnn/a", 0.0)
    study, _ = states.read(study, 0, [epoch(14)], 1.0, 30)
    assert states.left(study) == pytest.approx(2.0)


def test_a_run_of_a_part_of_the_study_takes_its_cells_for_alike() -> None:
    study = begun(train_jobs=2)
    study, _ = states.started(study, 0, "cnn/a", 0.0)
    assert states.left(study) is None
    study, _ = states.read(study, 0, [epoch(5, 2.0)], 1.0, 30)
    assert states.left(study) == pytest.approx(20.0 + 30.0)


def test_what_was_trained_tells_of_what_waits() -> None:
    study, _ = states.finished(running("cnn/a"), 0, Outcome(seconds=40.0))
    assert states.left(study) is None, "nothing runs"
    study, _ = states.started(study, 1, "cnn/b", 0.0)
    study = replace(study, pending=frozenset())
    assert states.left(study) == pytest.approx(40.0)


def test_a_job_that_a_cluster_lost_is_awaited_again() -> None:
    study = states.stopped(running("cnn/a", "cnn/b"), 0)
    assert list(study.running) == [1]
    assert study.n_pending == 2
    study, lines = states.started(study, 0, "cnn/a", 5.0)
    assert lines == ["cnn/kernel_3 started"]
    assert study.n_pending == 1


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "1 s"), (8.4, "8 s"), (99, "99 s"), (100, "2 min"), (6000, "1 h 40 min")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
