"""What ``make docker-test`` reads and says, without an engine: Docker's command line, pip's settings."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import checks
import host
import pytest
from conftest import REPOSITORY
from engine import Docker, Done, EngineError

DOCKER = '#!/bin/sh\nfor word; do echo "$word" >> "$0.log"; done\nexit "${STATUS-0}"\n'


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The words that a stand-in for docker is called with."""
    program = tmp_path / "docker"
    program.write_text(DOCKER, "utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    return tmp_path / "docker.log"


def test_what_docker_is_told(said: Path, tmp_path: Path) -> None:
    docker = Docker(tmp_path / "build.log")
    folder = Path("/some/folder")
    assert docker.run("hw1", "id", mount=folder, user="1:2", read_only=True).status == 0
    locked = "run --rm --network none --cap-drop ALL --security-opt no-new-privileges"
    words = f"{locked} --user 1:2 --volume /some/folder:/study --read-only --tmpfs /tmp hw1 id"
    assert said.read_text("utf-8").split() == words.split()
    said.unlink()
    assert docker.run("hw1", "id", capable=True).status == 0
    assert said.read_text("utf-8").split() == ["run", "--rm", "--network", "none", "hw1", "id"]


def test_a_build_that_fails_says_why(
    said: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATUS", "3")
    with pytest.raises(EngineError, match="ended with status 3"):
        Docker(tmp_path / "build.log").build(tmp_path, "hw1", {"VERSION": "1"})
    assert "VERSION=1" in said.read_text("utf-8").split()


def test_pip_works_in_a_build_as_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index, wheels, bundle = tmp_path / "index" / "simple", tmp_path / "wheels", tmp_path / "ca.crt"
    limits = tmp_path / "constraints.txt"
    limits.write_text("torch<=2.14.1", "utf-8")
    for path in (index, wheels):
        path.mkdir(parents=True)
    bundle.write_text("certificates", "utf-8")
    listed = (
        f":env:.find-links='{wheels}'\nglobal.cert='{bundle}'\n"
        f"global.constraint='{limits}'\n"
        f"global.extra-index-url='\\nfile://{index}\\nhttps://example.org/simple'\n"
        "global.find-links='/nowhere'\ninstall.quiet=\"1\"\nlist.format='json'\n"
    )
    monkeypatch.setattr(host, "call", lambda _: Done(0, listed))
    folder = tmp_path / "for the build"
    folder.mkdir()
    mounts = host.pip_mounts(folder)
    assert {str(path) for path in mounts} == {
        *(str(index.parent), str(wheels), str(limits)),
        *(str(folder / "certificates.crt"), str(folder / "pip.conf")),
    }
    assert (folder / "pip.conf").read_text("utf-8").splitlines() == [
        *("[global]", f"cert = {host.BUNDLE}", f"constraint = {limits}"),
        f"extra-index-url = file://{index} https://example.org/simple",
        *(f"find-links = {wheels}", "quiet = 1"),
    ]


def entrypoint(words: str, folder: Path, environ: dict[str, str]) -> str:
    """What a command prints that is run through the entrypoint."""
    script = f"{REPOSITORY}/docker/entrypoint.sh {words}"
    return subprocess.check_output(["sh", "-c", script], cwd=folder, env=environ, text=True).strip()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("true", ""),
        ("snakemake", "--snakefile /opt/hw1/Snakefile"),
        ("snakemake -n 'a b'", "--snakefile /opt/hw1/Snakefile -n a b"),
        ("snakemake -s other", "-s other"),
        ("snakemake config/none.yaml", "--snakefile /opt/hw1/Snakefile config/none.yaml"),
    ],
)
def test_entrypoint(words: str, expected: str, tmp_path: Path) -> None:
    program = tmp_path / "bin" / "snakemake"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho "$*"\n', "utf-8")
    program.chmod(0o755)
    environ = {"PATH": f"{program.parent}:{os.environ['PATH']}"}
    assert entrypoint(words, tmp_path, environ) == expected


def test_entrypoint_in_a_checkout(tmp_path: Path) -> None:
    (tmp_path / "Snakefile").touch()
    environ = {**os.environ, "ABLATION_REVISION": "abc"}
    words = """sh -c 'echo "$1:${ABLATION_REVISION-}"' 0 'a b'"""
    assert entrypoint(words, tmp_path, environ) == "a b:"


def test_the_pages_have_the_commands_that_users_know() -> None:
    found = checks.documented_commands(REPOSITORY)
    assert ("snakemake", "--resources", "gpu=1") in found
    assert ("snakemake", "results/cnn/kernel_5/metrics.json") in found
    assert all(words[0] == "snakemake" for words in found)


def test_each_documented_command_is_run_on_the_output_folder(said: Path, tmp_path: Path) -> None:
    bench = checks.Bench(Docker(tmp_path / "build.log"), "hw1", REPOSITORY, tmp_path, "1", "r")
    checks.plans_the_documented_commands(bench)
    words = said.read_text("utf-8").split()
    assert words.count("--dry-run") >= 3
    assert words.count(f"{tmp_path}:/study") == words.count("--dry-run")
