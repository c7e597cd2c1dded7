"""The tables of docs/statistics.md that decided how the studies are judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from ablation.statistics.best import expected_maximum
from ablation.statistics.families import Comparison, pair_name
from ablation.statistics.judge import Numbers, Outcome, Setting, judge
from ablation.statistics.paired import detection_power, p_value
from ablation.statistics.replicates import Fate
from ablation.statistics.scale import Scale
from ablation.statistics.verdicts import Verdict
from numpy.typing import NDArray

from simulation.layouts import Classification, Regression, Study
from simulation.methods import METHODS, Compared, Layout

Table = tuple[list[str], list[list[str]]]
"""Heads and rows, as texts."""

ALPHA = 0.05
WORSE = 0.8
"""Separation of a classifier's own set, 1.2 for the others: about half a point of accuracy."""


def percent(share: float) -> str:
    """A share with one decimal."""
    return f"{100 * share:.1f} %"


def ratio_table(n_studies: int, seed: int) -> Table:
    """Which ratio keeps the error level: equal learners, tested with each candidate."""
    designs: list[tuple[str, Layout, str, Sequence[int], Sequence[tuple[str, float]]]] = []
    ratios = [("0", 0.0), ("1/6", 1 / 6), ("1/5", 1 / 5), ("1/4", 1 / 4)]
    for noise, features in (("normal", 5), ("normal", 40), ("t3", 20), ("skewed", 20)):
        layout = Regression((1.0, 1.0), n_features=features, noise=noise)
        name = f"six parts, {features} features, {noise} noise"
        designs.append((name, layout, "mse", (6, 12, 24), ratios))
    drawn = [("0", 0.0), ("n/(N − n) = 1/9", 1 / 9), ("n/n_train = 0.21", 500 / 2400)]
    for features in (20, 60):
        layout = Classification((1.2, 1.2), n_features=features)
        name = f"drawn from 5,000, {features} features, 0/1 losses"
        designs.append((name, layout, "accuracy", (6, 12), drawn))
    rows = []
    for i, (name, layout, metric, sizes, candidates) in enumerate(designs):
        rng = np.random.default_rng([seed, i])
        studies = [
            _on_scale(layout.study(max(sizes), rng).metric(metric), metric)
            for _ in range(n_studies)
        ]
        for n_replicates in sizes:
            d = np.array([one[:n_replicates, 1] - one[:n_replicates, 0] for one in studies])
            true = float(np.mean(d.mean(axis=1) ** 2) / np.mean(d.var(axis=1, ddof=1)))
            rates = [f"{label}: {percent(rejected(d, ratio))}" for label, ratio in candidates]
            rows.append([name, str(n_replicates), f"{true - 1 / n_replicates:.3f}", *rates])
    widest = max(map(len, rows))
    heads = ["layout, learners", "J", "ratio that would be right", "false positives with the ratio"]
    return (
        [*heads, *[""] * (widest - len(heads))],
        [row + [""] * (widest - len(row)) for row in rows],
    )


def _on_scale(values: NDArray[np.float64], metric: str) -> NDArray[np.float64]:
    return values if metric == "accuracy" else np.log(values)


def rejected(differences: NDArray[np.float64], ratio: float) -> float:
    """How often the corrected test finds a difference, of differences ``[studies, J]``."""
    n = differences.shape[1]
    rows = zip(differences.mean(axis=1), differences.var(axis=1, ddof=1), strict=True)
    return float(np.mean([p_value(mean, n, s2, n - 1, ratio) < ALPHA for mean, s2 in rows]))


def spread_table(n_studies: int, seed: int) -> Table:
    """How the variance is best estimated with few replicates: the CNN's layout, seven comparisons on three axes."""
    axes = ((0,), (1, 2), (3, 4, 5, 6))
    designs = (
        ("alike", Classification((*[1.2] * 7, WORSE))),
        (
            "unlike",
            Classification((*[1.2] * 7, WORSE), overlaps=(1, 0.95, 0.8, 0.6, 0.4, 0.2, 0, 0)),
        ),
    )
    rows = []
    for i, (name, layout) in enumerate(designs):
        for n_replicates in (6, 12):
            rng = np.random.default_rng([seed, i, n_replicates])
            found = {method: _Tally() for method in METHODS}
            for _ in range(n_studies):
                compared = Compared(layout.study(n_replicates, rng), layout, axes)
                low = compared.variances < compared.floors / 2
                for method, estimate in METHODS.items():
                    p = compared.p_values(estimate(compared), layout.overlap_ratio)
                    found[method].add(p, low)
            rows += [[name, str(n_replicates), method, *t.texts()] for method, t in found.items()]
    heads = ["spreads", "J", "variance", "false positives", "highest of one comparison"]
    return [*heads, "of these, S² under half the floor", "(of all)", "power"], rows


