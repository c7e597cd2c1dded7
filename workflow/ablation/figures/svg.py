"""From a matplotlib figure to a small, repeatable SVG that can stand in a page with others."""

from __future__ import annotations

import io
import re

from matplotlib.figure import Figure

from ablation.figures.style import INK

FONTS = "system-ui, -apple-system, 'Segoe UI', 'Noto Sans', 'DejaVu Sans', sans-serif"
ROOT_STYLE = f"font-family: {FONTS}; fill: currentColor; stroke-linejoin: round"
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))
_ID = re.compile(r" id=\"([^\"]*)\"")
_REFERENCE = re.compile(r"[\"(]#([^\")]+)[\")]")
_COORDINATES = re.compile(r"(?<= )(?:[dxy]|width|height|transform)=\"[^\"]*\"")
_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_PATH = re.compile(r"(?<= d=\")[^\"]*")
_POINT = re.compile(r"M (\S+ \S+) L \1(?= M| *$)")
_WITHOUT_USE = re.compile(
    r"<style.*?</style>"  # would leak into the page; the root's style repeats its one rule
    r"|font-family: [^;]*; "  # the page's fonts set the text
    r"|<path d=\"[^\"]*\" style=\"fill: none\"/>"  # neither filled nor stroked
    r"| transform=\"rotate\(-0 [^\"]*\""
    r"| xmlns:xlink=\"[^\"]*\"|(?<= )xlink:(?=href)|\n"
)


def to_svg(figure: Figure) -> bytes:
    """The figure as SVG: the same bytes for the same figure, its ids made its own by the salt of :func:`style.rc`.

    Text and axes are drawn in ``currentColor``, in the font of the page; no date, no metadata.
    """
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata=_NO_METADATA)
    return clean(buffer.getvalue()).encode()


def clean(raw: str) -> str:
    """Drop what only an editor or a file needs, and shorten numbers and paths."""
    used = set(_REFERENCE.findall(raw))
    text = re.sub(r">\s+<", "><", raw[raw.index("<svg") :])
    text = _ID.sub(lambda match: match[0] if match[1] in used else "", text)
    text = _COORDINATES.sub(lambda match: _NUMBER.sub(_short, match[0]), text)
    text = _WITHOUT_USE.sub("", text).replace(INK, "currentColor")
    text = _PATH.sub(_compact, text)
    return text.replace("<svg", f'<svg style="{ROOT_STYLE}"', 1)


def _short(number: re.Match[str]) -> str:
    text = f"{float(number[0]):.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _compact(path: re.Match[str]) -> str:
    """The same path in fewer characters: a segment without length is ``h0``, L is not repeated after M."""
    text = re.sub(r" ?([A-Za-z]) ?", r"\1", _POINT.sub(r"M \1h0", path[0].strip()))
    return text if "C" in text or "Q" in text else text.replace("L", " ")
