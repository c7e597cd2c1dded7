"""Colours, dashes and markers: one look per value, the same in every figure and in the tables."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

# Stands for the colour of the surrounding text until the SVG is written.
INK = "#010203"
BAND = (0.1, 0.9)  # the quantiles over replicates between which a learning curve's band lies
DEFAULT_PALETTE = ("#0072b2", "#d55e00", "#009e73", "#b5539c", "#8a6d1d", "#5a6b7b")
# seaborn's palette of this name: the shipped configuration has it, and to import seaborn takes as long as to draw a figure.
_COLORBLIND = (
    *("#0173b2", "#de8f05", "#029e73", "#d55e00", "#cc78bc"),
    *("#ca9161", "#fbafe4", "#949494", "#ece133", "#56b4e9"),
)

# The reference is solid with a circle; no other value is.
_DASHES: tuple[tuple[int, tuple[float, ...]], ...] = (
    (0, (5, 1.6)),
    (0, (1.4, 1.2)),
    (0, (6, 1.4, 1.4, 1.4)),
    (0, (3, 1)),
    (0, (7, 1.2, 1.2, 1.2, 1.2, 1.2)),
)
_MARKERS = ("s", "^", "D", "v", "P", "X", "<", ">")
# Relative luminance of a mark that has a contrast of 3:1 to the page's lightest and darkest ground (style/page.css).
_SEEN = (0.15, 0.258)


@dataclass(frozen=True)
class Look:
    """How one value is drawn. dash: a matplotlib line style."""

    colour: str
    dash: Any
    marker: str

    @property
    def line(self) -> dict[str, Any]:
        """As what matplotlib's ``plot`` takes."""
        return {"color": self.colour, "linestyle": self.dash, "marker": self.marker}

    @property
    def mark(self) -> dict[str, Any]:
        """The same without a line."""
        return self.line | {"linestyle": "none"}


def colours(palette: Any, n: int) -> list[str]:
    """At least n colours as ``#rrggbb``.

    palette: a list of colours, repeated when short; the name of a seaborn palette, of which the
    colours far too faint on white or on black are left out; None for our own. Each is made as
    much darker or lighter as it must be to be seen on both.
    """
    if palette is None:
        chosen = list(DEFAULT_PALETTE)
    elif isinstance(palette, str):
        chosen = _named(palette, n)
    else:
        chosen = [str(colour).lower() for colour in palette]
    if not chosen:
        raise ValueError("a palette needs at least one colour")
    chosen = [seen(colour) for colour in chosen]
    return [chosen[i % len(chosen)] for i in range(max(n, len(chosen)))]


def looks(labels: list[str], reference: str, palette: Any) -> dict[str, Look]:
    """The look of each value of an axis; the reference has the palette's first colour."""
    others = [label for label in labels if label != reference]
    palette_colours = colours(palette, len(others) + 1)
    look = {reference: Look(palette_colours[0], "solid", "o")}
    for i, label in enumerate(others):
        dash = _DASHES[i % len(_DASHES)]
        look[label] = Look(palette_colours[i + 1], dash, _MARKERS[i % len(_MARKERS)])
    return {label: look[label] for label in labels if label in look}


def luminance(colour: str) -> float:
    """Relative luminance of ``#rrggbb``, as the contrast rules of the web define it."""
    red, green, blue = _linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def seen(colour: str) -> str:
    """``#rrggbb`` in the same hue, darker or lighter where it is too faint on the page's light or dark ground."""
    level, (low, high) = luminance(colour), _SEEN
    parts = _linear(colour)
    if level > high:
        parts = [part * high / level for part in parts]
    elif level < low:
        white = (low - level) / (1 - level)
        parts = [part + white * (1 - part) for part in parts]
    else:
        return colour
    gamma = [12.92 * p if p <= 0.0031308 else 1.055 * p ** (1 / 2.4) - 0.055 for p in parts]
    return "#" + "".join(f"{round(255 * p):02x}" for p in gamma)


def _linear(colour: str) -> list[float]:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]


def _named(name: str, n: int) -> list[str]:
    named = list(_COLORBLIND) if name == "colorblind" else _of_seaborn(name)
    clear = [colour for colour in named if 0.05 < luminance(colour) < 0.40]
    if len(clear) < n:
        clear = _of_seaborn("husl", n, 0.8)
    return clear


def _of_seaborn(name: str, n: int | None = None, desat: float | None = None) -> list[str]:
    import seaborn as sns  # slow to import, and most palettes are lists

    return [str(colour) for colour in sns.color_palette(name, n, desat=desat).as_hex()]


@contextmanager
def styled(name: str, changes: dict[str, Any] | None = None) -> Iterator[None]:
    """matplotlib as every figure needs it. name: the figure's. changes: of the settings."""
    import matplotlib as mpl  # slow to import, and the report needs no more than colours

    settings: Any = rc(name) | (changes or {})
    with mpl.rc_context(settings), warnings.catch_warnings():
        # The page's fonts set the text; ours may lack its characters.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def rc(salt: str) -> dict[str, Any]:
    """matplotlib settings of every figure. salt: makes the ids of the SVG its own."""
    return {
        "axes.axisbelow": True,
        "axes.edgecolor": INK,
        "axes.facecolor": "none",
        "axes.grid": True,
        "axes.labelcolor": INK,
        "axes.labelsize": 9,
        "axes.linewidth": 0.6,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlecolor": INK,
        "axes.titlelocation": "left",
        "axes.titlepad": 7,
        "axes.titlesize": 9.5,
        "axes.titleweight": "bold",
        "axes.unicode_minus": True,
        "figure.facecolor": "none",
        "font.family": "DejaVu Sans",  # comes with matplotlib
        "font.size": 9,
        "grid.alpha": 0.14,
        "grid.color": INK,
        "grid.linewidth": 0.5,
        "legend.fontsize": 9,
        "legend.frameon": False,
        "lines.linewidth": 1.5,
        "path.simplify": False,
        "savefig.facecolor": "none",
        "svg.fonttype": "none",
        "svg.hashsalt": salt,
        "text.color": INK,
        "text.parse_math": False,  # a dollar in a title is one
        "xtick.color": INK,
        "xtick.labelsize": 8.5,
        "xtick.major.size": 3,
        "xtick.major.width": 0.6,
        "xtick.minor.size": 0,
        "ytick.color": INK,
        "ytick.labelsize": 8.5,
        "ytick.major.size": 3,
        "ytick.major.width": 0.6,
        "ytick.minor.size": 0,
    }
