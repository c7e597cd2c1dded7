"""What verdicts are made on: each model's tested metric, and the smallest difference in it that matters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ablation.study.models import Model
from ablation.study.sentences import ConfigError, allowed, shown

# Where a configuration says nothing: an hundredth of all samples, a fifth of the error.
MARGINS = {
    "classification": {"metric": "accuracy", "margin": 0.01},
    "regression": {"metric": "mse", "margin_ratio": 1.2},
}
KINDS = {
    True: ("margin_ratio", "a ratio", 1),
    False: ("margin", "a difference", 0),
}


def margins(
    config: Mapping[str, Any], models: Mapping[str, Model], dropped: set[str]
) -> dict[str, dict[str, Any]]:
    """Model → its metric with its margin.

    Args:
        config: with ``models.<name>.margin``, which is taken out, or ``statistics.tested.<name>``.
        models: by name.
        dropped: the names of models that a variant takes away; what is said of them counts for nothing.

    Raises:
        ConfigError: one sentence.
    """
    tested = config["statistics"]["tested"]
    stranger = next((name for name in tested if name not in models and name not in dropped), None)
    if stranger is not None:
        raise ConfigError(
            f"statistics.tested.{stranger} is not a known key: allowed here are {', '.join(sorted(models))}."
        )
    return {
        name: _tested(model, config["models"][name].pop("margin", None), tested.get(name))
        for name, model in models.items()
    }


def _tested(model: Model, margin: Any, tested: Any) -> dict[str, Any]:
    where, other = f"models.{model.name}.margin", f"statistics.tested.{model.name}"
    if margin is None and tested is None:
        return dict(MARGINS[model.task.name])
    if margin is not None and tested is not None:
        raise ConfigError(f"{where} and {other} are both there: allowed is one of the two.")
    if margin is None:
        where, margin = other, tested
    if not isinstance(margin, dict):
        first = model.metrics[0]
        margin, where_margin = {"metric": first.name, KINDS[first.log][0]: margin}, where
        bound = KINDS[first.log][2]
        if not bound < margin[KINDS[first.log][0]] <= (100 if first.log else 1):
            value = margin[KINDS[first.log][0]]
            rule = {
                "type": "number",
                "exclusiveMinimum": bound,
                "maximum": 100 if first.log else 1,
            }
            raise ConfigError(
                f"{where_margin} is {shown(value)}, but {first.name} is compared as {KINDS[first.log][1]}: "
                f"allowed is {allowed(rule)}."
            )
    _check(model, margin, where)
    return dict(margin)


def _check(model: Model, entry: Mapping[str, Any], where: str) -> None:
    """Refuse a metric that is not the model's, and a margin of the other kind."""
    names = [metric.name for metric in model.metrics]
    if "metric" not in entry:
        raise ConfigError(f"{where}.metric is missing: it must be one of {', '.join(names)}.")
    if entry["metric"] not in names:
        raise ConfigError(
            f"{where}.metric is {entry['metric']!r}: allowed is one of {', '.join(names)}."
        )
    is_ratio = model.metric(entry["metric"]).log
    (needed, kind, bound), (other, *_) = KINDS[is_ratio], KINDS[not is_ratio]
    if other in entry:
        raise ConfigError(
            f"{where}.{other} is {shown(entry[other])}, but {entry['metric']} is compared as {kind}: "
            f"allowed is {needed}, a number above {bound} (a variant drops the other with null)."
        )
    if needed not in entry:
        raise ConfigError(
            f"{where}.{needed} is missing: {entry['metric']} is compared as {kind}, "
            f"so it must be a number above {bound}."
        )
