"""Figures that stand by themselves: a font and English in every PDF, black in every SVG."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
import zlib
from typing import Any

from ablation.export.figures import files
from ablation.figures import model as figures
from ablation.language.catalogue import load
from ablation.language.words import Words
from report.sample import only, sample


def draw(language: str, serialise: Any) -> dict[str, Any]:
    made = only(sample(), "fnn", "activation")
    return figures.draw(
        made.document, made.comparisons, made.tables, made.predictions, model="fnn",
        palette=None, words=Words.of(language), serialise=serialise,
    )  # fmt: skip


def content(pdf: bytes) -> bytes:
    """All of a PDF, its compressed streams opened."""
    streams = re.findall(rb"stream\r?\n(.*?)endstream", pdf, flags=re.DOTALL)
    opened = []
    for stream in streams:
        try:
            opened.append(zlib.decompressobj().decompress(stream))
        except zlib.error:
            continue
    return pdf + b"".join(opened)


def test_each_figure_is_an_svg_and_a_pdf_of_one_drawing() -> None:
    drawings: list[str] = []

    def counted(language: str, serialise: Any) -> dict[str, Any]:
        drawings.append(language)
        return draw(language, serialise)

    found = files(counted, "en")
    assert drawings == ["en"]
    assert {name.partition(".")[0] for name in found} == {
        f"fnn_activation_{kind}" for kind in ("curves", "metrics", "predictions")
    }
    assert len(found) == 6
    for name, figure in found.items():
        if name.endswith(".pdf"):
            text = content(figure)
            assert figure.startswith(b"%PDF")
            assert b"/FontFile2" in text and b"/Type3" not in text.replace(b" ", b"")
            assert b"/CreationDate" not in text
            assert b"/Subtype /Image" not in text
        else:
            ET.fromstring(figure)
            assert b"currentColor" not in figure
            assert b"#000000" in figure
            assert b"font-family: 'DejaVu Sans'" in figure
    assert files(draw, "en") == found


def test_the_words_of_a_pdf_are_english() -> None:
    found = files(draw, "zh")
    svg = found["fnn_activation_curves.svg"].decode()
    assert load("zh")["figure.epoch"] in svg
    assert found["fnn_activation_curves.pdf"] == files(draw, "en")["fnn_activation_curves.pdf"]
