"""Compare two studies: read both, write the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ablation.commands.dispatch import MistakeError
from ablation.machine.logs import say
from ablation.results.bundle import BundleError, read
from ablation.store.files import write_text

# What a document may do that has all its fields, but not what they mean together; no report that was made here is one.
UNFIT = (
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    ArithmeticError,
    StopIteration,
    RecursionError,
)


def diff(a: str, b: str, output: Path, *, language: str | None) -> None:
    """Compare two studies in one HTML file; differences are B minus A.

    Args:
        a, b: each an existing file (a report) or folder (of results).
        output: the file to write.
        language: ``en`` or ``zh``; that of B where None.

    Raises:
        MistakeError: one sentence, if one of the two cannot be read.
    """
    from ablation.diff import compare
    from ablation.diff.page import page

    names = {"a": a, "b": b}
    bundles = {side: _read(name, side.upper()) for side, name in names.items()}
    chosen = language or _language(bundles["b"])
    try:
        text = page(compare(bundles["a"], bundles["b"]), bundles, names, chosen)
    except UNFIT as error:
        raise MistakeError(
            f"{a} and {b} cannot be compared: the parts of one of them do not fit together ({type(error).__name__})."
        ) from None
    write_text(output, text)
    say(f"Written: {output}")


def _read(name: str, side: str) -> dict[str, Any]:
    if not name or not Path(name).exists():
        raise MistakeError(
            f"{side} is {name!r}: allowed are a report (an HTML file) or a folder of results (results or results/<study>)."
        )
    try:
        return read(Path(name))
    except BundleError as error:
        raise MistakeError(str(error)) from None


def _language(bundle: dict[str, Any]) -> str:
    report = (bundle["config"] or {}).get("report", {})
    return "zh" if report.get("language") == "zh" else "en"
