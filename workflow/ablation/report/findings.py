"""The headline findings of a model, and its best setting."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ablation.canonical import label as label_of
from ablation.report import format as fmt
from ablation.report import published as pub
from ablation.report.axis import Axis
from ablation.report.metrics import possible, scaled, scaled_pair
from ablation.report.words import Words, slug

COUNTED = (
    "better", "worse", "equivalent", "no detectable difference", "cannot tell", "diverged",
    "no reference", "failed",
)  # fmt: skip


NAMED = 5  # settings that the headline lists; the section of the model lists all


def headlines(
    axes: list[Axis], best: dict[str, Any] | None, most: str, noise: list[str], words: Words
) -> list[str]:
    """What a hurried reader should know of one model: the best setting, what matters, how sure that is."""
    verdicts = Counter(
        axis.row(label)["verdict"] for axis in axes for label in axis.labels
        if label != axis.reference
    )  # fmt: skip
    parts = [
        words("findings.count", n=verdicts[word], verdict=words(f"verdict.{slug(word)}"))
        for word in COUNTED
        if verdicts[word]
    ]
    counts = words("findings.counts", n=sum(verdicts.values()), parts=words.join(parts))
    found = [best["sentence"]] if best is not None else [words("best.none")]
    return [*found, most, counts, *noise]


def best_view(
    best: dict[str, Any] | None,
    settings: dict[str, str],
    metric: str,
    confidence: float,
    words: Words,
) -> dict[str, Any] | None:
    """The setting with the best validation loss, and those that cannot be told from it.

    settings: by cell, the words for it.
    """
    if best is None:
        return None
    bounds = scaled_pair(metric, best["test_interval"])
    mean = scaled(metric, best["test_mean"])
    assert mean is not None
    places = fmt.column_decimals([bounds], [mean])
    others = [settings[cell] for cell in best["indistinguishable"]]
    sentence = words(
        "best.sentence",
        setting=settings[best["cell"]],
        val_loss=fmt.significant(best["val_loss_mean"]),
        metric=words(f"metric.{metric}"),
        mean=words.number(metric, fmt.fixed(mean, places)),
        interval=fmt.interval(bounds, places) if bounds else fmt.DASH,
        level=fmt.percent(confidence),
    )
    if not others:
        tie = words("best.alone")
    elif len(others) <= NAMED:
        tie = words("best.ties", values=words.listed(others))
    else:
        rest = len(others) - NAMED
        tie = words("best.more_ties", values=words.listed(others[:NAMED]), n=rest)
    return {"sentence": words.sentences([sentence, tie]), "others": others}


def one_run(
    model: dict[str, Any],
    axes: list[Axis],
    published: dict[str, Any] | None,
    words: Words,
) -> list[str]:
    """How far one run of the baseline may land from another, and where the course report's did."""
    baseline = [axis for axis in axes if _is_baseline(axis)]
    if not baseline:
        return []
    axis = baseline[0]
    own = axis.replicates[axis.replicates["label"] == axis.reference][axis.metric]
    _, bounds = pub.judged(
        None, own, ratio=ratio_of(model), confidence=axis.confidence, same_data=True
    )
    bounds = scaled_pair(axis.metric, bounds)
    if bounds is None:
        return []
    places = fmt.column_decimals([bounds])
    low, high = (
        words.number(axis.metric, fmt.fixed(possible(axis.metric, bound), places))
        for bound in bounds
    )
    text = words(
        "findings.one_run",
        metric=words(f"metric.{axis.metric}"),
        low=low,
        high=high,
        level=fmt.percent(axis.confidence),
    )
    theirs = []
    if published is not None and pub.comparable(published, model["data"]):
        for each in baseline:
            for run in pub.runs(published, each.name, each.reference):
                value = scaled(axis.metric, (run or {}).get(axis.metric))
                if value is not None:
                    theirs.append(value)
    if len(theirs) > 1:
        listed = words.join(
            [
                words.number(axis.metric, fmt.fixed(value, max(places, 1)))
                for value in sorted(theirs)
            ]
        )
        text = words.sentences([text, words("findings.their_runs", values=listed, n=len(theirs))])
    return [text]


def yardstick_rows(
    compared: dict[str, Any], yardsticks: dict[str, Any], words: Words
) -> list[dict[str, Any]]:
    """One row per yardstick, the compared metric with its interval."""
    metric = compared["metric"]
    found = compared["yardsticks"]
    bounds = [scaled_pair(metric, found[name]["interval"]) for name in yardsticks]
    means = [scaled(metric, found[name]["mean"]) for name in yardsticks]
    places = fmt.column_decimals(bounds, [m for m in means if m is not None])
    why = [words("none.too_few")] * len(means)
    mean_entries = fmt.entries([None if m is None else fmt.fixed(m, places) for m in means], why)
    bound_entries = fmt.entries(fmt.intervals(bounds, places), why)
    return [
        {"text": words.named("yardstick", name), "mean": mean_entries[i],
         "interval": bound_entries[i], "n": found[name]["n"]}
        for i, name in enumerate(yardsticks)
    ]  # fmt: skip


def ratio_of(model: dict[str, Any]) -> float:
    """n_test / n_train for the corrected variance; 0 where the test set is fixed."""
    data = model["data"]
    return 0.0 if data["fixed_test_set"] else float(data["test_train_ratio"])


def _is_baseline(axis: Axis) -> bool:
    """Whether the reference of an axis is the model's baseline, nothing else fixed."""
    if axis.axis["with"] or axis.axis["parameter"] is None:
        return False
    return label_of(axis.model["parameters"][axis.axis["parameter"]]) == axis.reference
