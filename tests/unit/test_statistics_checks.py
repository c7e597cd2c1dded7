"""What stands beside the verdicts in comparisons.json and decides none of them."""

import math
from itertools import product
from typing import Any

import numpy as np
import pytest
from ablation.statistics.compare import Question
from ablation.store.formats import InvalidDocumentError, validate_document
from scipy import special, stats
from test_statistics_compare import (
    BASE,
    DEPTH,
    LEARNT_NOTHING,
    METRICS,
    NOISE,
    QUESTION,
    RATIO,
    TRIVIAL,
    VALUES,
    WIDTH,
    J,
    key,
    lost,
    make_axis,
    make_study,
    run,
)
from test_statistics_spread import limma_prior, limma_squeeze

MODEL = (DEPTH, WIDTH)
NAMES = ("far", "near", "wide", "wider")


def rows_of(values: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    """The rows of both axes; their labels are different ones."""
    axes = run(make_study(*MODEL, yardsticks=LEARNT_NOTHING), VALUES | (values or {}), **options)[
        "axes"
    ]
    return axes["depth"]["rows"] | axes["width"]["rows"]


def moderated(name: str) -> tuple[float, float]:
    """The standard deviation and the degrees that the test of a cell uses, by limma's formulas."""
    observed = {n: float(np.log(VALUES[n] / BASE).var(ddof=1)) for n in NAMES}
    prior = limma_prior(list(observed.values()), [J - 1] * 4)
    pooled = limma_squeeze(observed[name], J - 1, prior)
    return math.sqrt(pooled), min(prior[1] + J - 1, 4 * (J - 1))


def test_every_verdict_has_what_belongs_to_it() -> None:
    rows = rows_of({"wide": VALUES["wide"][:4]})
    words = {label: row["verdict"] for label, row in rows.items()}
    assert words == {
        "1": "worse", "2": "reference", "3": "practically equivalent",
        "64": "reference", "9": "not tested", "512": "inconclusive",
    }  # fmt: skip
    for name in ("sign_flip", "effect_size", "detectable"):
        assert [label for label, row in rows.items() if row[name] is not None] == ["1", "3", "512"]
    assert [label for label, row in rows.items() if row["settle"]] == ["512"]
    assert all(row["noise"] is None for row in rows.values())


def test_the_number_of_replicates_by_trying_all_with_the_moderated_spread() -> None:
    # Four spreads that are much alike: the prior weighs.
    values = {name: BASE * NOISE[7] ** s for name, s in zip(NAMES, (0.8, 1, 1.2, 1.5), strict=True)}
    for i, name in enumerate(NAMES):
        values[name] = np.roll(values[name] / BASE, 3 * i) * BASE
    d = np.log(values["wide"] / BASE)
    values["wide"] *= np.exp(0.24 - d.mean())
    observed = [float(np.log(values[name] / BASE).var(ddof=1)) for name in NAMES]
    prior = limma_prior(observed, [J - 1] * 4)
    degrees = min(prior[1] + J - 1, 4 * (J - 1))
    assert degrees > 20

    def settled(variance: float, freedom: float) -> int | None:
        for count in range(18, 10_000, 6):
            t = stats.t.ppf((1 + 0.975) / 2, freedom + count - J)
            if t * math.sqrt(variance * (1 / count + RATIO)) < 0.24:
                return count
        return None

    row = rows_of(values)["9"]
    expected = settled(limma_squeeze(observed[2], J - 1, prior), degrees)
    assert expected is not None
    assert row["settle"] == {"replicates": expected, "as": "difference"}
    # Its own spread with its own degrees would ask for another number.
    assert expected != settled(observed[2], J - 1)


def test_what_is_inconclusive_for_its_losses_is_not_settled_by_replicates() -> None:
    row = rows_of({"far": lost(BASE * 0.7 * NOISE[0], 3)})["1"]
    assert (row["verdict"], row["reason"]) == ("inconclusive", "diverged")
    assert row["settle"] is None
    assert row["sign_flip"] is not None


def test_the_detectable_difference_has_the_power_that_is_said() -> None:
    row = rows_of()["9"]
    sd, degrees = moderated("wide")
    # In the unit it is the reference times (ratio − 1); the first step of two comparisons asks 2.5 %.
    effect = math.log(1 + row["detectable"] / stats.gmean(BASE)) / sd
    shift = effect / math.sqrt(1 / J + RATIO)
    critical = stats.t.ppf(1 - 0.0125, degrees)
    power = stats.nct.sf(critical, degrees, shift) + stats.nct.cdf(-critical, degrees, shift)
    assert power == pytest.approx(0.8, abs=1e-3)


def test_the_effect_size_is_of_the_observed_spread() -> None:
    d = np.log(VALUES["wider"] / BASE)
    m = J - 1
    hedges = math.exp(special.gammaln(m / 2) - special.gammaln((m - 1) / 2)) / math.sqrt(m / 2)
    found = rows_of()["512"]["effect_size"]
    assert found == pytest.approx(d.mean() / d.std(ddof=1) * hedges)


def test_signs_are_flipped_on_the_metrics_scale() -> None:
    d = np.log(VALUES["wider"] / BASE)
    patterns = np.array(list(product((-1, 1), repeat=J)))
    means = patterns @ d / J
    expected = 2 * np.mean(means * np.sign(d.mean()) >= abs(d.mean()) - 1e-12)
    found = rows_of()["512"]["sign_flip"]
    assert found == {"p": pytest.approx(expected), "smallest_p": 2 / 2**J, "exact": True,
                     "n_pairs": J}  # fmt: skip


def parts(sd: float, seed: int, spread: float) -> dict[int, np.ndarray]:
    """Test parts of 50 samples around means that scatter by ``spread``."""
    rng = np.random.default_rng(seed)
    means = 10 + spread * np.linspace(-1, 1, J)
    drawn = rng.normal(size=(J, 50))
    drawn = (drawn - drawn.mean(axis=1, keepdims=True)) / drawn.std(axis=1, ddof=1, keepdims=True)
    return dict(enumerate(means[:, None] + sd * drawn))


@pytest.mark.parametrize("spread", [5.0, 0.01])
def test_noise_is_in_the_unit_and_above_one_where_replicates_lie_close(spread: float) -> None:
    samples = {"mse": {key("base"): parts(2.0, 0, spread)}}
    noise = rows_of(samples=samples)["2"]["noise"]
    assert noise["sd"] == pytest.approx(spread * np.linspace(-1, 1, J).std(ddof=1))
    # s²/n = 4/50, and of J = 12 in blocks of six 10/11 of it shows between replicates.
    assert noise["sd_test"] == pytest.approx(math.sqrt(10 / 11 * 4 / 50))
    assert noise["share"] == pytest.approx((noise["sd_test"] / noise["sd"]) ** 2)
    assert (noise["share"] > 1) is (spread < 1)


def test_noise_is_of_cells_with_samples_and_not_of_one_shared_test_set() -> None:
    samples = {"mse": {key("base"): parts(2.0, 0, 1.0)}}
    assert rows_of(samples=samples)["1"]["noise"] is None
    fixed = run(make_study(DEPTH, fixed=True), VALUES, samples=samples)
    assert fixed["axes"]["depth"]["rows"]["2"]["noise"] is None


def omega2(*columns: Any) -> tuple[float, float]:
    """F and partial ω² of cells on the logarithm, by hand."""
    table = np.log(np.column_stack(columns))
    n, k = table.shape
    centred = table - table.mean(0) - table.mean(1, keepdims=True) + table.mean()
    mse = np.sum(centred**2) / ((n - 1) * (k - 1))
    f = n * np.sum((table.mean(0) - table.mean()) ** 2) / (k - 1) / mse / (1 + n * RATIO)
    effect = max((k - 1) * (f - 1), 0) * (1 / n + RATIO)
    return float(f), float(effect / (effect + k))


def test_importance_by_hand() -> None:
    found = run(make_study(DEPTH), VALUES)["axes"]["depth"]["importance"]
    f, share = omega2(VALUES["far"], BASE, VALUES["near"])
    assert (found["f"], found["omega2"]) == (pytest.approx(f), pytest.approx(share))
    assert found["p"] == pytest.approx(stats.f.sf(f, 2, 22))
    assert (found["cells"], found["left_out"], found["n_replicates"]) == (["1", "2", "3"], [], J)
    assert found["non_diverged_only"] is False


@pytest.mark.parametrize("how", ["diverged", "collapsed", "failed"])
def test_importance_leaves_out_what_is_broken_or_failed_and_names_it(how: str) -> None:
    values = dict(VALUES)
    if how == "failed":
        del values["far"]
    elif how == "diverged":
        values["far"] = lost(VALUES["far"], *range(6))
    else:
        values["far"] = np.where(np.arange(J) < 6, np.array(TRIVIAL), BASE)
    study = make_study(DEPTH, yardsticks=LEARNT_NOTHING)
    found = run(study, values)["axes"]["depth"]["importance"]
    assert (found["cells"], found["left_out"], found["n_replicates"]) == (["2", "3"], ["1"], J)
    assert found["omega2"] == pytest.approx(omega2(BASE, VALUES["near"])[1])


def test_importance_of_what_did_not_diverge_says_so() -> None:
    values = VALUES | {"far": lost(VALUES["far"], 4)}
    found = run(make_study(DEPTH), values)["axes"]["depth"]["importance"]
    kept = [np.delete(VALUES[name], 4) for name in ("far", "base", "near")]
    assert found["omega2"] == pytest.approx(omega2(*kept)[1])
    assert (found["n_replicates"], found["non_diverged_only"]) == (J - 1, True)


def test_when_there_is_no_importance() -> None:
    def of(values: dict[str, Any]) -> Any:
        return run(make_study(DEPTH), values)["axes"]["depth"]["importance"]

    assert of({name: own[:4] for name, own in VALUES.items()}) is None
    assert of(VALUES | {"far": [None] * J, "near": [None] * J}) is None  # one cell alone
    assert of(VALUES | {"far": [0.0, *BASE[1:]]}) is None
    assert of({name: BASE * i for i, name in enumerate(("far", "base", "near"), 1)}) is None


def test_an_axis_of_broken_cells_alone_has_none_either() -> None:
    axis = make_axis("a", "1", _1="far", _2="base")
    model = run(make_study(axis), {"far": [None] * J, "base": [None] * J})
    assert model["axes"]["a"]["importance"] is None


@pytest.mark.parametrize("name", ["sign_flip", "settle", "scored", "noise", "detectable", "spread"])
def test_the_schema_asks_for_every_detail(name: str) -> None:
    model = run(make_study(DEPTH), VALUES)
    del model["axes"]["depth"]["rows"]["1"][name]
    document = {"confidence": 0.95, "power": 0.8, "models": {"m": model}}
    with pytest.raises(InvalidDocumentError, match=name):
        validate_document(document, "comparisons")


def test_drawn_sign_patterns_follow_the_seed_of_the_study() -> None:
    rng = np.random.default_rng(4)
    values = {name: rng.lognormal(2, 0.5, 24) for name in ("far", "base", "near")}
    study = make_study(DEPTH)
    found = {}
    for seed in (7, 7, 8):
        study["study"]["seed"] = seed
        row = run(study, values, QUESTION)["axes"]["depth"]["rows"]["3"]["sign_flip"]
        assert row["exact"] is False
        found.setdefault(seed, set()).add(row["p"])
    assert [len(ps) for ps in found.values()] == [1, 1]
    assert found[7] != found[8]


def test_details_of_a_metric_that_is_no_ratio_stay_in_its_unit() -> None:
    r2 = {name: 1 - own / 84 for name, own in VALUES.items()}
    row = run(make_study(DEPTH), VALUES, Question(METRICS, "r2", 0.05))["axes"]["depth"]["rows"][
        "1"
    ]
    d = r2["far"] - r2["base"]
    shift = row["detectable"] / d.std(ddof=1) / math.sqrt(1 / J + RATIO)
    critical = stats.t.ppf(1 - 0.0125, J - 1)
    assert stats.nct.sf(critical, J - 1, shift) == pytest.approx(0.8, abs=1e-3)
