"""A study of a reader's own networks and data, of which nothing in the project knows: the sample under other names.

A classifier of a table with three named classes, which says what it is in English alone; and a regression in points, of which
only the title is known, in Chinese.
"""

from __future__ import annotations

from typing import Any

from report.drawers import portraits_of
from report.sample import judged_again, only, page, sample

CLASSES = ["calm", "windy", "stormy"]
MODELS: dict[str, dict[str, Any]] = {
    "fnn": {
        "model": "scores", "task": "regression", "unit": "points", "classes": [], "images": False,
        "words": {"title": {"zh": "评分网络"}},
    },
    "cnn": {
        "model": "weather", "task": "classification", "unit": "", "classes": CLASSES,
        "images": False, "words": {"about": {"en": "A table goes in, the weather comes out."}},
    },
}  # fmt: skip
DATA = {"dataset": "stations", "sha256": {"stations.csv": "ab" * 32}}


def own_page(model: str, *axes: str, language: str) -> str:
    """The report of a study that has one model of the sample under its other name, with these axes."""
    made, said = only(sample(), model, *axes), MODELS[model]
    name, entry = said["model"], made.study["models"][0]
    entry |= said | {"data": entry["data"] | DATA}
    for place in (entry, *_cells(entry)):
        place["parameters"].pop("dataset", None)
    for cell in _cells(entry):
        cell |= {each: cell[each].replace(f"{model}/", f"{name}/") for each in ("cell", "target")}
        cell["confusion_matrix"] = _cut(cell["confusion_matrix"])
    made.study["yardsticks"] = {name: made.study["yardsticks"][model]}
    for table in made.tables.values():
        table["model"] = name
        if "cell" in table:
            table["cell"] = table["cell"].str.replace(f"{model}/", f"{name}/")
    lost = [f"class_{i}" for i in range(len(said["classes"]), 10)]
    made.tables["replicates"] = made.tables["replicates"].drop(columns=lost)
    made.config["models"] = {name: {"replicates": entry["replicates"]}}
    made.config["statistics"]["tested"] = {name: {"metric": entry["tested"]["metric"]}}
    shown = {name: portraits_of(made, made.document.models[0], language)}
    return page(judged_again(made), language=language, portraits=shown)


def _cells(entry: dict[str, Any]) -> list[dict[str, Any]]:
    return [cell for axis in entry["axes"] for cell in axis["cells"]]


def _cut(matrix: list[list[int]] | None) -> list[list[int]] | None:
    return matrix and [row[: len(CLASSES)] for row in matrix[: len(CLASSES)]]
