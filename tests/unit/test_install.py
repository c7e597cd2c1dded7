"""``pip install -e .`` makes the package importable from anywhere, and leaves nothing beside it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from conftest import REPOSITORY

INSTALL = (
    *("-m", "pip", "install", "--quiet", "--no-build-isolation", "--no-deps", "--no-index"),
    *("--disable-pip-version-check", "--prefix", "prefix", "-e", "project"),
)
TRY = """
import site, sys
site.addsitedir(sys.argv[1])
import ablation, ablation.store.places, snakemake_logger_plugin_ablation
print(ablation.store.places.PROJECT)
try:
    ablation.load("mine")
except ValueError as error:
    print(error)
"""


def test_an_editable_install_is_used_where_it_lies(tmp_path: Path) -> None:
    """Without the network: what builds it is installed with torch."""
    project = tmp_path / "project"
    shutil.copytree(
        REPOSITORY / "workflow", project / "workflow", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(REPOSITORY / name, project)
    before = sorted(project.rglob("*"))
    subprocess.run([sys.executable, *INSTALL], cwd=tmp_path, check=True)
    assert sorted(project.rglob("*")) == before
    (site,) = (tmp_path / "prefix").glob("**/site-packages")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = subprocess.run(
        [sys.executable, "-P", "-B", "-c", TRY, str(site)],
        cwd=elsewhere, capture_output=True, text=True, check=True, env={},
    )  # fmt: skip
    assert done.stdout.splitlines() == [
        str(project),
        "mine is no finished study and no folder of one: none is finished.",
    ]


def test_every_top_package_is_installed() -> None:
    setup = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    assert set(setup["packages"]) == set(setup["package-dir"])
    for name, folder in setup["package-dir"].items():
        assert (REPOSITORY / folder / "__init__.py").is_file()
        assert Path(folder).name == name
