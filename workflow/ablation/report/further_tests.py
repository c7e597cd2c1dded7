"""The view of the best network on further test draws."""

from __future__ import annotations

from typing import Any

from ablation.language import numbers as fmt
from ablation.language.metrics import columns, scaled
from ablation.language.words import Words
from ablation.report.axis import number_entry

METRIC = "accuracy"


def further_tests(
    draws: dict[str, Any] | None, settings: dict[str, str], confidence: float, words: Words
) -> dict[str, Any] | None:
    """The best network on its further test draws; None where there are none.

    settings: by cell, the words for it.
    """
    if not draws or not draws["draws"]:
        return None
    rows = draws["draws"]
    values, pairs = ([row[name] for row in rows] for name in ("accuracy", "interval"))
    means, intervals = columns(METRIC, values, pairs, [""] * len(rows))
    absent = words("draws.absent")
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
                "mean": mean,
                "interval": interval,
                "classes": [
                    number_entry(scaled(METRIC, value), 1, absent)
                    for value in row["per_class_accuracy"]
                ],
            }
            for number, (row, mean, interval) in enumerate(
                zip(rows, means, intervals, strict=True), 1
            )
        ],
    }
