"""Everything that the documentation quotes from the default study: a row worked by hand, the claims, the picture of the report.

    python docs/quoted.py           write it anew from the finished study in this folder
    python docs/quoted.py --check   say what is no longer so, and end with 1

What is quoted carries the key of its cells and the arithmetic that made it. A check on the same arithmetic compares keys and
answers exactly, replicates within rounding. Another precision or processor rounds otherwise over thousands of steps, so that
single images and a close verdict may differ: there the check names the differences and does not fail.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pages import cell, formatted, with_block
from scipy import stats

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow"))

STATISTICS, CLAIMS, PICTURE = (
    ROOT / "docs" / n for n in ("statistics.md", "claims.md", "report.png")
)
AXIS, CELL, REFERENCE = "depth", "1", "2"
SAME_ACCURACY = 0.01  # of a replicate, 5 images of 500: another processor may round otherwise


def main() -> int:
    """Write the quotes, or check them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    parser.add_argument("--study", type=Path, default=ROOT, help="folder of the finished study")
    parser.add_argument("--no-picture", action="store_true", help="leave docs/report.png as it is")
    arguments = parser.parse_args()
    if not (arguments.study / "report.html").is_file():
        sys.exit("There is no report.html to quote from: run make report first.")
    worked = worked_row(arguments.study / "results" / "tables", arithmetic(arguments.study))
    claims = claims_page(arguments.study / "results" / "tables")
    if arguments.check:
        page = STATISTICS.read_text("utf-8")
        wrong = [*stale_row(page, worked), *stale_claims(claims)]
        print("\n".join(wrong) or "Everything that is quoted holds.")
        if wrong and not same_arithmetic(page, worked):
            print("The quoted study was made by another arithmetic, which may be the cause.")
            return 0
        return int(bool(wrong))
    text = with_block(STATISTICS.read_text("utf-8"), "quoted: worked", worked)
    STATISTICS.write_text(text, encoding="utf-8")
    CLAIMS.write_text(formatted(claims), encoding="utf-8")
    if not arguments.no_picture:
        take_picture(arguments.study / "report.html", PICTURE)
    print("Written: the row in docs/statistics.md, docs/claims.md, docs/report.png.")
    return 0


def read(tables: Path, name: str) -> Any:
    """A JSON document of the study."""
    return json.loads((tables / f"{name}.json").read_text(encoding="utf-8"))


def arithmetic(study: Path) -> str:
    """What decides the last digits of the quoted cell: precision, processor and its instructions."""
    import torch

    numbers = study / "results" / "cnn" / f"{AXIS}_{CELL}" / "metrics.json"
    made = json.loads(numbers.read_text(encoding="utf-8"))["environment"]
    return f"{made['precision']}, {made['cpu']}, {torch.backends.cpu.get_cpu_capability()}"


def same_arithmetic(page: str, fresh: str) -> bool:
    """Whether the quoted row and the fresh one name the same arithmetic."""
    named = re.compile(r"from the default study \((.*?)\)\.")
    found = [named.search(_unwrapped(text)) for text in (page, fresh)]
    return found[0] is not None and found[1] is not None and found[0][1] == found[1][1]


def _unwrapped(text: str) -> str:
    """A text without its line breaks."""
    return " ".join(text.split())


def worked_row(tables: Path, made: str) -> str:
    """One comparison of the CNN with every step of its arithmetic, computed here with NumPy and SciPy.

    made: the arithmetic behind the study's numbers.
    """
    comparisons, replicates = read(tables, "comparisons"), pd.read_csv(tables / "replicates.csv")
    compared = comparisons["models"]["cnn"]
    axis = compared["axes"][AXIS]
    row = axis["rows"][CELL]
    values, keys = {}, {}
    for label in (CELL, REFERENCE):
        own = replicates[(replicates["model"] == "cnn") & (replicates["axis"] == AXIS)]
        own = own[own["label"].astype(str) == label].sort_values("replicate")
        values[label], keys[label] = own["accuracy"].to_numpy(), own["key"].iloc[0]
    differences = values[CELL] - values[REFERENCE]
    n, mean, sd = len(differences), differences.mean(), differences.std(ddof=1)
    spread, ratio, level = row["spread"], compared["overlap_ratio"], row["difference_level"]
    variance = (1 / n + ratio) * spread["used"] ** 2
    t = mean / math.sqrt(variance)
    p = 2 * stats.t.sf(abs(t), spread["degrees"])
    half = stats.t.ppf((1 + level) / 2, spread["degrees"]) * math.sqrt(variance)
    others = [r["p"] for name, r in axis["rows"].items() if name != CELL and r["p"] is not None]
    rank = axis["n_comparisons"] if all(p <= other for other in others) else 1
    head = "| replicate | " + " | ".join(str(r) for r in range(n)) + " |"
    rows = [
        "| "
        + " | ".join([name, *(f"{value:+.3f}" if signed else f"{value:.3f}" for value in own)])
        + " |"
        for name, own, signed in (
            (f"depth {CELL}", values[CELL], False),
            (f"depth {REFERENCE}", values[REFERENCE], False),
            ("difference", differences, True),
        )
    ]
    floor = "above" if spread["pooled"] >= spread["floor"] else "below"
    return "\n".join(
        [
            f"`cnn/{AXIS}_{CELL}` (key `{keys[CELL]}`) against the reference `cnn/{AXIS}_{REFERENCE}` "
            f"(key `{keys[REFERENCE]}`), from the default study ({made}). {n} replicates, test accuracy:",
            "",
            head,
            "|" + " --- |" * (n + 1),
            *rows,
            "",
            f"1. The mean difference is {mean:+.4f}, its standard deviation S = {sd:.4f}.",
            f"2. The model's other comparisons draw S to {spread['pooled']:.4f}, with {spread['degrees']:.1f} degrees of "
            f"freedom in place of {n - 1}. 500 test images alone give {spread['floor']:.4f}: the moderated value is {floor} "
            f"that floor, so {spread['used']:.4f} is used.",
            f"3. 500 of 5,000 images test: r = 500/4500. The variance of the mean is (1/{n} + 1/9) · {spread['used']:.4f}² = "
            f"{variance:.3g}, its root {math.sqrt(variance):.4f}. The ordinary test would take S²/{n}.",
            f"4. t = {mean:+.4f}/{math.sqrt(variance):.4f} = {t:.2f}: p = {p:.2g}.",
            f"5. The factor makes {axis['n_comparisons']} comparisons"
            + (", and this is its smallest p" if rank > 1 else "")
            + f": Holm makes it {min(1.0, rank * p):.2g}.",
            f"6. The interval at {100 * level:.4g} % is {mean:+.4f} ± {half:.4f}, from {mean - half:+.4f} to "
            f"{mean + half:+.4f}. The margin is {compared['margin']:g}.",
            f"7. The verdict is **{row['verdict']}**.",
        ]
    )


