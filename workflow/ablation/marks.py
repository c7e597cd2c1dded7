"""Marks: what makes Snakemake see that a file on disk is not the one that the configuration asks for.

A path alone does not tell: a view or a report of another configuration has the same path, and Snakemake does not make a missing
intermediate while a later file exists. So every such target carries a fingerprint of what it was made from. While it is the
expected one, all inputs of the target are ``ancient`` and no time stamp matters. When it is not, the target's mark, a small
input file, gets new content and a time after the target's.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from ablation.store import read_json, write_json

META = re.compile(r'<meta name="fingerprint" content="([^"]*)"')


def fingerprint(target: Path) -> str | None:
    """The fingerprint that a target carries, or None if it is missing or carries none."""
    if target.suffix == ".html":
        try:
            with target.open(encoding="utf-8") as stream:
                found = META.search(stream.read(4096))
        except (OSError, UnicodeDecodeError):
            return None
        return found.group(1) if found else None
    document = read_json(target)
    if not isinstance(document, dict):
        return None
    found_text = document.get("fingerprint")
    return found_text if isinstance(found_text, str) else None


def settle(
    target: Path,
    mark: Path,
    expected: str,
    *,
    spec: Any = None,
    intact: bool = True,
    write: bool = True,
) -> bool:
    """Whether a target is the expected one; if not, see to it that its mark says so.

    Args:
        target: the file as it is on disk, or is not.
        mark: its mark.
        expected: the fingerprint that it should carry.
        spec: what the fingerprint stands for, kept in the mark where it is too long for a command line.
        intact: False if what belongs to the target is known to be damaged.
        write: False in processes that only look on (remote jobs).
    """
    fresh = intact and fingerprint(target) == expected
    found = read_json(mark)
    state = found if isinstance(found, dict) else {}
    known = state.get("expected") == expected
    if write and (not known or (not fresh and target.exists())):
        attempt = 0 if fresh else int(state.get("attempt", 0)) + 1
        write_json(mark, {"expected": expected, "attempt": attempt, "spec": spec})
        if not fresh and target.exists():
            later = target.stat().st_mtime_ns + 1_000_000_000
            if mark.stat().st_mtime_ns < later:
                os.utime(mark, ns=(later, later))
    return fresh
