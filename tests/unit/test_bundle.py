"""A study's data inside its report: whole, safe between tags, and the same out of a folder."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from ablation.results.bundle import BundleError, document, embed, frame, parted, read
from ablation.store.entries import MANIFEST, write_manifest
from ablation.store.files import sha256, write_json
from ablation.store.keys import key_of
from report.sample import Sample, page, sample

EVIL = "</script><script>alert(1)</script> & \u2028 <!--"


def bundle(made: Sample) -> dict[str, Any]:
    return document(made.study, made.comparisons, made.tables["replicates"], made.config)


def written(path: Path, html: str) -> Path:
    path.write_text(html, encoding="utf-8")
    return path


def test_a_report_carries_the_data_that_it_was_made_from(tmp_path: Path) -> None:
    made = sample()
    assert read(written(tmp_path / "report.html", page(made))) == bundle(made)


def test_a_title_cannot_end_the_element(tmp_path: Path) -> None:
    made = sample()
    made.config["report"]["title"] = EVIL
    html = page(made, title=EVIL)
    assert read(written(tmp_path / "r.html", html))["config"]["report"]["title"] == EVIL

    class Scripts(HTMLParser):
        found: list[dict[str, str | None]] = []  # noqa: RUF012

        def handle_starttag(self, tag, attrs):
            if tag == "script":
                self.found.append(dict(attrs))

    parser = Scripts()
    parser.feed(html)
    assert [s for s in parser.found if s.get("id") == "study-data"] == [
        {"type": "application/json", "id": "study-data"}
    ]
    assert "alert(1)" not in html.replace("\\u003cscript\\u003ealert(1)", "").replace(
        "&lt;script&gt;alert(1)", ""
    )


def test_what_could_end_a_script_is_escaped() -> None:
    text = embed({"title": EVIL})
    assert not set(text) & set("<>&\u2028\u2029")
    assert json.loads(text) == {"title": EVIL, "digest": key_of({"title": EVIL})}


def test_nan_is_refused() -> None:
    with pytest.raises(ValueError):
        embed({"x": float("nan")})


def test_matrices_are_left_out_and_the_rest_is_small() -> None:
    made = sample()
    assert any(c["confusion_matrix"] for c in made.study["models"][1]["axes"][0]["cells"])
    text = embed(bundle(made))
    assert "confusion_matrix" not in text
    assert len(text.encode()) < 400_000


def test_the_table_comes_back() -> None:
    made = sample()
    table, found = made.tables["replicates"], frame(bundle(made))
    assert list(found["cell"]) == list(table["cell"])
    assert found["accuracy"].dropna().tolist() == table["accuracy"].dropna().tolist()


def folder(made: Sample, path: Path) -> Path:
    """A folder of results, with the tables as they are shown."""
    tables = path / "tables"
    tables.mkdir(parents=True)
    for name, content in (("study", made.study), ("comparisons", made.comparisons)):
        write_json(tables / f"{name}.json", content)
    made.tables["replicates"].to_csv(tables / "replicates.csv", index=False)
    write_manifest(tables, {each.name: sha256(each) for each in tables.iterdir()})
    return path


def test_a_folder_gives_what_its_report_does(tmp_path: Path) -> None:
    made = sample()
    found, expected = read(folder(made, tmp_path / "results")), bundle(made)
    assert {n: found[n] for n in ("study", "comparisons")} == {
        n: expected[n] for n in ("study", "comparisons")
    }
    for name in ("mse", "accuracy"):
        given = [v for v in expected["replicates"][name] if v is not None]
        assert [v for v in found["replicates"][name] if v is not None] == pytest.approx(given)
    assert found["config"] is None  # a folder of tables does not have it


def element(text: str, name: str = "study-data") -> str:
    return f'<script type="application/json" id="{name}">{text}</script>'


RUN = element(embed({}), "run-data")


@pytest.mark.parametrize(
    ("html", "says"),
    [
        ("<html></html>", "carries no data of a study"),
        (element("{"), "no JSON"),
        (element(embed({"format": 9})), "format 9"),
        (element(embed({"format": 4})), "carries no data of a study"),
        (RUN + element(embed({"format": 4})), "not a study's"),
        (element(embed({"format": 2})), "format 2: allowed is 4"),
        (RUN + element("[]"), "not a study's"),
        (element('{"format":4}'), "is damaged"),
    ],
)
def test_what_is_no_report_is_one_sentence(tmp_path: Path, html: str, says: str) -> None:
    with pytest.raises(BundleError, match=says):
        read(written(tmp_path / "r.html", html))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (r'"mse":\[(\d)', lambda m: f'"mse":[{9 - int(m[1])}'),
        (r'"seed":20261', lambda m: '"seed":20262'),
        (r'"verdict":"worse"', lambda m: '"verdict":"better"'),
        (r'"torch":"\d', lambda m: '"torch":"9'),
        (r'"digest":"(.)', lambda m: f'"digest":"{(int(m[1], 16) + 1) % 16:x}'),
        (r',"digest":"\w+"', lambda m: ""),
    ],
    ids=["number", "seed", "word", "run", "digest", "no digest"],
)
def test_a_changed_report_is_refused_in_one_sentence(
    tmp_path: Path, old: str, new: Callable[[re.Match[str]], str]
) -> None:
    html = page(sample())
    start = html.index('id="run-data"')
    changed, count = re.subn(old, new, html[start:], count=1)
    assert count == 1
    path = written(tmp_path / "r.html", html[:start] + changed)
    with pytest.raises(BundleError) as refused:
        read(path)
    assert str(refused.value) == (
        f"{path} is damaged: its data are not those that were written; make it again."
    )


def changed_number(tables: Path) -> None:
    path = tables / "replicates.csv"
    text = path.read_text("utf-8")
    path.write_text(text.replace(",0.9", ",0.8", 1), "utf-8")
    assert path.read_text("utf-8") != text


def changed_word(tables: Path) -> None:
    path = tables / "comparisons.json"
    path.write_text(path.read_text("utf-8").replace('"worse"', '"better"', 1), "utf-8")


def torn_manifest(tables: Path) -> None:
    (tables / MANIFEST).write_text((tables / MANIFEST).read_text("utf-8")[:-9], "utf-8")


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (changed_number, "replicates.csv"),
        (changed_word, "comparisons.json"),
        (torn_manifest, MANIFEST),
        (lambda tables: (tables / MANIFEST).unlink(), MANIFEST),
        (lambda tables: (tables / "replicates.csv").unlink(), MANIFEST),
    ],
    ids=["number", "word", "torn manifest", "no manifest", "no table"],
)
def test_a_damaged_folder_is_refused_in_one_sentence(
    tmp_path: Path, damage: Callable[[Path], None], named: str
) -> None:
    results = folder(sample(), tmp_path / "results")
    damage(results / "tables")
    with pytest.raises(BundleError) as refused:
        read(results)
    assert str(refused.value) == (
        f"{results}/tables is damaged or incomplete ({named}): run snakemake, which makes it again."
    )


def test_columns_of_several_lengths_are_refused(tmp_path: Path) -> None:
    broken = bundle(sample())
    broken["replicates"]["mse"].pop()
    lasting, run = map(embed, parted(broken))
    path = written(tmp_path / "r.html", element(run, "run-data") + element(lasting))
    with pytest.raises(BundleError, match="differ in length"):
        read(path)


def test_a_folder_without_tables_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="holds no finished study"):
        read(tmp_path)
