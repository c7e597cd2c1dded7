"""A report read as a tree, and texts that are compared number by number.

An expected text is a sequence of words and numbers. Words must be there as they are; a number must be the value, rounded half
up to as many decimals as are printed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from html.parser import HTMLParser

VOID = frozenset({"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source"})
UNREAD = frozenset({"script", "style", "svg"})
NUMBER = r"([+−]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)"
PROBABILITY = r"(<0\.001|[01]\.\d{3})"
LEAST_P = 0.001
NOISE = Decimal("1e-12")
MARKS = "■●▲◆▼★✚✖⬟⬢"  # of settings in figures and at the head of their rows


@dataclass(eq=False)
class Element:
    """An element with what it holds in order."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Element | str] = field(default_factory=list)

    @cached_property
    def below(self) -> list[Element]:
        """The elements below it, in the order of the page."""
        found = []
        for child in self.children:
            if isinstance(child, Element):
                found += [child, *child.below]
        return found

    def all(self, tag: str, kind: str = "") -> list[Element]:
        """The elements below it with this tag and class."""
        return [e for e in self.below if e.tag == tag and (not kind or kind in e.kinds)]

    def all_of(self, *tags: str) -> list[Element]:
        """The elements below it with one of these tags."""
        return [e for e in self.below if e.tag in tags]

    @property
    def kinds(self) -> list[str]:
        """Its classes."""
        return self.attributes.get("class", "").split()

    @property
    def text(self) -> str:
        """All text in it, white space made one."""
        return " ".join("".join(self._texts()).split())

    def _texts(self) -> Iterator[str]:
        if self.tag in UNREAD:
            return
        for child in self.children:
            if isinstance(child, str):
                yield child
            else:
                yield from child._texts()
                if child.tag == "br":
                    yield " "


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Element("page")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].children.append(Element(tag))

    def handle_endtag(self, tag: str) -> None:
        names = [element.tag for element in self.open]
        if tag in names[1:]:
            del self.open[len(names) - 1 - names[::-1].index(tag) :]

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def parse(html: str) -> Element:
    """The page as a tree."""
    builder = _Builder()
    builder.feed(html)
    builder.close()
    return builder.open[0]


def by_id(page: Element, name: str) -> Element:
    """The element with this id."""
    found = [each for each in page.below if each.attributes.get("id") == name]
    assert len(found) == 1, f"{len(found)} elements #{name}"
    return found[0]


def table(section: Element, caption: str) -> Element:
    """The one table of a section with this caption."""
    found = [
        each
        for each in section.all("table")
        if [c.text for c in each.all("caption")] == [caption] and not _in_deeper(section, each)
    ]
    assert len(found) == 1, f"{len(found)} tables “{caption}”"
    return found[0]


def _in_deeper(section: Element, found: Element) -> bool:
    return any(found in each.below for each in section.all("section"))


@dataclass(frozen=True)
class Number:
    """A number to be printed: ``signed`` with + or −, and no nearer than ``error`` where random numbers made it."""

    value: float
    signed: bool = False
    error: float = 0.0
    pattern = NUMBER

    def check(self, shown: str, where: str) -> None:
        """Whether it is the value, rounded half up to the decimals that are shown."""
        plain = Decimal(shown.replace(",", "").replace("−", "-"))
        step = Decimal(1).scaleb(int(plain.as_tuple().exponent))
        if self.error:
            distance = abs(float(plain) - self.value)
            assert distance <= self.error + float(step) / 2, f"{where}: {shown}, is {self.value}"
            return
        exact = Decimal(float(self.value))
        # A half that binary numbers hold is rounded up. Of others, such as 38.35, the last bit decides, and it may be noise.
        slack = Decimal(0) if exact == Decimal(repr(float(self.value))) else abs(exact) * NOISE
        rounded = [(exact + way * slack).quantize(step, ROUND_HALF_UP) for way in (-1, 1)]
        assert plain in rounded, f"{where}: shows {shown}, {self.value!r} rounds to {rounded[1]}"
        assert shown[0] in "+−" or not self.signed or not plain, f"{where}: {shown} has no sign"
        assert shown[0] != "+" or self.signed, f"{where}: {shown} has a sign"


