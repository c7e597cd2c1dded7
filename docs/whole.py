"""Write the measured parts of ``docs/whole-mnist.md`` from the finished study of ``config/full-claims.yaml``.

python docs/whole.py --study FOLDER
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pages import cell, with_block
from quoted import ROOT, claims_rows, read

PAGE = ROOT / "docs" / "whole-mnist.md"
STUDY = "full-claims"
CLAIMS = (17, 20, 23, 27)  # those that speak of the whole data
EPOCH = 5  # at which the claims compare training losses


def main() -> int:
    """Write the page's three tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--study", type=Path, default=ROOT, help="folder of the finished study")
    folder = parser.parse_args().study / "results" / STUDY
    if not (folder / "tables" / "comparisons.json").is_file():
        sys.exit(f"{folder} holds no tables: run config/full-claims.yaml there first.")
    page = PAGE.read_text("utf-8")
    for name, lines in (
        ("made", made(folder)),
        ("configurations", configurations(folder)),
        ("comparisons", comparisons(folder)),
        ("claims", claims(folder)),
    ):
        page = with_block(page, f"whole: {name}", "\n".join(lines))
    PAGE.write_text(page, encoding="utf-8")
    print(f"Written: {PAGE.relative_to(ROOT)}.")
    return 0


def distinct(folder: Path) -> pd.DataFrame:
    """One row for each trained configuration, with all its names."""
    cells = pd.read_csv(folder / "tables" / "cells.csv", dtype={"label": str})
    names = cells.groupby("key")["cell"].agg(lambda own: ", ".join(f"`{name}`" for name in own))
    return cells.drop_duplicates("key").assign(names=lambda rows: rows["key"].map(names))


def made(folder: Path) -> list[str]:
    """What was computed, on what, by which versions."""
    cells = distinct(folder)
    shown = [
        json.loads((folder / "cnn" / name.partition("/")[2] / "metrics.json").read_text("utf-8"))
        for name in cells["cell"]
    ]
    data, env, spec = shown[0]["data"], shown[0]["environment"], shown[0]["spec"]
    (precision,) = {each["environment"]["precision"] for each in shown}
    (commit,) = {each["environment"]["git_commit"] for each in shown}
    days = sorted(each["cost"]["finished_at"][:10] for each in shown)
    sizes = [f"{data[part][0]:,}" for part in ("n_train", "n_validation", "n_test")]
    return [
        f"{len(cells)} configurations, {spec['replicates']} replicates each, {spec['parameters']['epochs']} epochs with a "
        f"batch of {spec['parameters']['batch_size']}; {sizes[0]} images to train on, {sizes[1]} to validate on, {sizes[2]} to "
        f"test on, which are the official ones in every replicate. Trained in {precision} on an {env['cpu']}, one thread each, "
        f"with PyTorch {env['torch']} and Python {env['python']}, in {cells['cpu_seconds'].sum() / 60:.0f} minutes of "
        f"processor time; finished on {days[-1]}, commit `{commit[:12]}`.",
    ]


def percent(value: float, digits: int = 2) -> str:
    """A share in percent."""
    return f"{100 * value:.{digits}f}"


def pair(low: float, high: float, digits: int = 2) -> str:
    """An interval of shares in percent."""
    return f"[{percent(low, digits)}, {percent(high, digits)}]"


def configurations(folder: Path) -> list[str]:
    """Accuracy, its spread and interval, validation accuracy, early loss and cost of each."""
    courses = pd.read_csv(folder / "tables" / "courses.csv").groupby("key")
    replicates = pd.read_csv(folder / "tables" / "replicates.csv").groupby("key")
    lines = [
        "| configuration | key | n | test accuracy, % | 95 % CI | SD | lowest replicate | validation accuracy, % | "
        f"training loss at epoch {EPOCH} | processor minutes |",
        "| -- | -- | -: | -: | -- | -: | -: | -: | -: | -: |",
    ]
    for row in distinct(folder).to_dict("records"):
        course, own = courses.get_group(row["key"]), replicates.get_group(row["key"])
        lines.append(
            f"| {row['names']} | `{row['key']}` | {row['n_ok']} | {percent(row['accuracy_mean'])} | "
            f"{pair(row['accuracy_low'], row['accuracy_high'])} | {percent(row['accuracy_sd'])} | "
            f"{percent(own['accuracy'].min())} | {percent(np.median(course['best_val_accuracy']))} | "
            f"{np.median(course[f'train_loss_{EPOCH}']):.4f} | {row['cpu_seconds'] / 60:.1f} |"
        )
    return lines


def comparisons(folder: Path) -> list[str]:
    """Each level against its reference, in pairs."""
    compared: dict[str, Any] = read(folder / "tables", "comparisons")["models"]["cnn"]
    lines = [
        "| factor | level | against | difference, points | CI | level of the CI, % | p (Holm) | verdict |",
        "| -- | -- | -- | -: | -- | -: | -: | -- |",
    ]
    for name, axis in compared["axes"].items():
        for label, row in axis["rows"].items():
            if row["is_reference"]:
                continue
            low, high = row["difference_interval"]
            lines.append(
                f"| {name} | {label} | {axis['reference']} | {100 * row['difference']:+.2f} | "
                f"[{100 * low:+.2f}, {100 * high:+.2f}] | {100 * row['difference_level']:.4g} | "
                f"{row['p_adjusted']:.2g} | {row['verdict']} |"
            )
    margin, ratio = compared["margin"], compared["overlap_ratio"]
    return [*lines, "", f"Margin: {100 * margin:g} points. Ratio r of the variance: {ratio:.3g}."]


def claims(folder: Path) -> list[str]:
    """The claims on the whole data, as the study's report answers them."""
    rows = [row for row in claims_rows(folder / "tables")["rows"] if int(row["id"]) in CLAIMS]
    lines = ["| no. | claim | answer | evidence |", "| -- | -- | -- | -- |"]
    for row in rows:
        told = "<br>".join(cell(line) for line in row["evidence"] if line)
        lines.append(f"| {row['id']} | {cell(row['text'])} | {row['answer_text']} | {told} |")
    return lines


if __name__ == "__main__":
    sys.exit(main())
