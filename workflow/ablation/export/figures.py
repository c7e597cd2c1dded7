"""Figures that stand by themselves: SVG and PDF of the same drawing."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from ablation.figures.svg import FONTS, to_svg

FONTS_ALONE = "'DejaVu Sans', Verdana, 'Noto Sans CJK SC', 'Source Han Sans SC', sans-serif"
TRUETYPE = 42

Draw = Callable[[str, Callable[[Figure], dict[str, bytes]]], dict[str, dict[str, bytes]]]


def files(draw: Draw, language: str) -> dict[str, bytes]:
    """File name → content of every figure, as SVG and as PDF.

    An SVG names fonts and leaves its characters to the machine that shows it; a PDF carries its own, which has no Chinese
    characters: its words are English.

    Args:
        draw: draws all figures in a language and serialises each: name → what the serialiser gave.
        language: of the words in the SVGs.
    """
    if language == "en":
        return _named(draw("en", lambda figure: {**_svg(figure), **_pdf(figure)}))
    return _named(draw(language, _svg)) | _named(draw("en", _pdf))


def _svg(figure: Figure) -> dict[str, bytes]:
    """Black, in the font that it was measured with: editors know neither ``currentColor`` nor the fonts of a page."""
    text = to_svg(figure).decode()
    return {"svg": text.replace("currentColor", "#000000").replace(FONTS, FONTS_ALONE).encode()}


def _pdf(figure: Figure) -> dict[str, bytes]:
    """Vector, text as text with its font embedded, no date."""
    buffer = io.BytesIO()
    undated = dict.fromkeys(("CreationDate", "Creator", "Producer"))
    with mpl.rc_context({"pdf.fonttype": TRUETYPE}):
        figure.savefig(buffer, format="pdf", metadata=undated)
    return {"pdf": buffer.getvalue()}


def _named(drawn: dict[str, dict[str, Any]]) -> dict[str, bytes]:
    return {
        f"{name}.{kind}": content
        for name, formats in drawn.items()
        for kind, content in formats.items()
    }
