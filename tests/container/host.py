"""What a build without Docker takes from this machine: missing programs, and the way in which pip reaches its packages."""

from __future__ import annotations

import ast
import os
import re
import shutil
import ssl
import sys
from collections.abc import Sequence
from pathlib import Path

from engine import EngineError, call, must

# Not in the image's own certificate folder: the package ca-certificates writes there.
BUNDLE = "/run/host-certificates.crt"
PIP_CONFIG = "/etc/pip.conf"
INDEXES = ("index-url", "extra-index-url")


def apt_install(programs: Sequence[str]) -> None:
    """Install Debian's packages of the same names, where a program is missing."""
    missing = [program for program in programs if shutil.which(program) is None]
    if not missing:
        return
    if shutil.which("apt-get") is None:
        raise EngineError(f"There is no Docker engine here; without one, install {missing}.")
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    must(["apt-get", "update", "-qq"])
    must(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing])


def pip_settings() -> dict[str, str]:
    """What this machine's pip is told by files and environment: option → value."""
    listed = call([sys.executable, "-m", "pip", "config", "list"])
    if listed.status:
        return {}
    settings: dict[str, str] = {}
    lines = re.findall(r"""^(\S+?)=(['"].*['"])$""", listed.text, re.MULTILINE)
    # Files before the environment, general before particular, as pip itself ranks them.
    for name, value in sorted(lines, key=lambda line: line[0].startswith(":env:")):
        section, _, option = name.rpartition(".")
        if section in ("global", "install", ":env:"):
            settings[option] = " ".join(ast.literal_eval(value).split())
    return settings


def certificates(settings: dict[str, str]) -> Path | None:
    """The bundle of certificates that this machine trusts."""
    default = ssl.get_default_verify_paths().cafile
    named = (settings.get("cert"), os.environ.get("SSL_CERT_FILE"), default)
    return next((Path(path) for path in named if path and Path(path).is_file()), None)


def places(settings: dict[str, str]) -> set[Path]:
    """The folders of packages and the files that the settings name; the pages of an index point to files beside it."""
    found: set[Path] = set()
    for option, value in settings.items():
        for word in value.split():
            path = Path(word.removeprefix("file://"))
            if path.is_absolute() and (path.is_dir() or (path.is_file() and option != "cert")):
                beside = option in INDEXES and path.parent != Path("/")
                found.add(path.parent if beside else path)
    return found


def pip_mounts(folder: Path) -> dict[Path, str]:
    """Host path → path in the build, so that pip works there as it does here.

    Args:
        folder: where to write the configuration.
    """
    settings = pip_settings()
    mounts = {path: str(path) for path in places(settings)}
    bundle = certificates(settings)
    if bundle is not None:
        copied = folder / "certificates.crt"
        shutil.copyfile(bundle, copied)
        mounts[copied] = BUNDLE
        settings["cert"] = BUNDLE
    if settings:
        lines = [f"{option} = {value}" for option, value in settings.items()]
        written = folder / "pip.conf"
        written.write_text("\n".join(["[global]", *lines, ""]), encoding="utf-8")
        mounts[written] = PIP_CONFIG
    return mounts
