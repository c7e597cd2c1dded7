"""From a matplotlib figure to a small, repeatable SVG that can stand in a page with others."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET

from matplotlib.figure import Figure

from ablation.figures.style import INK

_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_DECIMALS = re.compile(r"-?\d+\.\d{2,}")
_POINT = re.compile(r"M ?(\S+ \S+) L \1(?= M| *$)")
_FACE = re.compile(r"font-family:[^;]*;?\s*|(?<=[;\s])fill: currentColor;?\s*$")
_NO_TURN = re.compile(r"rotate\(-?0 [^)]*\)")
_GEOMETRY = ("d", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "transform", "points")
FONTS_ALONE = "'DejaVu Sans', Verdana, 'Noto Sans CJK SC', 'Source Han Sans SC', sans-serif"
FONTS = "system-ui, -apple-system, 'Segoe UI', 'Noto Sans', 'DejaVu Sans', sans-serif"


def to_svg(figure: Figure, prefix: str) -> bytes:
    """The figure as SVG: the same bytes for the same figure, every id begins with the prefix.

    Text and axes are drawn in ``currentColor``, in the font of the page; no date, no metadata.
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return clean(buffer.getvalue(), prefix)


def alone(svg: bytes) -> bytes:
    """An SVG of :func:`to_svg` that stands by itself: black, in the font that it was measured with.

    Editors that set figures on paper know neither ``currentColor`` nor the fonts of a page.
    """
    text = svg.decode().replace("currentColor", "#000000").replace(FONTS, FONTS_ALONE)
    return text.encode()


def clean(raw: bytes, prefix: str) -> bytes:
    """Drop what only an editor needs, shorten numbers, make the ids unique to the prefix."""
    ET.register_namespace("", _SVG)
    ET.register_namespace("xlink", _XLINK)
    root = ET.fromstring(raw)
    for metadata in root.findall(f"{{{_SVG}}}metadata"):
        root.remove(metadata)
    used = _referenced(root)
    for element in root.iter():
        for name, value in list(element.attrib.items()):
            if name == "id":
                if value in used:
                    element.set("id", f"{prefix}-{value}")
                else:
                    del element.attrib["id"]
            elif name in (f"{{{_XLINK}}}href", "href") and value.startswith("#"):
                del element.attrib[name]
                element.set("href", f"#{prefix}-{value[1:]}")
            elif name == f"{{{_XLINK}}}href":  # an image in the figure
                del element.attrib[name]
                element.set("href", value)
            elif name == "transform" and _NO_TURN.fullmatch(value.strip()):
                del element.attrib[name]
            else:
                element.set(name, _attribute(name, value, prefix))
        if element.tag == f"{{{_SVG}}}style" and element.text:
            # A style element would leak into the page; the only rule in it is repeated here.
            element.text = None
    _drop_empty_styles(root)
    root.set("style", f"font-family: {FONTS}; fill: currentColor; stroke-linejoin: round")
    ET.indent(root, space="")
    return (
        b'<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, "unicode").encode() + b"\n"
    )


def flattened(svg: bytes) -> bytes:
    """The same drawing in a third of the size.

    Lines of one style are one path, places are given to a tenth of a point, and there are no bare groups and no white space.
    """
    root = ET.fromstring(svg)
    _flatten(root)
    _join_lines(root)
    _drop_repeated_marks(root)
    for path in root.iter(f"{{{_SVG}}}path"):
        path.set("d", _DECIMALS.sub(lambda match: _short(match[0], 1), path.get("d", "")))
    return ET.tostring(root, "unicode").encode()


def _flatten(parent: ET.Element) -> None:
    if parent.tag != f"{{{_SVG}}}text":  # white space in it is seen
        parent.text = None
    for child in list(parent):
        _flatten(child)
        child.tail = None
        bare = child.tag in (f"{{{_SVG}}}g", f"{{{_SVG}}}defs") and not child.attrib
        if bare and (child.tag == f"{{{_SVG}}}g" or not len(child)):
            place = list(parent).index(child)
            parent.remove(child)
            for offset, inner in enumerate(list(child)):
                parent.insert(place + offset, inner)


def _join_lines(root: ET.Element) -> None:
    first: dict[tuple[tuple[str, str], ...], ET.Element] = {}
    for path in root.findall(f"{{{_SVG}}}path"):
        style = path.get("style", "")
        others = tuple(sorted((name, text) for name, text in path.items() if name != "d"))
        # Without a place where nothing finite was to be drawn; or neither filled nor stroked.
        if not path.get("d") or style == "fill: none":
            root.remove(path)
        elif "fill: none" in style and others in first:
            first[others].set("d", f"{first[others].get('d')}{path.get('d')}")
            root.remove(path)
        else:
            first[others] = path


def _drop_repeated_marks(root: ET.Element) -> None:
    """Two marks of one look on one place are one."""
    seen: set[tuple[tuple[str, str], ...]] = set()
    for mark in root.findall(f"{{{_SVG}}}use"):
        attributes = tuple(sorted(mark.items()))
        if attributes in seen:
            root.remove(mark)
        seen.add(attributes)


def _referenced(root: ET.Element) -> set[str]:
    found: set[str] = set()
    for element in root.iter():
        for name, value in element.attrib.items():
            found.update(_REFERENCE.findall(value))
            if name in (f"{{{_XLINK}}}href", "href") and value.startswith("#"):
                found.add(value[1:])
    return found


def _attribute(name: str, value: str, prefix: str) -> str:
    value = _REFERENCE.sub(lambda match: f"url(#{prefix}-{match[1]})", value)
    value = value.replace(INK, "currentColor")
    if name == "style":
        # The face comes from the page, so that a figure is set like the text around it.
        value = _FACE.sub("", value).rstrip("; ")
    if name in _GEOMETRY:
        value = _LONG_NUMBER.sub(lambda match: _short(match[0]), value)
        value = " ".join(value.split())
    if name == "d":
        value = _compact(value)
    return value


def _compact(path: str) -> str:
    """The same path in fewer characters: a segment without length is ``h0``, L is not repeated."""
    path = _POINT.sub(r"M \1h0", path)
    path = re.sub(r"(?<=\d) L (?=[^A-Z]+ L |[^A-Z]+$|[^A-Z]+ [A-Z])", "L", path)
    path = re.sub(r" ?([A-Za-z]) ?", r"\1", path)
    return re.sub(r"(?<=[\d.])L([^A-Za-z]+)((?:L[^A-Za-z]+)+)", _joined, path)


def _joined(match: re.Match[str]) -> str:
    return f"L{match[1]} {match[2][1:].replace('L', ' ')}"


def _short(number: str, digits: int = 2) -> str:
    text = f"{float(number):.{digits}f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def _drop_empty_styles(root: ET.Element) -> None:
    for parent in root.iter():
        for child in list(parent):
            empty_style = child.tag == f"{{{_SVG}}}style" and not child.text
            empty_defs = child.tag == f"{{{_SVG}}}defs" and not len(child)
            if empty_style or empty_defs:
                parent.remove(child)