class _Tally:
    """Counts over studies whose last comparison is of a learner that is worse."""

    def __init__(self) -> None:
        self.false: list[NDArray[np.bool_]] = []
        self.low: list[NDArray[np.bool_]] = []
        self.found: list[bool] = []

    def add(self, p: NDArray[np.float64], low: NDArray[np.bool_]) -> None:
        self.false.append(p[:-1] < ALPHA)
        self.low.append(low[:-1])
        self.found.append(bool(p[-1] < ALPHA))

    def texts(self) -> list[str]:
        false, low = np.array(self.false), np.array(self.low)
        shares = (false.mean(), false.mean(axis=0).max(), low[false].mean() if false.any() else 0.0)
        return [
            *map(percent, map(float, (*shares, low.mean()))),
            percent(float(np.mean(self.found))),
        ]


def scale_table(n_studies: int, seed: int) -> Table:
    """On which scale an error is compared: the FNN's layout, one equal learner and one that is worse."""
    weights = (1.0, 1.0, 0.75)
    designs = [
        ("normal", Regression(weights, n_features=20), 0.0),
        ("t3", Regression(weights, n_features=20, noise="t3"), 0.0),
        ("skewed", Regression(weights, n_features=20, noise="skewed"), 0.0),
        ("t3, censored", Regression(weights, n_features=20, noise="t3", censored=True), 0.0),
        ("normal, luck of training 25 %", Regression((1.0, 1.0, 0.1), noise_sd=0.3), 0.25),
        ("normal, luck of training 50 %", Regression((1.0, 1.0, 0.1), noise_sd=0.3), 0.5),
    ]
    rows = []
    for i, (name, layout, luck) in enumerate(designs):
        rng = np.random.default_rng([seed, i])
        errors: dict[str, list[NDArray[np.float64]]] = {"MSE": [], "MAE": []}
        for _ in range(n_studies):
            study = layout.study(24, rng)
            # What training alone does to an error multiplies it, whatever the split.
            factor = rng.lognormal(0, luck, (24, len(layout.weights)))
            errors["MSE"].append(study.metric("mse") * factor)
            errors["MAE"].append(study.metric("mae") * np.sqrt(factor))
        forms = {
            f"{prefix}{name}": [transform(table) for table in tables]
            for name, tables in errors.items()
            for prefix, transform in (("", np.asarray), ("log ", np.log))
        }
        for form, tables in forms.items():
            d = np.array([table[:, 1:] - table[:, :1] for table in tables])
            false, found = (rejected(d[:, :, k], layout.overlap_ratio) for k in (0, 1))
            skew = float(np.mean([_skewness(row) for row in d[:, :, 1]]))
            rows.append([name, form, percent(false), percent(found), f"{skew:+.2f}"])
    return ["noise", "compared", "false positives", "power", "skewness of the differences"], rows


def _skewness(values: NDArray[np.float64]) -> float:
    centred = values - values.mean()
    return float(np.mean(centred**3) / np.mean(centred**2) ** 1.5)


def optimism_table(n_studies: int, seed: int) -> Table:
    """By how much the best of equal learners, chosen by validation loss, looks better in its test metric than all are."""
    designs: list[tuple[str, Layout, str, int]] = [
        ("six parts, 10 learners", Regression((1.0,) * 10), "mse", 24),
        ("six parts, 10 learners, less noise", Regression((1.0,) * 10, noise_sd=0.3), "mse", 24),
        ("drawn from 5,000, 15 learners", Classification((1.2,) * 15), "accuracy", 12),
    ]
    rows = []
    for i, (name, layout, metric, n_replicates) in enumerate(designs):
        rng = np.random.default_rng([seed, i])
        gains, bounds, correlations = [], [], []
        for _ in range(n_studies):
            study = layout.study(n_replicates, rng)
            table = _on_scale(study.metric(metric), metric)
            means, validation = table.mean(axis=0), study.validation.mean(axis=0)
            sign = 1.0 if metric == "accuracy" else -1.0
            gains.append(sign * (means[int(validation.argmin())] - means.mean()))
            spread = float(np.median((table[:, 1:] - table[:, :1]).var(axis=0, ddof=1)))
            luck = np.sqrt((1 / n_replicates + layout.overlap_ratio) * spread / 2)
            bounds.append(expected_maximum(table.shape[1]) * luck)
            correlations.append(np.corrcoef(validation, -sign * means)[0, 1])
        unit = "points" if metric == "accuracy" else "%"
        shown = [f"{100 * float(np.mean(values)):.2f} {unit}" for values in (gains, bounds)]
        rows.append([name, str(n_replicates), f"{float(np.mean(correlations)):.2f}", *shown])
    heads = [
        "layout",
        "J",
        "correlation of validation and test",
        "gain by luck",
        "the report says up to",
    ]
    return heads, rows


