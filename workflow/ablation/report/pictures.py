"""What a classifier gets wrong, as tables and small pictures."""

from __future__ import annotations

from typing import Any

from ablation.figures.matrices import percent_text
from ablation.language import numbers as fmt
from ablation.language.words import Words

ENLARGED = 0.62  # rem per weight of a kernel
# Percent of ink behind the largest error or difference: text keeps a contrast of 4.5.
FULL_SHADE = 45


def matrices(
    found: dict[str, Any] | None, words: Words, *, is_baseline: bool
) -> list[dict[str, Any]]:
    """The confusion matrix in percent of the true class, and its difference to the baseline's in points."""
    if not found or not found.get("counts"):
        return []
    percent = [[100 * n / (sum(line) or 1) for n in line] for line in found["counts"]]
    worst = max(
        (p for i, line in enumerate(percent) for j, p in enumerate(line) if i != j), default=0
    )
    shares = [
        [_share(p, worst, right=i == j) for j, p in enumerate(line)]
        for i, line in enumerate(percent)
    ]
    shown = [{"caption": words("cell.confusion"), "rows": shares}]
    difference = found.get("difference")
    if difference and not is_baseline:
        largest = max((abs(d or 0.0) for line in difference for d in line), default=0.0)
        points = [
            [_points(d, largest, right=i == j) for j, d in enumerate(line)]
            for i, line in enumerate(difference)
        ]
        shown.append({"caption": words("cell.confusion_difference"), "rows": points})
    return shown


def _share(percent: float, worst: float, *, right: bool) -> dict[str, Any]:
    if percent <= 0:
        return {"text": "", "kind": "", "shade": 0}
    shade = 0 if right or worst <= 0 else round(FULL_SHADE * percent / worst)
    return {"text": percent_text(percent), "kind": " right" if right else " wrong", "shade": shade}


def _points(points: float | None, largest: float, *, right: bool) -> dict[str, Any]:
    """More on the diagonal is good, more beside it is bad."""
    if points is None or abs(points) < 0.05:
        return {"text": "", "kind": "", "shade": 0}
    kind = " gain" if (points > 0) == right else " loss"
    shade = round(FULL_SHADE * abs(points) / largest) if largest else 0
    return {"text": fmt.fixed(points, 1, sign=True), "kind": kind, "shade": shade}


def gallery(found: dict[str, Any] | None, words: Words) -> dict[str, Any] | None:
    """The most confident mistakes: tiles of one sprite with what is true and what was said."""
    if not found:
        return None
    tiles = found["items"]
    columns = found["columns"]
    rows = -(-len(tiles) // columns) if tiles else 1

    def place(number: int, count: int) -> str:
        return "0" if count < 2 else f"{100 * number / (count - 1):.4g}%"

    counts = {"k": fmt.count(found["n_mistakes"]), "n": fmt.count(found["n_predictions"])}
    views = []
    for i, tile in enumerate(tiles):
        said = {**tile, "confidence": _sure(tile["confidence"])}
        views.append(
            {
                "x": place(i % columns, columns),
                "y": place(i // columns, rows),
                "size": f"{100 * columns}% {100 * rows}%",
                "text": words("cell.tile", **said),
                "label": words("cell.tile_label", **said),
            }
        )
    text = words("cell.mistakes_text", **counts, shown=len(tiles))
    return {"text": text, "sprite": found["sprite"], "tiles": views}


def _sure(confidence: float) -> str:
    """No probability is 100 %."""
    return f">{fmt.percent(0.999, 1)}" if confidence > 0.9995 else fmt.percent(confidence, 1)


def kernels(found: dict[str, Any] | None, words: Words) -> dict[str, Any] | None:
    """The first layer's kernels of one replicate as an enlarged picture."""
    if not found:
        return None
    values = {name: found[name] for name in ("n", "side", "replicate")}
    values["largest"] = fmt.significant(found["largest"], 2)
    return {
        "sprite": found["sprite"],
        "width": round(found["width"] * ENLARGED, 2),
        "text": words("cell.kernels_text", **values),
        "label": words("cell.kernels_label", **values),
    }
