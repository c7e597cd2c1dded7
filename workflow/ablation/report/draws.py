"""The view of the best network on further test draws."""

from __future__ import annotations

from typing import Any

from ablation.language import numbers as fmt
from ablation.language.metrics import scaled, scaled_pair
from ablation.language.words import Words
from ablation.report.axis import entry

METRIC = "accuracy"


def draws_view(
    draws: dict[str, Any] | None, settings: dict[str, str], confidence: float, words: Words
) -> dict[str, Any] | None:
    """The best network on its further test draws; None where there are none.

    settings: by cell, the words for it.
    """
    if not draws or not draws["draws"]:
        return None
    rows = draws["draws"]
    bounds = [scaled_pair(METRIC, row["interval"]) for row in rows]
    means = [scaled(METRIC, row["accuracy"]) for row in rows]
    places = fmt.column_decimals(bounds, [m for m in means if m is not None])
    intervals = fmt.intervals(bounds, places)
    return {
        "sentence": words(
            "draws.sentence",
            setting=settings[draws["cell"]],
            replicate=draws["replicate"],
            n=fmt.count(rows[0]["n"]),
            draws=len(rows),
        ),
        "level": fmt.percent(confidence),
        "rows": [
            {
                "text": words("draws.number", number=number),
                "n": fmt.count(row["n"]),
                "mean": entry(None if mean is None else fmt.fixed(mean, places), ""),
                "interval": entry(interval, ""),
                "digits": [
                    entry(
                        None if value is None else fmt.fixed(100 * value, 1), words("draws.absent")
                    )
                    for value in row["per_class_accuracy"]
                ],
            }
            for number, (row, mean, interval) in enumerate(
                zip(rows, means, intervals, strict=True), 1
            )
        ],
    }
