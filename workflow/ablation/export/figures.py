"""Figures that stand by themselves: SVG and PDF of the same drawing."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from matplotlib.figure import Figure

from ablation.figures.pdf import Face, chinese_face, families, to_pdf
from ablation.figures.svg import alone, to_svg

log = logging.getLogger("ablation")
Draw = Callable[[str, list[str], Callable[[Figure, str], dict[str, bytes]]], dict[str, Any]]


def files(
    draw: Draw, language: str, find: Callable[[], Face | None] = chinese_face
) -> dict[str, bytes]:
    """File name → content of every figure, as SVG and as PDF.

    An SVG names fonts and leaves its characters to the machine that shows it; a PDF carries its own. So where this machine
    has no font for Chinese, the PDF has English words, and the log says so.

    Args:
        draw: draws all figures in a language, with font families, and serialises each: name → what the serialiser gave.
        language: ``en`` or ``zh``.
        find: finds a font with Chinese characters.
    """
    face = find() if language == "zh" else None
    if language == "zh" and face is None:
        log.warning("no font with Chinese characters was found: the words in the PDFs are English")
        return {
            **_files(draw("zh", families(None), _svg)),
            **_files(draw("en", families(None), _pdf(None))),
        }
    if face is not None:
        log.info("Chinese characters are set in %s", face.family)
    pdf = _pdf(face)
    return _files(
        draw(
            language,
            families(face),
            lambda figure, prefix: {**_svg(figure, prefix), **pdf(figure, prefix)},
        )
    )


def _svg(figure: Figure, prefix: str) -> dict[str, bytes]:
    return {"svg": alone(to_svg(figure, prefix))}


def _pdf(face: Face | None) -> Callable[[Figure, str], dict[str, bytes]]:
    if face is None:
        return lambda figure, prefix: {"pdf": to_pdf(figure)}
    return lambda figure, prefix: {"pdf": to_pdf(figure, face.fonttype)}


def _files(drawn: dict[str, dict[str, bytes]]) -> dict[str, bytes]:
    return {
        f"{name}.{kind}": content
        for name, formats in drawn.items()
        for kind, content in formats.items()
    }
