"""What the checks need of a container engine, and Docker as one."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

MOUNT_POINT = "/study"


class EngineError(Exception):
    """The engine did not do what it was asked to."""


@dataclass(frozen=True)
class Done:
    """How a command ended: exit status, and all that it printed."""

    status: int
    text: str


@dataclass(frozen=True)
class Image:
    """What an image says of itself.

    Attributes:
        layers: their digests, from the lowest on. They cover time stamps: a layer made anew has another.
    """

    user: str
    labels: dict[str, str]
    size: str
    layers: list[str]


class Engine(Protocol):
    """Builds images, and runs them without a network."""

    name: str

    def build(self, context: Path, tag: str, arguments: Mapping[str, str]) -> None: ...

    def image(self, tag: str) -> Image: ...

    def run(
        self,
        tag: str,
        *command: str,
        mount: Path | None = None,
        user: str | None = None,
        read_only: bool = False,
        capable: bool = False,
    ) -> Done:
        """Run a command in a new container.

        Args:
            mount: a folder to mount at ``/study``.
            user: ``UID:GID`` in place of the image's.
            read_only: nothing but ``/study`` and ``/tmp`` can be written.
            capable: keep the capabilities that the engine gives, and the ways to gain some; else there are none.
        """
        ...

    def close(self) -> None:
        """Remove what was made here."""
        ...


def call(command: Sequence[str], log: Path | None = None) -> Done:
    """Run a command; what it prints goes to the end of a log as it comes, where one is given."""
    if log is None:
        pipe = subprocess.PIPE
        done = subprocess.run(
            command, stdout=pipe, stderr=subprocess.STDOUT, text=True, errors="replace", check=False
        )
        return Done(done.returncode, done.stdout)
    with log.open("a", encoding="utf-8") as stream:
        start = stream.tell()
        status = subprocess.run(
            command, stdout=stream, stderr=subprocess.STDOUT, check=False
        ).returncode
    return Done(status, log.read_text("utf-8", errors="replace")[start:])


def must(command: Sequence[str], log: Path | None = None) -> str:
    """Run a command that has to succeed."""
    done = call(command, log)
    if done.status:
        last = "\n".join(done.text.splitlines()[-30:])
        raise EngineError(f"{' '.join(command[:4])} … ended with status {done.status}:\n{last}")
    return done.text


class Docker:
    """The Docker engine of this machine."""

    name = "Docker"

    def __init__(self, log: Path) -> None:
        self._log = log
        self._tags: set[str] = set()

    @staticmethod
    def available() -> bool:
        """Whether there is an engine behind the command."""
        return shutil.which("docker") is not None and call(["docker", "info"]).status == 0

    def build(self, context: Path, tag: str, arguments: Mapping[str, str]) -> None:
        given = [word for pair in arguments.items() for word in ("--build-arg", "=".join(pair))]
        command = ["docker", "build", "--progress=plain", *given, "--tag", tag, str(context)]
        must(command, self._log)
        self._tags.add(tag)

    def image(self, tag: str) -> Image:
        found = json.loads(must(["docker", "image", "inspect", tag]))[0]
        config, size = found["Config"], f"{found['Size'] / 1e9:.2f} GB"
        return Image(config["User"], config["Labels"] or {}, size, found["RootFS"]["Layers"])

    def run(
        self,
        tag: str,
        *command: str,
        mount: Path | None = None,
        user: str | None = None,
        read_only: bool = False,
        capable: bool = False,
    ) -> Done:
        options = ["--rm", "--network", "none"]
        options += [] if capable else ["--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
        options += ["--user", user] if user else []
        options += ["--volume", f"{mount}:{MOUNT_POINT}"] if mount else []
        options += ["--read-only", "--tmpfs", "/tmp"] if read_only else []
        return call(["docker", "run", *options, tag, *command])

    def close(self) -> None:
        for tag in self._tags:
            call(["docker", "image", "rm", "--force", tag])
