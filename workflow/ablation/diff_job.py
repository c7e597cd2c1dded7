"""Compare two studies: find out what each name stands for, read both, write the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ablation.bundle import BundleError, read
from ablation.commands import MistakeError
from ablation.revision import read_revision, resolve
from ablation.store import write_text


def diff(
    a: str, b: str, output: Path, *, language: str | None, train: bool, cores: int | None
) -> None:
    """Compare two studies in one HTML file; differences are B minus A.

    Args:
        a, b: each an existing file (a report), an existing folder (of results), or a git revision, in this order.
        output: the file to write.
        language: ``en`` or ``zh``; that of B where None.
        train: train what a revision lacks.
        cores: for a revision; all where None.

    Raises:
        MistakeError: one sentence, if one of the two cannot be read.
    """
    from ablation.diff import compare
    from ablation.diff.page import page

    names = {"a": a, "b": b}
    kinds = {side: kind_of(name, side.upper()) for side, name in names.items()}
    bundles = {
        side: _read(names[side], kinds[side], train=train, cores=cores) for side in ("a", "b")
    }
    chosen = language or _language(bundles["b"])
    write_text(output, page(compare(bundles["a"], bundles["b"]), bundles, names, chosen))
    print(f"Written: {output}")


def kind_of(name: str, side: str) -> str | None:
    """What a name stands for: the commit of a revision, or None for a file or folder.

    Raises:
        MistakeError: one sentence, if it is none of these.
    """
    if name and Path(name).exists():
        return None
    commit = resolve(name) if name else None
    if commit is None:
        raise MistakeError(
            f"{side} is {name!r}: allowed are a report (an HTML file), a folder of results (results or results/<study>), "
            "or a revision of this git repository."
        )
    return commit


def _read(name: str, commit: str | None, *, train: bool, cores: int | None) -> dict[str, Any]:
    if commit is not None:
        return read_revision(name, commit, train=train, cores=cores)
    try:
        return read(Path(name))
    except BundleError as error:
        raise MistakeError(str(error)) from error


def _language(bundle: dict[str, Any]) -> str:
    report = (bundle["config"] or {}).get("report", {})
    return "zh" if report.get("language") == "zh" else "en"
