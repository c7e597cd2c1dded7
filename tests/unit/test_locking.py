"""A lock that nobody living holds is removed; one that is held is left alone."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from ablation.store.locking import clear_stale_locks

HOLD = """
import sys, time
from pathlib import Path
from ablation.store.locking import clear_stale_locks
held = clear_stale_locks(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


def locked(folder: Path) -> Path:
    lock = folder / "locks" / "0.input.lock"
    lock.parent.mkdir(parents=True)
    lock.touch()
    return lock


def test_a_stale_lock_is_removed(tmp_path: Path) -> None:
    lock = locked(tmp_path)
    with clear_stale_locks(tmp_path) or open(lock):
        assert not lock.exists()


def test_a_held_lock_stays_until_its_holder_is_killed(tmp_path: Path) -> None:
    workflow = Path(__file__).resolve().parents[2] / "workflow"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": str(workflow)},
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        lock = locked(tmp_path)
        assert clear_stale_locks(tmp_path) is None
        assert lock.exists()
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    held = clear_stale_locks(tmp_path)
    assert held is not None
    held.close()
    assert not lock.exists()
