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
from ablation.store.locking import (
    SHARE_JOBS,
    BusyError,
    claim,
    clear_stale_locks,
    jobs_are_left,
    wait_for_jobs,
)

HOLD = """
import sys, time
from pathlib import Path
from ablation.store.locking import claim
held = claim(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


def locked(folder: Path) -> Path:
    lock = folder / "locks" / "0.input.lock"
    lock.parent.mkdir(parents=True)
    lock.touch()
    return lock


@contextmanager
def another_run(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    workflow = Path(__file__).resolve().parents[2] / "workflow"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": str(workflow)},
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        yield holder
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.wait()


def test_a_stale_lock_is_removed(tmp_path: Path) -> None:
    lock = locked(tmp_path)
    clear_stale_locks(tmp_path)
    assert not lock.exists()


def test_a_held_lock_stays_until_its_holder_is_killed(tmp_path: Path) -> None:
    with another_run(tmp_path):
        lock = locked(tmp_path)
        clear_stale_locks(tmp_path)
        with pytest.raises(BusyError):
            claim(tmp_path, patience=0.1)
        assert lock.exists()
    claim(tmp_path, patience=0).close()
    assert not lock.exists()


def test_who_only_looks_lets_go_at_once(tmp_path: Path) -> None:
    clear_stale_locks(tmp_path)
    claim(tmp_path, patience=0).close()


def test_a_run_waits_for_one_that_lets_go(tmp_path: Path) -> None:
    held = claim(tmp_path)
    threading.Timer(0.2, held.close).start()
    claim(tmp_path, patience=60).close()


def test_what_a_job_started_marks_it_until_the_last_has_ended(tmp_path: Path) -> None:
    memory = tmp_path / ".snakemake"
    memory.mkdir()
    assert not jobs_are_left(memory)
    # The shell of the job ends first, as if it was killed.
    shell = f"set -euo pipefail; {SHARE_JOBS}cat <&0 & echo $!; exit 0"
    job = subprocess.Popen(
        ["bash", "-c", shell], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert job.stdin is not None and job.stdout is not None
    process = job.stdout.readline().decode().strip()
    job.wait()
    assert jobs_are_left(memory)
    said: list[str] = []
    waiting = threading.Thread(target=wait_for_jobs, args=(memory, said.append))
    waiting.start()
    waiting.join(0.3)
    assert waiting.is_alive()
    job.stdin.close()
    waiting.join(60)
    assert not waiting.is_alive()
    assert not jobs_are_left(memory)
    (sentence,) = said
    assert process in sentence


def test_where_nothing_can_be_written_a_job_runs_unmarked(tmp_path: Path) -> None:
    shell = f"set -euo pipefail; {SHARE_JOBS}echo done"
    assert subprocess.check_output(["bash", "-c", shell], cwd=tmp_path) == b"done\n"
