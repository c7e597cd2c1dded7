"""Two runs at once: in one folder, with the same or other targets; a dry run beside a run; two studies on one store."""

from __future__ import annotations

import random
import shutil
import time
from functools import partial

from workflow_project import Done, Project

from faults.bench import AFTER, CELLS, Bench, Fault, Outcome, last_line
from faults.compare import differences, identities, results

REFUSAL = "Another run is using this store"
OTHERS = ("results/other/tables/study.json", "--configfile", "other.yaml")
OTHER = "study: {name: other}\nmodels: {cnn: null}\n"


def _refused(done: Done) -> bool:
    """Whether a run ended in the one sentence."""
    said = last_line(done.text).startswith(REFUSAL) and "Traceback" not in done.text
    return done.status == 1 and said and done.text.count(REFUSAL) == 1


def _both(
    bench: Bench, rng: random.Random, project: Project, *targets: tuple[str, ...]
) -> list[Done]:
    """Start two runs, the second at most some seconds after the first, and wait for both."""
    first = bench.start(project, *targets[0])
    time.sleep(rng.choice([0, rng.uniform(0, 4)]))
    second = bench.start(project, *targets[1])
    return [first.done(), second.done()]


def _at_once(bench: Bench, rng: random.Random, *, targets: tuple[tuple[str, ...], ...]) -> Outcome:
    """Two runs in one folder: each ends well, or refuses in one sentence."""
    project = bench.without(CELLS[1], CELLS[3], stages=AFTER)
    before = identities(project.path)
    ended = _both(bench, rng, project, *targets)
    odd = [d for d in ended if d.status and not _refused(d)]
    refused = sum(map(_refused, ended))
    kept = {**identities(project.path), **before}
    outcome = bench.judge(project, bench.again(project), kept)
    bench.drop(project)
    remark = "; ".join(filter(None, ["the second refused" if refused == 1 else "", outcome.remark]))
    if odd or refused == 2:
        remark = f"{remark}; {[last_line(d.text) for d in ended]}"
    return Outcome(outcome.recovered, outcome.identical and not odd and refused < 2, remark)


def _beside_a_dry_run(bench: Bench, rng: random.Random) -> Outcome:
    """A dry run that begins just before a real one does not keep it from anything."""
    project = bench.copy()
    shown = project.path / "results" / "tables" / "comparisons.json"
    shown.unlink()
    dry = [bench.start(project, "-n") for _ in range(2)]
    time.sleep(rng.uniform(0, 1.5))
    done = bench.again(project)
    ended = [run.done() for run in dry]
    outcome = bench.judge(project, done, {})
    bench.drop(project)
    if any(d.status for d in ended):
        return Outcome(False, outcome.identical, f"the dry run: {last_line(ended[0].text)}")
    return outcome


def _two_studies(bench: Bench, rng: random.Random, *, linked: bool) -> Outcome:
    """Another study that shares the FNN's cells: in the same folder, or in one of its own whose store is a link."""
    project = bench.without(CELLS[1], stages=AFTER)
    other = project
    if linked:
        other = bench.copy()
        shutil.rmtree(other.path / "results" / "store")
        (other.path / "results" / "store").symlink_to(project.path / "results" / "store")
    (other.path / "other.yaml").write_text(OTHER, "utf-8")
    first = bench.start(project)
    time.sleep(rng.choice([0, rng.uniform(0, 4)]))
    second = bench.start(other, *OTHERS)
    ended = [first.done(), second.done()]
    refused = [_refused(d) for d in ended]
    kept = identities(project.path)
    again = bench.again(other, *OTHERS)
    outcome = bench.judge(project, bench.again(project), kept)
    said = results(other.path, "other")
    lost = again.status or differences(
        {n: c for n, c in results(project.path).items() if n.startswith("fnn/")},
        {n: c for n, c in said.items() if n.startswith("fnn/")},
    )
    for each in (other, project):
        bench.drop(each)
    bad = [d for d, r in zip(ended, refused, strict=True) if d.status and not r]
    if lost or bad:
        return Outcome(
            False, False, f"{lost} {[last_line(d.text) for d in ended]}; {outcome.remark}"
        )
    remark = "the second refused" if any(refused) else ""
    return Outcome(
        outcome.recovered, outcome.identical, "; ".join(filter(None, [remark, outcome.remark]))
    )


CELL = tuple((f"results/{cell}/metrics.json",) for cell in CELLS)
FAULTS = [
    Fault("concurrency", "two runs at once, same targets", partial(_at_once, targets=((), ()))),
    Fault(
        "concurrency",
        "two runs at once, different targets",
        partial(_at_once, targets=(CELL[1], CELL[3])),
    ),
    Fault("concurrency", "a dry run beside a run", _beside_a_dry_run),
    Fault(
        "concurrency",
        "two studies at once in one folder",
        partial(_two_studies, linked=False),
        short=False,
    ),
    Fault("concurrency", "two studies at once on one store", partial(_two_studies, linked=True)),
]
