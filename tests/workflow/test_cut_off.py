"""A job of a cluster that is cut off and repeated as a whole: what it had finished is not made again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from workflow_project import DONE, Project, made, prepared, tiny

pytestmark = pytest.mark.extended

STORE = Path("results", "store")


def keys(project: Project, stage: str) -> list[str]:
    return sorted(path.name for path in (project.path / STORE / stage).glob("[!.]*"))


def member(project: Project, stage: str, key: str) -> Path:
    return project.path / STORE / stage / key / "manifest.json"


def on_a_node(project: Project, jobs: list[tuple[str, str]], attempt: int) -> list[str]:
    """Run what Snakemake starts on a node for the members of a group; the rules of the jobs that ran."""
    rules = sorted({rule for rule, _ in jobs})
    done = project.run(
        *("--mode", "remote", "--local-groupid", "group", "--force", "--nolock"),
        *("--ignore-incomplete", "--retries", "0"),
        *("--keep-incomplete", "--rerun-triggers", "mtime", "--attempt", str(attempt)),
        *("--allowed-rules", *rules, "--target-jobs", *(f"{rule}:key={key}" for rule, key in jobs)),
    )
    return sorted(filter(made, DONE.findall(done.text)))


def repeat(project: Project) -> dict[str, Any]:
    """Two trainings with their evaluations; the second evaluation had not been made when the node died."""
    project.configure(tiny)
    project.run("results/fnn/depth_1/metrics.json", "results/fnn/depth_2/metrics.json", cores=2)
    trained = keys(project, "train")
    tested = keys(project, "evaluate")
    jobs = [("train", key) for key in trained] + [("evaluate", key) for key in tested]
    member(project, *jobs[-1]).unlink()

    def stamps() -> list[int | None]:
        paths = [member(project, *job) for job in jobs]
        return [path.stat().st_mtime_ns if path.exists() else None for path in paths]

    before = stamps()
    rules = [on_a_node(project, jobs, 2)]
    again = stamps()
    rules.append(on_a_node(project, jobs, 2))
    after = stamps()
    rules.append(on_a_node(project, jobs[:1], 1))
    return {"rules": rules, "stamps": [before, again, after, stamps()]}


@prepared(repeat, fresh=True)
def test_a_repeated_job_makes_what_it_had_not_finished(outcome: dict[str, Any]) -> None:
    assert outcome["rules"] == [["evaluate"], [], ["train"]]
    before, again, after, forced = outcome["stamps"]
    assert before[-1] is None and again[-1] is not None
    assert before[:-1] == again[:-1]
    assert after == again
    # The first attempt makes what it is asked for, also what is there.
    assert forced[0] != after[0] and forced[1:] == after[1:]
