"""The best cell of a model, one single run of its baseline, and the simple models beside them."""

from __future__ import annotations

from typing import Any

from ablation.language import numbers as fmt
from ablation.language.metrics import columns, possible_pair, scaled, scaled_pair
from ablation.language.verdicts import worded
from ablation.language.words import Words
from ablation.report.axis import Axis
from ablation.results import published as pub
from ablation.store.document import ModelDocument
from ablation.store.keys import label as label_of

NAMED = 5  # cells that the headline lists; the section of the model lists all


def best_view(
    compared: dict[str, Any], settings: dict[str, str], confidence: float, words: Words
) -> dict[str, Any] | None:
    """The cell with the best validation loss, those that are statistically indistinguishable, and how optimistic that is.

    compared: the model's part of ``comparisons.json``. settings: by cell, the words for it.
    """
    best, metric = compared["best"], compared["metric"]
    if best is None:
        return None
    bounds, mean = possible_pair(metric, best["interval"]), scaled(metric, best["test"])
    assert mean is not None
    places = fmt.column_decimals([bounds], [mean])
    others = [settings[cell] for cell in best["indistinguishable"]]
    numbers = {
        "val_loss": fmt.significant(best["val_loss_mean"]),
        "mean": words.number(metric, fmt.fixed(mean, places)),
        "interval": fmt.interval(bounds, places) if bounds else fmt.DASH,
        "level": fmt.percent(confidence),
    }
    names = {"setting": settings[best["cell"]], "metric": words(f"metric.{metric}")}
    parts = [words("best.sentence", **names, **numbers)]
    if best["n_diverged"]:
        parts.append(words("best.diverged", k=best["n_diverged"], n=best["n_total"]))
    parts.append(_ties(others, best["n_candidates"], len(compared["cells"]), words))
    optimism = scaled(metric, best["optimism"])
    if optimism is not None:
        size = words.difference(metric, fmt.significant(optimism, 2))
        parts.append(words("best.optimism", n=best["n_candidates"], size=size))
    return {"sentence": words.sentences(parts), "others": others}


def _ties(others: list[str], n_candidates: int, n_cells: int, words: Words) -> str:
    if not others:
        return words("best.alone")
    if len(others) == n_candidates - 1:
        return words("best.all" if n_candidates == n_cells else "best.all_sound")
    if len(others) <= NAMED:
        return words("best.ties", values=words.listed(others))
    rest = len(others) - NAMED
    return words("best.more_ties", values=words.listed(others[:NAMED]), n=rest)


def one_run(
    model: ModelDocument,
    axes: list[Axis],
    published: dict[str, Any] | None,
    words: Words,
) -> list[str]:
    """Where one single run of the baseline would fall, and where the course report's fell."""
    baseline = [axis for axis in axes if _is_baseline(axis)]
    if not baseline:
        return []
    axis = baseline[0]
    same_data = published is None or published["same_data"][model.data["dataset"]]
    bounds = prediction(axis, axis.reference, axis.metric, same_data=same_data)
    if bounds is None:
        return []
    places, row = fmt.column_decimals([bounds]), axis.row(axis.reference)
    values = axis.replicates.loc[axis.replicates["label"] == axis.reference, axis.metric].dropna()
    seen = [scaled(axis.metric, end) for end in (values.min(), values.max())]
    low, high, least, most = (
        words.number(axis.metric, fmt.fixed(end or 0.0, places)) for end in (*bounds, *seen)
    )
    numbers = {"low": low, "high": high, "least": least, "most": most}
    metric, level = words(f"metric.{axis.metric}"), fmt.percent(axis.confidence)
    parts = [words("findings.one_run", metric=metric, level=level, **numbers)]
    if row["n_diverged"]:
        parts.append(words("flag.diverged_sentence", k=row["n_diverged"], n=row["n_total"]))
    parts.append(words("findings.single_runs"))
    theirs = _their_runs(model, baseline, published)
    if len(theirs) > 1:
        listed = [words.number(axis.metric, fmt.fixed(v, max(places, 1))) for v in sorted(theirs)]
        parts.append(words("findings.their_runs", values=words.join(listed), n=len(theirs)))
    return [words.sentences(parts)]


def _their_runs(
    model: ModelDocument, baseline: list[Axis], published: dict[str, Any] | None
) -> list[float]:
    if published is None or not pub.comparable(published, model):
        return []
    values = [
        scaled(axis.metric, (run or {}).get(axis.metric))
        for axis in baseline
        for run in pub.runs(published, axis.name, axis.reference)
    ]
    return [value for value in values if value is not None]


def prediction(
    axis: Axis, label: str, metric: str, *, same_data: bool
) -> tuple[float, float] | None:
    """Our prediction interval of one new run, as shown."""
    intervals = axis.summary(label, metric).get("prediction")
    return possible_pair(
        metric, intervals and intervals["same_data" if same_data else "other_data"]
    )


def yardstick_rows(
    compared: dict[str, Any], yardsticks: dict[str, Any], words: Words
) -> list[dict[str, Any]]:
    """One row per simple model: the tested metric with its interval, and what the best cell is beside it."""
    metric, entries = compared["metric"], compared["yardsticks"]
    means, intervals = columns(
        metric,
        [entries[name]["mean"] for name in yardsticks],
        [entries[name]["interval"] for name in yardsticks],
        [words("none.too_few")] * len(yardsticks),
    )
    return [
        {
            "text": words.named("yardstick", name),
            "mean": means[i],
            "interval": intervals[i],
            "n": entries[name]["n"],
            "beside": _beside(entries[name]["best_against_it"], metric, words),
        }
        for i, name in enumerate(yardsticks)
    ]


def _beside(against: dict[str, Any] | None, metric: str, words: Words) -> fmt.Entry:
    if not against or against["p_adjusted"] is None:
        return fmt.Entry(fmt.DASH, words("none.not_compared"))
    gap = scaled(metric, against["difference"])
    bounds = scaled_pair(metric, against["difference_interval"])
    places = fmt.column_decimals([bounds], [gap or 0.0])
    numbers = {
        "difference": fmt.fixed(gap or 0.0, places, sign=True),
        "interval": fmt.interval(bounds, places, sign=True) if bounds else fmt.DASH,
        "p": fmt.p_value(against["p_adjusted"]),
    }
    verdict = worded(against["verdict"], against["reason"], words)
    return fmt.Entry(words("yardstick.beside", verdict=verdict, **numbers))


def _is_baseline(axis: Axis) -> bool:
    """Whether the reference of an axis is the model's baseline, nothing else fixed."""
    if axis.axis.fixed or axis.axis.parameter is None:
        return False
    return label_of(axis.model.parameters[axis.axis.parameter]) == axis.reference
