"""Build the image and try it: ``make docker-test``.

With Docker where an engine answers, else with buildah. ``IMAGE_STORE=FOLDER`` keeps buildah's images and build
cache there; without it nothing stays.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import time
import tomllib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from buildah import Buildah
from checks import CHECKS, OWNER, Bench, folder
from engine import Docker, Engine, EngineError, call

PROJECT = Path(__file__).resolve().parents[2]


def git(*words: str) -> list[str]:
    """The lines of a git command, run in the project whoever owns it."""
    command = ["git", "-c", f"safe.directory={PROJECT}", "-C", str(PROJECT), *words]
    done = call(command)
    if done.status:
        sys.exit(f"A clone of the repository is needed, and git: {done.text.strip()}")
    return done.text.splitlines()


def copy_project(target: Path) -> Path:
    """What is in the repository or could be added to it, as it is on disk."""
    for name in git("ls-files", "--cached", "--others", "--exclude-standard"):
        if (PROJECT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, target / name)
    return target


def choose_engine(log: Path) -> Engine:
    if Docker.available():
        return Docker(log)
    kept = os.environ.get("IMAGE_STORE")
    return Buildah(log, Path(kept).resolve() if kept else None)


def run_checks(bench: Bench, log: Path) -> int:
    """Run all checks, each to one line; the number of those that failed."""
    failed = 0
    for number, (title, check) in enumerate(CHECKS.items()):
        start = time.monotonic()
        try:
            check(bench)
            result, why = "PASS", ""
        except (AssertionError, EngineError, LookupError, OSError, ValueError) as error:
            result, why = "FAIL", f"\n{error}"
            failed += 1
        print(f"{result} {title} ({time.monotonic() - start:.0f} s){why}", flush=True)
        while bench.notes:
            print(f"     {bench.notes.pop(0)}", flush=True)
        if failed and number == 0:
            print(f"The log of the build ends:\n{log.read_text('utf-8')[-3000:]}")
            break
    return failed


def main() -> int:
    """Build, check, clean up."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    version = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    revision = git("describe", "--always", "--abbrev=40", "--exclude=*", "--dirty")[0]
    with tempfile.TemporaryDirectory(prefix="hw1-docker-test-") as name:
        work = Path(name)
        work.chmod(0o755)
        log = work / "build.log"
        log.touch()
        try:
            engine = choose_engine(log)
        except EngineError as error:
            sys.exit(str(error))
        print(f"Engine: {engine.name}", flush=True)
        try:
            context = copy_project(work / "project")
            output = folder(work / "output", OWNER)
            bench = Bench(engine, "localhost/hw1-test", context, output, version, revision)
            failed = run_checks(bench, log)
            bench.clean()
        finally:
            engine.close()
    print(f"{len(CHECKS) - failed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
