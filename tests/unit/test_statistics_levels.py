"""Every interval of comparisons.json holds at the configured confidence."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from ablation.statistics.compare import Question
from scipy import stats
from test_statistics_compare import (
    BASE,
    DEPTH,
    METRICS,
    RATIO,
    VALUES,
    WIDTH,
    J,
    key,
    make_study,
    run,
    yardstick,
)
from test_statistics_ranking import BOTH, GRID
from test_statistics_spread import limma_prior, limma_squeeze

Ends = list[float]


def levels(value: Any, path: str = "") -> Iterator[tuple[str, float]]:
    """Every level that is written anywhere, with its place."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in ("level", "difference_level", "confidence") and inner is not None:
                yield f"{path}.{name}", inner
            yield from levels(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from levels(inner, f"{path}.{i}")


def of_logs(values: Any, variance: float, confidence: float) -> Ends:
    logs = np.log(values)
    half = stats.t.ppf((1 + confidence) / 2, len(logs) - 1) * logs.std(ddof=1) * variance**0.5
    return [math.exp(logs.mean() - half), math.exp(logs.mean() + half)]


@pytest.mark.parametrize("confidence", [0.5, 0.9])
def test_intervals_of_cells_differences_and_simple_models(confidence: float) -> None:
    ridge = BASE * 1.3 * np.exp(np.random.default_rng(5).normal(0, 0.1, J))
    study = make_study(DEPTH, WIDTH, yardsticks={"ridge": yardstick(ridge)})
    losses = {name: 1.0 if name == "near" else 2.0 for name in VALUES}
    model = run(study, VALUES, confidence=confidence, val_loss=losses)
    variance = 1 / J + RATIO
    own = model["cells"][key("wide")]["mse"]
    assert own["interval"] == pytest.approx(of_logs(VALUES["wide"], variance, confidence))
    prediction = own["prediction"]
    assert prediction["same_data"] == pytest.approx(of_logs(VALUES["wide"], 1 + 1 / J, confidence))
    assert prediction["other_data"] == pytest.approx(
        of_logs(VALUES["wide"], 1 + 1 / J + 2 * RATIO, confidence)
    )
    assert model["axes"]["width"]["rows"]["9"]["interval"] == own["interval"]
    best = of_logs(VALUES["near"], variance, confidence)
    assert model["best"]["interval"] == pytest.approx(best)
    found = model["yardsticks"]["ridge"]
    assert found["interval"] == pytest.approx(of_logs(ridge, variance, confidence))
    # The best against the one simple model: a family of one, with the spread of its own pairs.
    against = found["best_against_it"]
    assert against["difference_level"] == pytest.approx(confidence)
    ends = np.array(of_logs(VALUES["near"] / ridge, variance, confidence))
    assert against["difference_interval"] == pytest.approx(stats.gmean(ridge) * (ends - 1))

    # Two comparisons an axis: each at 1 − (1 − confidence)/2.
    names = ["far", "near", "wide", "wider"]
    logs = [np.log(VALUES[name] / BASE) for name in names]
    prior = limma_prior([d.var(ddof=1) for d in logs], [J - 1] * 4)
    degrees = min(prior[1] + J - 1, 4 * (J - 1))
    level = 1 - (1 - confidence) / 2
    rows = {**model["axes"]["depth"]["rows"], **model["axes"]["width"]["rows"]}
    for d, label in zip(logs, ("1", "3", "9", "512"), strict=True):
        pooled = limma_squeeze(float(d.var(ddof=1)), J - 1, prior)
        half = stats.t.ppf((1 + level) / 2, degrees) * math.sqrt(pooled * variance)
        expected = np.exp([d.mean() - half, d.mean() + half])
        assert rows[label]["difference_level"] == pytest.approx(level)
        assert rows[label]["ratio_interval"] == pytest.approx(expected)
        assert rows[label]["difference_interval"] == pytest.approx(
            stats.gmean(BASE) * (expected - 1)
        )


@pytest.mark.parametrize("confidence", [0.5, 0.9])
def test_intervals_of_shares(confidence: float) -> None:
    model = run(make_study(DEPTH, GRID), BOTH, confidence=confidence)
    tails = [(1 + confidence) / 2, (1 - confidence) / 2]

    def noncentralities(share: dict[str, Any], n_cells: int) -> list[float]:
        # ω² = λ v/(λ v + K), v = 1/J + r.
        return [n_cells * w / ((1 - w) * (1 / J + RATIO)) for w in share["interval"]]

    share = model["axes"]["depth"]["importance"]
    assert share["level"] == confidence
    found = [stats.ncf.cdf(share["f"], 2, 22, x) for x in noncentralities(share, 3)]
    assert found == pytest.approx(tails, abs=1e-5)
    term = model["axes"]["grid"]["factorial"]["terms"][0]
    found = [stats.ncf.cdf(term["f"], 1, 11, x) for x in noncentralities(term, 4)]
    assert found == pytest.approx(tails, abs=1e-5)


@pytest.mark.parametrize("confidence", [0.5, 0.9])
def test_intervals_over_a_fixed_test_set(confidence: float) -> None:
    rng = np.random.default_rng(0)
    samples = {
        name: {r: (rng.random(200) < 0.8).astype(float) for r in range(J)} for name in VALUES
    }
    accuracy = {name: [own[r].mean() for r in range(J)] for name, own in samples.items()}
    model = run(
        make_study(DEPTH, fixed=True), VALUES, Question(METRICS, "r2", 0.05), confidence,
        r2=accuracy, samples={"r2": {key(name): own for name, own in samples.items()}},
    )  # fmt: skip

    def half(table: np.ndarray) -> float:
        """Of independent answers: both sources of chance, and Satterthwaite's degrees."""
        of_rows, of_columns = table.mean(1).var(ddof=1) / J, table.mean(0).var() / 200
        # Their own chance of each answer is in both, so the bootstrap counts it up to twice.
        variance = of_rows + of_columns
        return float(
            stats.t.ppf((1 + confidence) / 2, (J - 1) / (of_rows / variance) ** 2) * variance**0.5
        )

    table = np.stack(list(samples["base"].values()))
    low, high = model["cells"][key("base")]["r2"]["interval"]
    assert (high + low) / 2 == pytest.approx(table.mean())
    ratio = (high - low) / 2 / half(table)
    crossed = model["axes"]["depth"]["rows"]["1"]["crossed"]
    assert crossed["level"] == confidence
    low, high = crossed["difference_interval"]
    table = np.stack([samples["far"][r] - samples["base"][r] for r in range(J)])
    assert (high + low) / 2 == pytest.approx(table.mean())
    # At another level either would be off by a factor of t(0.95)/t(0.75) = 2.5.
    for each in (ratio, (high - low) / 2 / half(table)):
        assert 0.85 < each < 1.35
    alpha = 1 - confidence
    rejected = [row["p"] < alpha for row in crossed["mcnemar"]]
    assert crossed["n_rejected"] == sum(rejected)


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95])
def test_every_level_that_is_written_follows_from_the_confidence(confidence: float) -> None:
    study = make_study(DEPTH, WIDTH, GRID, yardsticks={"ridge": yardstick(BASE * 1.1)})
    model = run(study, BOTH, confidence=confidence)
    found = dict(levels(model))
    assert len(found) > 20
    for place, level in found.items():
        # Families of two (depth, width) and one (the grid's own, the yardstick's).
        allowed = {1 - (1 - confidence) / n for n in (1, 2)}
        assert any(level == pytest.approx(each) for each in allowed), place
    assert found[".axes.grid.rows.d.difference_level"] == pytest.approx(confidence)
    assert found[".axes.grid.rows.b.difference_level"] == pytest.approx((1 + confidence) / 2)
