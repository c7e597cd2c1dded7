"""What the README and the how-to pages let a reader type is run by CI, or stands for something that a test shows."""

from __future__ import annotations

import re
import runpy
import sys
import tomllib
from pathlib import Path

import pytest
from conftest import REPOSITORY

CI = runpy.run_path(str(REPOSITORY / ".ci" / "documented_commands.py"))
PAGES: list[Path] = CI["pages"]()
STEPS = (REPOSITORY / ".ci" / "run").read_text("utf-8")
SHOWN_BY = {
    "sh": ".ci/documented_commands.py",
    "python": ".ci/documented_commands.py",
    "own": "tests/workflow/test_guide.py",
    "docker": "tests/container/checks.py",
    "cluster": "tests/workflow/test_devices_workflow.py",
    "storage": "tests/elsewhere/test_object_storage.py",
}
NO_COMMAND = {"yaml"}
TEXT = """
```sh
make first # a comment
make test
```

```yaml
make: nothing
```

```python
print(1)
```
"""


def commands(language: str) -> list[tuple[str, str]]:
    """Page and command of each line in the blocks of a language."""
    return [
        (page.name, CI["command_of"](line))
        for page in PAGES
        for found, text in CI["blocks"](page.read_text("utf-8"))
        if found == language
        for line in text.splitlines()
        if CI["command_of"](line)
    ]


def test_blocks_of_commands_are_run_in_order_and_no_others() -> None:
    calls = [CI["to_run"](block, "make test 2>&1 | tee log\n") for block in CI["blocks"](TEXT)]
    assert calls == [
        ["bash", "-euxo", "pipefail", "-c", "make first # a comment"],
        None,
        [sys.executable, "-c", "print(1)\n"],
    ]


@pytest.mark.parametrize(
    "step",
    ["make test", "  make test 2>&1 | tee log", "time make test", "A=$B make test > log 2>&1 &"],
)
def test_a_step_of_ci_is_known(step: str) -> None:
    assert CI["is_step"]("make test", f"section x\n{step}\nmake lint\n")


@pytest.mark.parametrize(
    "step", ["make test-extended", "make test CONFIG=x", "# make test", "make"]
)
def test_another_command_is_no_such_step(step: str) -> None:
    assert not CI["is_step"]("make test", f"section x\n{step}\nmake lint\n")


def test_the_pages_are_the_readme_and_the_how_to_pages() -> None:
    assert [page.name for page in PAGES] == [
        *("README.md", "cluster.md", "data-sets.md", "docker.md", "export.md", "from-python.md"),
        *("gpu.md", "object-storage.md", "run-and-follow.md", "scale.md", "verify-and-compare.md"),
    ]


def test_every_block_is_run_or_shown() -> None:
    found = {language for page in PAGES for language, _ in CI["blocks"](page.read_text("utf-8"))}
    assert found == SHOWN_BY.keys() | NO_COMMAND
    for file in SHOWN_BY.values():
        assert (REPOSITORY / file).is_file()
    fences = sum(page.read_text("utf-8").count("```") for page in PAGES)
    assert fences == 2 * sum(len(CI["blocks"](page.read_text("utf-8"))) for page in PAGES)


def test_the_readme_has_the_commands_that_users_know() -> None:
    lines = {line for page, line in commands("sh") if page == "README.md"}
    assert {"make report", "make test", "snakemake --cores 8 report.html"} <= lines
    assert "snakemake results/cnn/kernel_5/metrics.json" in lines
    assert ("README.md", "docker run hw1 snakemake --resources gpu=1") in commands("docker")
    assert len((REPOSITORY / "README.md").read_text("utf-8").split()) <= 880


def test_every_named_target_is_one_of_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text("utf-8"), re.M))
    named = {
        (page.name, target)
        for page in [*PAGES, REPOSITORY / "CONTRIBUTING.md"]
        for target in re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text("utf-8"), re.MULTILINE)
    }
    assert len(named) > 20
    assert {(page, target) for page, target in named if target not in targets} == set()


def test_commands_on_files_of_ones_own_are_those_of_the_guide() -> None:
    guide = (REPOSITORY / "docs" / "extending.md").read_text("utf-8")
    shown = {CI["command_of"](line) for line in re.findall(r"^\$ (.*)$", guide, re.MULTILINE)}
    assert {line for _, line in commands("own")} <= shown


def test_plugins_for_clusters_have_the_versions_that_are_tested() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))
    lines = [line for _, line in commands("cluster") if line.startswith("pip install ")]
    named = {word for line in lines for word in line.split()[2:]}
    extras = project["project"]["optional-dependencies"]
    assert named == {pin for name in ("slurm", "kubernetes") for pin in extras[name]}
    assert named <= set(project["dependency-groups"]["dev"])
