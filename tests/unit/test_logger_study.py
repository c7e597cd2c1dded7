"""The logger plugin's pure part: what is told of a study while its cells tell how far they are."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ablation.study.progress import Outcome, Report, duration
from snakemake_logger_plugin_ablation import study as states
from snakemake_logger_plugin_ablation.screen import columns
from snakemake_logger_plugin_ablation.study import Study

NAMES = {"cnn/a": "cnn/kernel_3", "cnn/b": "cnn/kernel_5", "fnn/c": "fnn/depth_1"}


def epoch(number: int, seconds: float = 2.0, of: int = 15, resumed_after: int = 0) -> Report:
    """An epoch is over, and each takes so long."""
    figures = {"val_loss": 0.25, "val_accuracy": 0.9125}
    return Report(number, of, resumed_after, figures, seconds * (of - number), seconds * of)


def begun(*trained: str, train_jobs: int = 3) -> Study:
    return states.begin(NAMES, trained, 12, train_jobs)


def running(*keys: str) -> Study:
    study = begun()
    for job, key in enumerate(keys):
        study, _ = states.started(study, job, key, 0.0)
    return study


# One cell


def test_a_cell_is_started_followed_and_trained() -> None:
    study, lines = states.started(begun(), 4, "cnn/b", 100.0)
    assert lines == ["cnn/kernel_5 started"]
    study, lines = states.read(study, 4, epoch(2), 130.0, 30)
    text = "epoch 2/15, val_loss 0.25, val_accuracy 0.9125, about 26 s left"
    assert lines == [f"cnn/kernel_5 {text}"]
    assert columns(study.running[4].report) == (
        "epoch 2/15",
        "val_loss 0.25, val_accuracy 0.9125",
        "26 s left",
    )
    study, lines = states.finished(study, 4, Outcome(seconds=30.06))
    assert lines == [
        "cnn/kernel_5 trained in 30.1 s (epoch 2/15, val_loss 0.25, val_accuracy 0.9125);"
        " 1 of 3 configurations trained, 1 of 12 jobs done"
    ]
    assert not study.running


def test_of_a_cell_is_told_only_so_often() -> None:
    study = running("cnn/a")
    told = []
    for second in range(1, 100):
        study, lines = states.read(study, 0, epoch(second, of=200), float(second), 30)
        told += [(second, line) for line in lines]
    assert [second for second, _ in told] == [30, 60, 90]


def test_nothing_is_told_while_there_is_no_news() -> None:
    study, lines = states.read(running("cnn/a"), 0, None, 1000.0, 30)
    assert lines == []
    assert columns(study.running[0].report) == ("starting", "", "")
    assert states.read(study, 99, epoch(1), 1000.0, 0) == (study, [])
    study, _ = states.read(study, 0, epoch(1), 1000.0, 0)
    assert states.read(study, 0, epoch(1), 2000.0, 0)[1] == []


def test_a_resumed_cell_says_so_once() -> None:
    begun = Report(7, 15, 7)
    study, lines = states.read(running("cnn/a"), 0, begun, 1.0, 30)
    assert lines == ["cnn/kernel_3 resumed after epoch 7"]
    assert columns(study.running[0].report) == ("after epoch 7", "", "")
    study, lines = states.read(study, 0, epoch(8, 3.0, resumed_after=7), 40.0, 30)
    assert lines == ["cnn/kernel_3 epoch 8/15, val_loss 0.25, val_accuracy 0.9125, about 21 s left"]


def test_a_failed_cell_gives_its_sentence() -> None:
    study, lines = states.finished(running("cnn/a"), 0, Outcome(failed="killed by signal 9"))
    assert lines == [
        "cnn/kernel_3 failed: killed by signal 9; 0 of 3 configurations trained, 1 of 12 jobs done"
    ]
    assert study.trained == frozenset()


def test_a_cell_without_log_and_entry_is_trained_all_the_same() -> None:
    _, lines = states.finished(running("cnn/a"), 0, Outcome())
    assert lines == ["cnn/kernel_3 trained; 1 of 3 configurations trained, 1 of 12 jobs done"]


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
    assert states.overall(study) == "0 of 3 configurations trained, 5 of 11 jobs done"


def test_the_time_left_overall_is_that_of_all_cells_shared_by_those_at_once() -> None:
    study = running("cnn/a", "fnn/c")
    study, _ = states.read(study, 0, epoch(5, 2.0), 1.0, 30)
    assert states.left(study) is None, "nothing is known of the FNN"
    study, _ = states.read(study, 1, epoch(10, 1.0, of=20), 1.0, 30)
    # 20 s and 10 s of those in training, and a whole CNN of 30 s, by two
    assert states.left(study) == pytest.approx(30.0)
    assert states.overall(study).endswith(", about 30 s left")


def test_the_time_left_overall_is_no_less_than_that_of_the_slowest() -> None:
    study = running("cnn/a", "cnn/b", "fnn/c")
    for job, seconds in enumerate((0.1, 0.1, 9.0)):
        study, _ = states.read(study, job, epoch(5, seconds), 1.0, 30)
    assert states.left(study) == pytest.approx(90.0)


def test_cells_trained_before_are_neither_awaited_nor_lost() -> None:
    study = begun("cnn/b", "fnn/c", "other/study", train_jobs=1)
    assert states.overall(study).startswith("2 of 3 configurations trained")
    study, _ = states.started(study, 0, "cnn/a", 0.0)
    study, _ = states.read(study, 0, epoch(14), 1.0, 30)
    assert states.left(study) == pytest.approx(2.0)


def test_a_run_of_a_part_of_the_study_takes_its_cells_for_alike() -> None:
    study = begun(train_jobs=2)
    study, _ = states.started(study, 0, "cnn/a", 0.0)
    assert states.left(study) is None
    study, _ = states.read(study, 0, epoch(5, 2.0), 1.0, 30)
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
