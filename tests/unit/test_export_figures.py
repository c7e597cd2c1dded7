"""Figures that stand by themselves: a font in every PDF, black in every SVG, and Chinese where a font has it."""

from __future__ import annotations

import logging
import re
import xml.etree.ElementTree as ET
import zlib
from typing import Any

import matplotlib as mpl
import pytest
from ablation.export.figures import files
from ablation.figures import draw_model
from ablation.figures.pdf import Face, chinese_face, families, to_pdf
from ablation.figures.style import rc
from ablation.language.catalogue import load
from matplotlib.figure import Figure
from report.sample import only, sample


def draw(language: str, fonts: list[str], serialise: Any) -> dict[str, Any]:
    made = only(sample(), "fnn", "activation")
    return draw_model(
        made.document, made.comparisons, made.tables, made.predictions, model="fnn",
        style={"palette": None, "fonts": fonts}, messages=load(language), serialise=serialise,
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


def titled(text: str, fonts: list[str], fonttype: int = 42) -> bytes:
    with mpl.rc_context(rc("t", fonts)):
        figure = Figure(figsize=(3, 1))
        figure.suptitle(text)
        return to_pdf(figure, fonttype)


def test_each_figure_is_an_svg_and_a_pdf_of_one_drawing() -> None:
    drawings: list[str] = []

    def counted(language: str, fonts: list[str], serialise: Any) -> dict[str, Any]:
        drawings.append(language)
        return draw(language, fonts, serialise)

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


def test_without_a_chinese_font_the_pdf_is_english_and_the_log_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        found = files(draw, "zh", find=lambda: None)
    assert "words in the PDFs are English" in caplog.text
    svg = found["fnn_activation_curves.svg"].decode()
    assert load("zh")["figure.epoch"] in svg
    assert found["fnn_activation_curves.pdf"] == files(draw, "en")["fnn_activation_curves.pdf"]


@pytest.mark.skipif(
    chinese_face() is None, reason="this machine has no font with Chinese characters"
)
def test_with_a_chinese_font_the_pdf_has_its_characters() -> None:
    face = chinese_face()
    assert face is not None
    with_glyphs = titled("准确率", families(face), face.fonttype)
    name = face.family.replace(" ", "").removesuffix("SC").encode()
    assert name[:8] in with_glyphs.replace(b" ", b"")
    with pytest.warns(UserWarning, match="missing from font"):
        titled("准确率", families(None))


def test_an_unknown_family_is_not_found() -> None:
    assert chinese_face(["No Such Family"]) is None
    assert families(None) == ["DejaVu Sans"]
    assert families(Face("X", 42)) == ["DejaVu Sans", "X"]