@dataclass(frozen=True)
class Level(Number):
    """A level in percent: whole, or with two decimals at most."""

    def check(self, shown: str, where: str) -> None:
        """A level that is rounded to more than two decimals away is another level."""
        assert abs(float(shown) - self.value) <= 0.005000001, f"{where}: {shown}, is {self.value}"


@dataclass(frozen=True)
class P(Number):
    """A p-value."""

    pattern = PROBABILITY

    def check(self, shown: str, where: str) -> None:
        """Three decimals; below the least where these would be 0."""
        if shown[0] == "<":
            least = LEAST_P / 2 + self.error
            assert self.value < least, f"{where}: {shown}, is {self.value}"
        else:
            assert float(shown) > 0, f"{where}: {shown}"
            super().check(shown, where)


Piece = str | Number
Text = tuple[Piece, ...]


def text(*parts: Piece | Sequence[Piece]) -> Text:
    """Pieces in a row."""
    pieces: list[Piece] = []
    for part in parts:
        pieces.extend([part] if isinstance(part, str | Number) else part)
    return tuple(pieces)


def joined(separator: str, parts: Iterable[Text]) -> Text:
    """Texts with something between them."""
    found: list[Piece] = []
    for part in parts:
        found.extend([separator, *part] if found else part)
    return tuple(found)


def filled(template: str, values: Mapping[str, Piece | Text]) -> Text:
    """A message with its places filled."""
    pieces: list[Piece] = []
    for part in re.split(r"(%\(\w+\)s|%%)", template):
        if part == "%%":
            pieces.append("%")
        elif part.startswith("%("):
            value = values[part[2:-2]]
            pieces.extend([value] if isinstance(value, str | Number) else value)
        elif part:
            pieces.append(part)
    return tuple(pieces)


def check_text(shown: str, expected: Text, where: str) -> int:
    """Whether a text says what is expected; returns how many numbers it holds."""
    numbers = [piece for piece in expected if isinstance(piece, Number)]
    match = re.fullmatch("".join(map(escaped, expected)), shown)
    said = "".join(
        piece if isinstance(piece, str) else f"{{{piece.value:.6g}}}" for piece in expected
    )
    assert match, f"{where}: says “{shown}”, expected “{said}”"
    for piece, group in zip(numbers, match.groups(), strict=True):
        piece.check(group, f"{where}: “{shown}”")
    return len(numbers)


def escaped(piece: Piece) -> str:
    """A piece as a pattern."""
    return piece.pattern if isinstance(piece, Number) else re.escape(piece)


def cells(row: Element) -> list[str]:
    """The texts of a row of a table, without the marks of its settings."""
    parts = [e for e in row.children if isinstance(e, Element) and e.tag in ("td", "th")]
    return [each.text.lstrip(MARKS) if each.tag == "th" else each.text for each in parts]


def check_rows(rows: Sequence[Element], expected: Sequence[Sequence[Text]], where: str) -> int:
    """A table's rows, cell by cell."""
    assert len(rows) == len(expected), f"{where}: {len(rows)} rows, expected {len(expected)}"
    count = 0
    for number, (row, wanted) in enumerate(zip(rows, expected, strict=True)):
        own = cells(row)
        assert len(own) == len(wanted), f"{where}, row {number}: {own}"
        for column, (shown, each) in enumerate(zip(own, wanted, strict=True)):
            count += check_text(shown, each, f"{where}, row {number}, column {column}")
    return count


def body(found: Element) -> list[Element]:
    """The rows below the head."""
    return [row for part in found.all("tbody") for row in part.all("tr")]


def head(found: Element) -> Element:
    """The row of heads."""
    return found.all("thead")[0].all("tr")[0]