def verdict_table(n_studies: int, seed: int) -> Table:
    """What the verdicts of whole axes do: two axes, of a reference, an equal and either an equal or a worse learner."""
    designs: list[tuple[str, Layout, str, Sequence[int]]] = [
        ("FNN: log MSE, 5 features", Regression((1, 1, 1, 0.62), n_features=5), "mse", (12, 24)),
        ("FNN: log MSE, 20 features", Regression((1, 1, 1, 0.62), n_features=20), "mse", (12, 24)),
        ("CNN: accuracy", Classification((1.2, 1.2, 1.2, 0.2)), "accuracy", (6, 12)),
    ]
    rows = []
    for i, (name, layout, metric, sizes) in enumerate(designs):
        for n_replicates in sizes:
            rng = np.random.default_rng([seed, i, n_replicates])
            studies = [layout.study(n_replicates, rng) for _ in range(n_studies)]
            rows.append([name, str(n_replicates), *_verdict_rates(studies, layout, metric)])
    heads = ["model", "J", "equals: a false better or worse", "the worse one found", "expected"]
    more = [
        "interval covers",
        "all of a factor cover",
        "difference on the margin called equivalent",
    ]
    return [*heads, *more], [
        ["*meant*", "", "≤ 5 %", "", "", "≥ 97.5 %", "≥ 95 %", "≤ 1.25 %"],
        *rows,
    ]


def _verdict_rates(studies: list[Study], layout: Layout, metric: str) -> list[str]:
    tables = np.array([_on_scale(study.metric(metric), metric) for study in studies])
    truth = float((tables[:, :, 3] - tables[:, :, 0]).mean())
    judged = [_judged(study, layout, metric, abs(truth)) for study in studies]
    equal = [[one["equal", k] for k in (1, 2)] for one in judged]
    unequal = [[one["unequal", k] for k in (1, 3)] for one in judged]
    covered = np.array(
        [[_covers(o, t) for o, t in zip(row, (0.0, truth), strict=True)] for row in unequal]
    )
    used = [row[1].spread for row in unequal if row[1].spread is not None]
    sd = float(np.sqrt(np.mean([spread.observed for spread in used])))
    expected = detection_power(
        truth / sd,
        tables.shape[1],
        overlap_ratio=layout.overlap_ratio,
        alpha=ALPHA / 2,
        degrees=float(np.median([spread.degrees for spread in used])),
    )
    shares = (
        np.mean([any(o.judged.verdict.differs for o in row) for row in equal]),
        np.mean([row[1].judged.verdict is Verdict.WORSE for row in unequal]),
        expected,
        covered.mean(),
        covered.all(axis=1).mean(),
        np.mean([row[1].judged.verdict is Verdict.EQUIVALENT for row in unequal]),
    )
    return [percent(float(share)) for share in shares]


def _judged(
    study: Study, layout: Layout, metric: str, margin: float
) -> dict[tuple[str, int], Outcome]:
    """Both axes of one study by the code that judges a study; the margin is the true difference of the worse learner."""
    scale = Scale(metric != "accuracy")
    values, n_replicates = study.metric(metric), len(study.samples)
    keys = [f"learner {k}" for k in range(values.shape[1])]
    numbers = Numbers(
        {
            key: dict(enumerate(map(float, scale.forward(values[:, k]))))
            for k, key in enumerate(keys)
        },
        {key: Fate(n_total=n_replicates) for key in keys},
        {key: scale.of_samples(study.of_samples(metric, k)) for k, key in enumerate(keys)},
    )
    setting = Setting(
        metric=metric,
        better="higher" if metric == "accuracy" else "lower",
        scale=scale,
        margin=margin,
        overlap_ratio=layout.overlap_ratio,
        fixed_test_set=False,
        confidence=1 - ALPHA,
        step=layout.step,
    )
    found = {}
    for axis, learners in (("equal", (1, 2)), ("unequal", (1, 3))):
        comparisons = {
            pair_name(keys[k], keys[0]): Comparison(keys[k], keys[0], axis) for k in learners
        }
        outcomes = judge(comparisons, numbers, setting)
        found.update({(axis, k): outcomes[pair_name(keys[k], keys[0])] for k in learners})
    return found


def _covers(outcome: Outcome, truth: float) -> bool:
    low, high = outcome.interval or (0.0, 0.0)
    return low <= truth <= high


TABLES: Mapping[str, Callable[[int, int], Table]] = {
    "ratio": ratio_table,
    "spread": spread_table,
    "scale": scale_table,
    "optimism": optimism_table,
    "verdicts": verdict_table,
}
