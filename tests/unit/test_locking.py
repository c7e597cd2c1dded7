"""A lock that nobody living holds is removed; one that is held is left alone; jobs of a killed run are waited for."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ablation.store.entries import STORE
from ablation.store.locking import (
    MEMORY,
    SHARE_JOBS,
    BusyError,
    claim,
    clear_stale_locks,
    jobs_are_left,
    wait_for_jobs,
)

HOLD = """
import time
from ablation.store.locking import claim
held = claim()
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    STORE.mkdir(parents=True)
    return tmp_path


def locked() -> Path:
    lock = MEMORY / "locks" / "0.input.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.touch()
    return lock


@contextmanager
def another_run(folder: Path) -> Iterator[None]:
    workflow = Path(__file__).resolve().parents[2] / "workflow"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD],
        cwd=folder,
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": str(workflow)},
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        yield
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.wait()


def test_a_stale_lock_is_removed() -> None:
    lock = locked()
    clear_stale_locks()
    assert not lock.exists()


def test_a_held_lock_stays_until_its_holder_is_killed(folder: Path) -> None:
    with another_run(folder):
        lock = locked()
        clear_stale_locks()
        with pytest.raises(BusyError):
            claim(patience=0.1)
        assert lock.exists()
    claim(patience=0).close()
    assert not lock.exists()


def test_a_run_that_waited_finds_the_folder_of_locks_that_the_other_removed() -> None:
    held = claim()
    locks = MEMORY / "locks"
    locks.rmdir()
    threading.Timer(0.2, held.close).start()
    claim(patience=60).close()
    assert locks.is_dir()


def test_a_store_that_two_folders_share_has_one_lock(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = folder / "other"
    (other / "results").mkdir(parents=True)
    (other / STORE).symlink_to(folder / STORE)
    with another_run(folder):
        monkeypatch.chdir(other)
        with pytest.raises(BusyError):
            claim(patience=0)


def test_who_only_looks_lets_go_at_once() -> None:
    clear_stale_locks()
    claim(patience=0).close()


def test_a_run_waits_for_one_that_lets_go() -> None:
    held = claim()
    threading.Timer(0.2, held.close).start()
    claim(patience=60).close()


def test_what_a_job_started_marks_it_until_the_last_has_ended() -> None:
    assert not jobs_are_left()
    # The shell of the job ends first, as if it was killed.
    shell = f"set -euo pipefail; {SHARE_JOBS}cat <&0 & echo $!; exit 0"
    job = subprocess.Popen(["bash", "-c", shell], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert job.stdin is not None and job.stdout is not None
    process = job.stdout.readline().decode().strip()
    job.wait()
    assert jobs_are_left()
    said: list[str] = []
    waiting = threading.Thread(target=wait_for_jobs, args=(said.append,))
    waiting.start()
    waiting.join(0.3)
    assert waiting.is_alive()
    job.stdin.close()
    waiting.join(60)
    assert not waiting.is_alive()
    assert not jobs_are_left()
    (sentence,) = said
    assert process in sentence


def test_where_there_is_no_store_a_job_runs_unmarked() -> None:
    STORE.rmdir()
    shell = f"set -euo pipefail; {SHARE_JOBS}echo done"
    assert subprocess.check_output(["bash", "-c", shell]) == b"done\n"
