"""What a classifier gets wrong, as tables and small pictures."""

from __future__ import annotations

from typing import Any

from ablation.figures.matrices import percent_text
from ablation.language import numbers as fmt
from ablation.language.words import Words

ENLARGED = 0.62  # rem per weight of a kernel
# Percent of ink behind the largest error or difference: text keeps a contrast of 4.5.
FULL_SHADE = 45
MATRIX, CONFUSIONS = (
    14,
    20,
)  # classes of a matrix at most; confusions that are listed of more classes
TILE = 56  # pixels of the longer side of a picture on the page


def confusions(
    confusion: dict[str, Any] | None, classes: list[str], words: Words, *, is_baseline: bool
) -> dict[str, list[dict[str, Any]]]:
    """What a classifier confuses: ``matrices`` of few classes; of many, the most frequent ``confusions`` alone."""
    counts = (confusion or {}).get("counts")
    if not confusion or not counts:
        return {"matrices": [], "confusions": []}
    difference = None if is_baseline else confusion.get("difference")
    percent = [[100 * n / (sum(line) or 1) for n in line] for line in counts]
    if len(counts) <= MATRIX:
        return {"matrices": _matrices(percent, difference, classes, words), "confusions": []}
    return {"matrices": [], "confusions": _confusions(percent, difference, classes)}


def _matrices(
    percent: list[list[float]],
    difference: list[list[float | None]] | None,
    classes: list[str],
    words: Words,
) -> list[dict[str, Any]]:
    """The confusion matrix in percent of the true class, and its difference to the baseline's in points."""
    worst = max(
        (p for i, line in enumerate(percent) for j, p in enumerate(line) if i != j), default=0
    )
    shares = [
        [_share(p, worst, right=i == j) for j, p in enumerate(line)]
        for i, line in enumerate(percent)
    ]
    shown = [{"caption": words("cell.confusion"), "rows": _named(shares, classes)}]
    if difference:
        largest = max((abs(d or 0.0) for line in difference for d in line), default=0.0)
        points = [
            [_points(d, largest, right=i == j) for j, d in enumerate(line)]
            for i, line in enumerate(difference)
        ]
        caption = words("cell.confusion_difference")
        shown.append({"caption": caption, "rows": _named(points, classes)})
    return shown


def _named(rows: list[list[dict[str, Any]]], classes: list[str]) -> list[dict[str, Any]]:
    return [{"name": name, "boxes": boxes} for name, boxes in zip(classes, rows, strict=True)]


def _confusions(
    percent: list[list[float]], difference: list[list[float | None]] | None, classes: list[str]
) -> list[dict[str, Any]]:
    """The largest shares off the diagonal, the largest first."""
    wrong = [
        (p, i, j) for i, line in enumerate(percent) for j, p in enumerate(line) if i != j and p > 0
    ]
    rows = []
    for share, i, j in sorted(wrong, reverse=True)[:CONFUSIONS]:
        points = difference[i][j] if difference else None
        rows.append(
            {
                "true": classes[i],
                "predicted": classes[j],
                "share": fmt.fixed(share, 1),
                "points": fmt.DASH if points is None else fmt.fixed(points, 1, sign=True),
            }
        )
    return rows


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


def gallery(
    mistakes: dict[str, Any] | None, classes: list[str], words: Words
) -> dict[str, Any] | None:
    """The most confident mistakes: tiles of one sprite with what is true and what was said."""
    if not mistakes:
        return None
    tiles = mistakes["items"]
    columns = mistakes["columns"]
    rows = -(-len(tiles) // columns) if tiles else 1

    def place(number: int, count: int) -> str:
        return "0" if count < 2 else f"{100 * number / (count - 1):.4g}%"

    counts = {"k": fmt.count(mistakes["n_mistakes"]), "n": fmt.count(mistakes["n_predictions"])}
    views = []
    for i, tile in enumerate(tiles):
        names = {name: classes[tile[name]] for name in ("true", "predicted")}
        caption = {**tile, **names, "confidence": _sure(tile["confidence"])}
        views.append(
            {
                "x": place(i % columns, columns),
                "y": place(i // columns, rows),
                "size": f"{100 * columns}% {100 * rows}%",
                "text": words("cell.tile", **caption),
                "label": words("cell.tile_label", **caption),
            }
        )
    text = words("cell.mistakes_text", **counts, shown=len(tiles))
    scale = TILE / max(mistakes["width"], mistakes["height"])
    return {
        "text": text,
        "sprite": mistakes["sprite"],
        "tiles": views,
        "ink": mistakes["ink"],
        "width": round(scale * mistakes["width"]),
        "height": round(scale * mistakes["height"]),
    }


def _sure(confidence: float) -> str:
    """No probability is 100 %."""
    return f">{fmt.percent(0.999, 1)}" if confidence > 0.9995 else fmt.percent(confidence, 1)


def kernels(portrait: dict[str, Any] | None, words: Words) -> dict[str, Any] | None:
    """The first layer's kernels of one replicate as an enlarged picture."""
    if not portrait:
        return None
    values = {name: portrait[name] for name in ("n", "side", "replicate")}
    values["largest"] = fmt.significant(portrait["largest"], 2)
    return {
        "sprite": portrait["sprite"],
        "width": round(portrait["width"] * ENLARGED, 2),
        "text": words("cell.kernels_text", **values),
        "label": words("cell.kernels_label", **values),
    }