def stale_row(page: str, fresh: str) -> list[str]:
    """What the quoted row says and the study no longer does."""
    block = re.search(r"<!-- quoted: worked -->\n(.*?)\n?<!-- end -->", page, re.DOTALL)
    if block is None:
        return ["docs/statistics.md has no row worked by hand."]
    quoted = block[1]
    keys = [re.findall(r"key `(\w+)`", _unwrapped(text)) for text in (quoted, fresh)]
    if keys[0] != keys[1]:
        return ["docs/statistics.md quotes a cell of another key: run make quoted."]
    tables = [
        np.array([[float(x.replace("−", "-")) for x in re.findall(r"[+-]?\d\.\d{3}(?= )", line)]
                  for line in text.splitlines() if line.startswith("| depth")])
        for text in (quoted, fresh)
    ]  # fmt: skip
    same = tables[0].shape == tables[1].shape and bool(
        np.all(np.abs(tables[0] - tables[1]) <= SAME_ACCURACY)
    )
    verdicts = [re.findall(r"\*\*(.+?)\*\*", text) for text in (quoted, fresh)]
    if not same or verdicts[0] != verdicts[1]:
        return ["docs/statistics.md quotes other numbers than the study has: run make quoted."]
    return []


def claims_rows(tables: Path) -> dict[str, Any]:
    """The claims as the report of a study prints them."""
    from ablation.language import numbers as fmt
    from ablation.language.words import Words
    from ablation.report.claims import claims_view
    from ablation.store.document import StudyDocument

    comparisons, judged = (read(tables, name) for name in ("comparisons", "claims"))
    study = StudyDocument.from_plain(read(tables, "study"))
    with fmt.locale("en"):
        view = claims_view(judged, study, comparisons, Words.of("en"), language="en")
    if view is None:
        sys.exit("This study says nothing to the course report's claims.")
    return view


def claims_page(tables: Path) -> str:
    """The table of claims as the report prints it, in Markdown."""
    from ablation.language.words import Words

    view, words = claims_rows(tables), Words.of("en")
    lines = [
        "# The claims of the course report",
        "",
        "The claims of the course report that this study repeats, and what the default study says to each.",
        "The rules are `workflow/ablation/claims/rules.py`, the words and thresholds `workflow/report/claims.yaml`.",
        "`make quoted` writes this page. Claims 17, 20, 23 and 27 speak of the whole of MNIST:",
        "[whole-mnist.md](whole-mnist.md).",
        "",
        view["summary"],
        "",
        "| no. | model | claim | answer | evidence |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in view["rows"]:
        evidence = [*row["evidence"], row["note"], row["would"]]
        told = "<br>".join(cell(line) for line in evidence if line)
        first = [cell(str(row[name])) for name in ("id", "model", "text", "answer_text")]
        lines.append(f"| {' | '.join([*first, told])} |")
    return "\n".join(
        [*lines, "", words("claim.reading", level=view["level"], share=view["share"]), ""]
    )


def stale_claims(fresh: str) -> list[str]:
    """Claims whose answer is another than the quoted one."""
    quoted = CLAIMS.read_text("utf-8") if CLAIMS.is_file() else ""
    answers = [
        dict(re.findall(r"^\| (\d+) \| \w+ \| .*? \| ([a-z ]+) \|", text, re.MULTILINE))
        for text in (quoted, fresh)
    ]
    return [
        f"docs/claims.md: claim {number} is {answer!r}, quoted as {answers[0].get(number)!r}: run make quoted."
        for number, answer in answers[1].items()
        if answers[0].get(number) != answer
    ]


def take_picture(report: Path, target: Path) -> None:
    """The top of the report in headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1200, "height": 1100})
        page.goto(report.resolve().as_uri())
        page.screenshot(path=str(target))
        browser.close()


if __name__ == "__main__":
    sys.exit(main())
