"""A figure's SVG as part of a page."""

from __future__ import annotations

import re

from markupsafe import Markup

_XML = re.compile(r"<\?xml[^>]*\?>|<!DOCTYPE[^>]*>|\sxmlns(:\w+)?=\"[^\"]*\"")


def inline(svg: str | None) -> Markup:
    """The SVG text of our own figures without what only a file needs; empty for None."""
    return Markup(_XML.sub("", svg).strip()) if svg else Markup()  # nosec B704 # the project's own drawing
