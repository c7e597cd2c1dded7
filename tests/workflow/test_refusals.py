"""What cannot be done is one sentence: another user's folder, a name in two lines, a mistake, a terminal that lacks signs."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from workflow_calls import PYTHON, ablation, call, snakemake
from workflow_project import Done, Project, prepared, promise


def another_users(project: Project) -> dict[str, Done]:
    """A finished study in folders that this user may read alone: root takes off what lets it write everywhere."""
    os.chmod(project.path, 0o755)
    if os.geteuid() == 0:
        subprocess.run(["chown", "-R", "65534:65534", str(project.path)], check=True)
        as_reader = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
    else:
        as_reader = []
        subprocess.run(["chmod", "-R", "a-w", str(project.path)], check=True)
    assert call(project, [*as_reader, "touch", "mine"]).status != 0
    home = {"HOME": str(project.path.with_name("home-of-a-reader"))}
    Path(home["HOME"]).mkdir()
    package = {"PYTHONPATH": str(project.path / "workflow")}

    def plan(*words: str) -> Done:
        return call(
            project, [*as_reader, str(PYTHON), "-m", "ablation", "plan", *words], **home, **package
        )

    def run(*words: str) -> Done:
        return call(project, [*as_reader, *snakemake(*words)], **home)

    # With a title of its own the report has a key of its own, whose specification is not there.
    other = ("--config", "report={title: Another}")
    return {
        **{"planned": plan(), "listed": run("-n"), "real": run("--cores", "1", *other)},
        **{"more": plan(*other), "missing": run("-n", *other)},
    }


@prepared(another_users)
def test_a_finished_study_of_another_user_is_read_and_refused_in_one_sentence(
    outcome: dict[str, Done],
) -> None:
    assert all("Traceback" not in done.text for done in outcome.values())
    assert outcome["planned"].text.rstrip().endswith("Nothing to be done.")
    assert outcome["more"].text.rstrip().endswith("Also to run: 1 report.")
    assert "Nothing to be done" in outcome["listed"].text
    statuses = {name: done.status for name, done in outcome.items()}
    assert statuses == {"planned": 0, "listed": 0, "real": 1, "more": 0, "missing": 1}
    assert last(outcome["real"]).endswith(
        "cannot be written by this user: a run needs a folder of its own."
    )
    assert last(outcome["missing"]).endswith(
        ".json is missing and cannot be written: Permission denied."
    )


def last(done: Done) -> str:
    return done.text.rstrip().splitlines()[-1]


def asked_twice(project: Project, *words: str) -> tuple[Done, Done]:
    return call(project, snakemake("-n", *words)), ablation(project, "plan", *words)


def in_two_lines(project: Project) -> tuple[Done, Done]:
    return asked_twice(Project(project.path.rename(project.path.with_name("two\nlines"))))


@promise(8)
@prepared(in_two_lines, fresh=True)
def test_a_folder_of_two_lines_is_refused(outcome: tuple[Done, Done]) -> None:
    listed, planned = outcome
    assert (listed.status, planned.status) == (1, 2)
    assert planned.text.endswith(
        "has a control character in its name: allowed is any other name.\n"
    )
    assert planned.text.strip() in listed.text
    assert "Traceback" not in listed.text


MISTAKES = {
    "report: {title: a}\nreport: {title: b}\n": "has the key 'report' twice in one mapping",
    '{"report": {"title": "a", "title": "b"}}': "has the key 'title' twice in one mapping",
    'study: {name: m}\nreport: {title: "\\ud83d x"}\n': "report.title holds half a surrogate pair",
    'study: {name: m}\nreport: {title: "a\\nb"}\n': "report.title holds the control character '\\n'",
}
TYPED = "models={fnn: {replicates: 7}}"


def mistaken(project: Project) -> list[tuple[str, Done, Done]]:
    """What Snakemake and the command say of the same mistake."""
    found = []
    for text, said in MISTAKES.items():
        (project.path / "mistake.yaml").write_text(text, "utf-8")
        found.append((said, *asked_twice(project, "--configfile", "mistake.yaml")))
    said = "models.fnn.replicates is 7: allowed is an integer at least 6"
    found.append((said, *asked_twice(project, "--config", TYPED)))
    (project.path / "config.yaml").write_text("report: {title: 研究}\n", "gbk")
    found.append(("config.yaml is of another encoding from line 1 on", *asked_twice(project)))
    return found


@promise(7)
@pytest.mark.extended
@prepared(mistaken, fresh=True)
def test_snakemake_and_the_command_refuse_in_the_same_sentence(
    outcome: list[tuple[str, Done, Done]],
) -> None:
    for said, listed, planned in outcome:
        assert (listed.status, planned.status) == (1, 2)
        assert said in planned.text
        assert planned.text.count("\n") == 1
        assert planned.text in listed.text
        assert "Traceback" not in listed.text


def in_ascii(project: Project) -> list[Done]:
    """The commands on a terminal that has no é, each of which has one to say."""
    plain = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    commands = (
        ("plan", "--configfile", "é.yaml"),
        ("verify", "--cell", "é"),
        ("diff", "report.html", "é"),
        ("diff", "report.html", "results", "--output", "é.html"),
        ("prune", "--configfile", "é.yaml"),
        ("plan",),
        ("prune",),
    )
    return [ablation(project, *words, **plain) for words in commands]


@prepared(in_ascii)
def test_a_terminal_of_another_encoding_shows_a_sign_for_what_it_lacks(outcome: list[Done]) -> None:
    assert [done.status for done in outcome] == [2, 2, 2, 0, 2, 0, 0]
    assert all("Traceback" not in done.text for done in outcome)
    assert all("?" in done.text for done in outcome[:5])
