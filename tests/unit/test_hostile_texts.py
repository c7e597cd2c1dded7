"""Texts of a user's that look like code, wherever they are shown: they are shown, and nothing else happens."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from html.parser import HTMLParser
from itertools import cycle
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from ablation.diff import compare
from ablation.diff.page import page as diff_page
from ablation.export import latex, tables
from ablation.export.crate import Contents, Raw, build
from ablation.export.figures import files
from ablation.figures.model import draw
from ablation.language.words import Words
from ablation.results.bundle import document
from ablation.study.config import ConfigError
from ablation.study.plan import read_plan
from report.sample import Sample, only, page, sample

TEXTS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</svg></title></style></script><b>bold</b>",
    '" onmouseover="alert(1)" x=\'y\'',
    "$(touch made) `touch made` ; touch made | touch made",
    "{{ 7 * 7 }} {% include 'x' %} {0} {title} %s %(x)s",
    "=HYPERLINK(1) @SUM(1)",
    "+1+1",
    "-1+1",
    "../../../etc/passwd",
    "$\\frac{1}{0}$ $x_1 \\input{/etc/passwd} \\write18{id} ^ ~ # & %",
    "\u202eright to left\u202c שלום",
    "😀 研究 é",
    "-->]]>&amp;&#60;b&#62;<!--",
    "\u2028line\u2029break",
    "x" * 255,
)
# What a terminal obeys, and what begins another line or cell. No configuration and no file of a network may hold these, but
# reports, stores and file names of others may: test_hostile_terminal.py.
CONTROLS = (
    "\x1b[2J\x1b[Hgone",
    "\x1b]0;title\x07\x1b[8mhidden",
    "\x9b2J\x85next",
    "one\ntwo\r\nthree\rfour\x0b\x0c",
    "back\x08\x08\x7f\ttab",
    "\u202egnp.exe\u202c \u2066x\u2069 \u200b",
    "| a | b |\\",
)
PLAIN = tuple(f"Plain {number}" for number, _ in enumerate(TEXTS))
# Those that a name in a path must not be.
NO_NAMES = [
    *TEXTS[:-1],
    "x" * 255,
    "a b",
    "a/b",
    "..",
    "-rf",
    "a'b",
    'a"b',
    "a\\b",
    "~",
    "*",
    "$HOME",
    "a;b",
]


class _Parts(HTMLParser):
    """The elements of a page with their attributes' names, and its texts."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: Counter[str] = Counter()
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] += 1
        self.elements.update(f"{tag} {name}" for name, _ in attrs if name.startswith("on"))
        self.texts += [value or "" for _, value in attrs]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def parts(html: str) -> _Parts:
    found = _Parts()
    found.feed(html)
    found.close()
    return found


def small() -> Sample:
    return only(sample(), "cnn", "kernel")


def spoilt(made: Sample, texts: tuple[str, ...]) -> Sample:
    """The same study with these texts, one after the other, in place of all that a user may write."""
    given = cycle(texts)

    def words(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: words(item) for name, item in value.items()}
        if isinstance(value, list):
            return [words(item) for item in value]
        return next(given) if isinstance(value, str) else value

    for model in made.study["models"]:
        model["words"] = words(model["words"])
        model["classes"] = [f"{next(given)} {number}" for number, _ in enumerate(model["classes"])]
        for axis in model["axes"]:
            for cell in axis["cells"]:
                cell["environment"] = words(cell["environment"])
                cell["log"] = [next(given)]
    made.config["report"]["title"] = next(given)
    return made


def whole(made: Sample) -> dict[str, Any]:
    return document(made.study, made.comparisons, made.tables["replicates"], made.config)


def test_the_report_shows_texts() -> None:
    plain, hostile = (page(spoilt(small(), texts)) for texts in (PLAIN, TEXTS))
    assert parts(hostile).elements == parts(plain).elements
    shown = " ".join(parts(hostile).texts)
    for text in TEXTS[:4]:
        assert text in shown


def test_a_title_of_every_kind_is_the_text_of_the_report() -> None:
    title = " ".join(" ".join(TEXTS).split())
    made = small()
    made.config["report"]["title"] = title
    assert title in [" ".join(text.split()) for text in parts(page(made, title=title)).texts]


def test_a_comparison_shows_texts() -> None:
    def shown(texts: tuple[str, ...]) -> str:
        a, b = whole(small()), whole(spoilt(small(), texts))
        b["study"]["models"][0]["parameters"]["pooling"] = texts[0]
        return diff_page(compare(a, b), {"a": a, "b": b}, {"a": texts[0], "b": texts[1]}, "en")

    assert parts(shown(TEXTS)).elements == parts(shown(PLAIN)).elements


def drawn(made: Sample, serialise: Any = None) -> dict[str, Any]:
    return draw(
        made.document, made.comparisons, made.tables, made.predictions, model="cnn", palette=None, words=Words.of("en"),
        **({"serialise": serialise} if serialise else {}),
    )  # fmt: skip


