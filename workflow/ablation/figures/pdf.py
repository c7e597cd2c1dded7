"""From a matplotlib figure to a repeatable PDF, and which fonts it can be set in."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
from fontTools.ttLib import TTFont
from matplotlib import font_manager
from matplotlib.figure import Figure

from ablation.figures.style import FONTS

# Sans-serif families with simplified Chinese characters, in the order of preference.
CHINESE = (
    *("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Microsoft YaHei", "PingFang SC"),
    *("WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "SimHei", "Heiti SC", "Noto Sans CJK JP"),
)
TRUETYPE, OUTLINES = 42, 3


@dataclass(frozen=True)
class Face:
    """A font family, and how matplotlib has to embed it (``pdf.fonttype``)."""

    family: str
    fonttype: int


def to_pdf(figure: Figure, fonttype: int = TRUETYPE) -> bytes:
    """The figure as PDF: vector, text as text with its font embedded, no date; the same bytes for the same figure."""
    buffer = io.BytesIO()
    undated = {"CreationDate": None, "Creator": None, "Producer": None}
    with mpl.rc_context({"pdf.fonttype": fonttype}):
        figure.savefig(buffer, format="pdf", metadata=undated)
    return buffer.getvalue()


def chinese_face(wanted: Sequence[str] = CHINESE) -> Face | None:
    """The first wanted family that matplotlib finds on this machine, or None."""
    found = _found(wanted)
    if found is None:  # matplotlib's list of fonts may be older than the font
        known = {entry.fname for entry in font_manager.fontManager.ttflist}
        for path in set(font_manager.findSystemFonts()) - known:
            try:
                font_manager.fontManager.addfont(path)
            except (OSError, RuntimeError, ValueError):  # a file that FreeType cannot read
                continue
        found = _found(wanted)
    if found is None:
        return None
    # Embedded as TrueType, a font with PostScript outlines gives a PDF whose description of it is wrong.
    postscript = TTFont(found[1], fontNumber=0, lazy=True).sfntVersion == "OTTO"
    return Face(found[0], OUTLINES if postscript else TRUETYPE)


def _found(wanted: Sequence[str]) -> tuple[str, str] | None:
    files = {
        entry.name: str(entry.fname)
        for entry in font_manager.fontManager.ttflist
        if Path(entry.fname).is_file()
    }
    return next(((name, files[name]) for name in wanted if name in files), None)


def families(face: Face | None) -> list[str]:
    """The families of a figure: its own first, so that only what it lacks is taken from the other."""
    return [*FONTS, *([face.family] if face else [])]
