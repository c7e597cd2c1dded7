"""A study's data inside its report: whole, safe between tags, and the same out of a folder."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from ablation.bundle import BundleError, document, embed, frame, read
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
    assert json.loads(text) == {"title": EVIL}


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


def folder(made: Sample, path: Path, *, config: bool = True) -> Path:
    (path / "tables").mkdir(parents=True)
    for name, content in (("study", made.study), ("comparisons", made.comparisons)):
        (path / "tables" / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    made.tables["replicates"].to_csv(path / "tables" / "replicates.csv", index=False)
    if config:
        (path / ".marks").mkdir()
        mark = {"spec": {"config": made.config}}
        (path / ".marks" / "report.json").write_text(json.dumps(mark), encoding="utf-8")
    return path


def test_a_folder_gives_what_its_report_does(tmp_path: Path) -> None:
    made = sample()
    found, expected = read(folder(made, tmp_path / "results")), bundle(made)
    assert {n: found[n] for n in ("study", "comparisons", "config")} == {
        n: expected[n] for n in ("study", "comparisons", "config")
    }
    for name in ("mse", "accuracy"):
        given = [v for v in expected["replicates"][name] if v is not None]
        assert [v for v in found["replicates"][name] if v is not None] == pytest.approx(given)


def test_without_its_mark_a_folder_has_no_configuration(tmp_path: Path) -> None:
    assert read(folder(sample(), tmp_path / "results", config=False))["config"] is None


@pytest.mark.parametrize(
    ("html", "says"),
    [
        ("<html></html>", "carries no data of a study"),
        ('<script type="application/json" id="study-data">{</script>', "no JSON"),
        ('<script type="application/json" id="study-data">{"format":9}</script>', "format 9"),
        ('<script type="application/json" id="study-data">{"format":2}</script>', "not a study's"),
        (
            '<script type="application/json" id="study-data">{"format":1}</script>',
            "format 1: allowed is 2",
        ),
        ('<script type="application/json" id="study-data">[]</script>', "not a study's"),
    ],
)
def test_what_is_no_report_is_one_sentence(tmp_path: Path, html: str, says: str) -> None:
    with pytest.raises(BundleError, match=says):
        read(written(tmp_path / "r.html", html))


def test_columns_of_several_lengths_are_refused(tmp_path: Path) -> None:
    broken = bundle(sample())
    broken["replicates"]["mse"].pop()
    html = f'<script type="application/json" id="study-data">{embed(broken)}</script>'
    with pytest.raises(BundleError, match="differ in length"):
        read(written(tmp_path / "r.html", html))


def test_a_folder_without_tables_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="holds no finished study"):
        read(tmp_path)