def test_figures_show_texts() -> None:
    """Whole SVG and PDF, with a dollar as a dollar, and of all elements none that the texts bring."""
    made = files(lambda _, serialise: drawn(spoilt(small(), TEXTS), serialise), "en")
    texts = ""
    for name, content in made.items():
        if not name.endswith(".svg"):
            assert content.startswith(b"%PDF")
            continue
        root = ElementTree.fromstring(content)
        kinds = {str(each.tag).rpartition("}")[2] for each in root.iter()}
        assert kinds <= {
            "svg",
            "g",
            "path",
            "use",
            "defs",
            "clipPath",
            "rect",
            "text",
            "tspan",
            "image",
        }
        texts += " ".join(root.itertext())
    assert "$" in texts
    assert "mathdefault" not in texts  # no axis needs the formulas that titles must not be


def test_exported_tables_hold_numbers_and_plain_names() -> None:
    """No text of a CSV file is a formula, and what LaTeX prints is text."""
    made = spoilt(small(), TEXTS)
    compared = tables.comparisons_frame(made.document, made.comparisons)
    frames = [*made.tables.values(), compared, tables.summary_frame(compared)]
    for frame in frames:
        for row in csv.reader(io.StringIO(frame.to_csv(index=False))):
            assert not [
                field
                for field in row
                if field[:1] in ("=", "@", "\t", "+") or (field[:1] == "-" and not number(field))
            ]
    for model in made.document.models:
        words = Words.of("en").about(model)
        place = latex.Place(model.name, 0.95, words)
        for axis in model.axes:
            text = latex.axis_table(made.comparisons["models"][model.name], axis, place)
            assert not any(bad in text for bad in ("\\input", "\\write18", "\\frac{1}{0}"))
            assert text.count("\\begin") == text.count("\\end") == 2


def number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def test_a_crate_holds_texts(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    names = ("Snakefile", "README.md", "config.yaml", "report.html", "数据.csv", "图像.csv")
    for name in names:
        (source / name).write_text("x")
    title, folder = " ".join(TEXTS), tmp_path / "crate"
    build(
        Contents(
            title=title, study="default", key="0" * 16, ended="2026-11-23T08:00:00+00:00",
            workflow=[(source / "Snakefile", "Snakefile")], readme=source / "README.md", config=source / "config.yaml",
            raw=[Raw("mine", name, "0" * 64, path=source / name) for name in ("数据.csv", "图像.csv")],
            report=source / "report.html", outputs={}, software={"snakemake": ["9"]}, version="1",
            image={"name": "hw1", "tag": "latest", "registry": "localhost"},
            agent={"name": "研究", "orcid": "", "affiliation": "大学", "affiliation_url": ""},
        )
    ).write(folder)  # fmt: skip
    graph = json.loads((folder / "ro-crate-metadata.json").read_text("utf-8"))["@graph"]
    kinds = {each.get("name"): each["@type"] for each in graph}
    assert kinds[title] == "Dataset"
    assert (kinds["研究"], kinds["大学"]) == ("Person", "Organization")
    assert len({each["@id"] for each in graph}) == len(graph)
    assert len([each for each in graph if each["@id"].startswith("#input-mine")]) == 2
    found = sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )
    raw = [f"resources/mine/{name}" for name in names[4:]]
    assert found == sorted(["ro-crate-metadata.json", *names[:4], *raw])


STUDY = """
inherit: false
study: {{name: {study}, seed: 1}}
models:
  {model}:
    {{network: mlp, data: boston, replicates: 6, axes: {{{axis}: {{values: {{{label}: {{}}}}}}}}}}
"""


@pytest.mark.parametrize("place", ["study", "model", "axis", "label"])
def test_no_such_text_is_a_name_in_a_path(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = {"study": "s", "model": "m", "axis": "a", "label": "base"}
    Path("mine.yaml").write_text(STUDY.format(**names))
    assert len(read_plan(["mine.yaml"]).study.cells) == 1
    for text in NO_NAMES:
        Path("mine.yaml").write_text(STUDY.format(**{**names, place: json.dumps(text)}), "utf-8")
        with pytest.raises(ConfigError, match=r"^[^\n]+\.$"):
            read_plan(["mine.yaml"])
    assert [path.name for path in tmp_path.iterdir()] == ["mine.yaml"]


def test_two_factors_of_one_name_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``a`` with ``b_c`` and ``a_b`` with ``c`` would write one file ``a_b_c.csv``."""
    monkeypatch.chdir(tmp_path)
    model = (
        "{{network: mlp, data: boston, replicates: 6, axes: {{{}: {{values: {{base: {{}}}}}}}}}}"
    )
    body = f"inherit: false\nstudy: {{name: s, seed: 1}}\nmodels: {{a: {model.format('b_c')}, a_b: {model.format('c')}}}"
    Path("mine.yaml").write_text(body)
    with pytest.raises(
        ConfigError,
        match=r"^models\.a_b\.axes\.c would share the names of its figures and tables with",
    ):
        read_plan(["mine.yaml"])
