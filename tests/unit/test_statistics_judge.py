"""All comparisons of a model: each tested once in its family, with the moderated spread and the floor."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from ablation.statistics.families import Comparison, pair_name
from ablation.statistics.judge import Numbers, Outcome, Setting, judge
from ablation.statistics.paired import holm
from ablation.statistics.replicates import Fate
from ablation.statistics.scale import Scale
from ablation.statistics.spread import Spread
from ablation.statistics.verdicts import Reason, Verdict
from scipy import stats
from test_statistics_spread import limma_prior, limma_squeeze

J = 12
RATIO = 0.2
BASE = 10 + np.random.default_rng(0).normal(size=J)
NOISE = np.random.default_rng(1).normal(size=(8, J)) * np.array(
    [[1], [1], [2], [2], [3], [1], [1], [1]]
)
GOOD = Fate(n_total=J)


def setting(**changes: Any) -> Setting:
    given: dict[str, Any] = {
        "metric": "mse",
        "better": "lower",
        "scale": Scale(log=False),
        "margin": 3.0,
        "overlap_ratio": RATIO,
        "fixed_test_set": False,
        "confidence": 0.95,
    }
    return Setting(**given | changes)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("confidence", 95),
        ("confidence", 1),
        ("overlap_ratio", -0.1),
        ("overlap_ratio", math.nan),
    ],
)
def test_refuses_impossible_settings(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=name.replace("_", " ")):
        setting(**{name: value})


def against(reference: str, **axes: str) -> dict[str, Comparison]:
    """Every cell named against the reference, each on its axis."""
    return {pair_name(k, reference): Comparison(k, reference, axis) for k, axis in axes.items()}


def numbers(fates: dict[str, Fate] | None = None, samples: Any = None, **cells: Any) -> Numbers:
    """Cells by key; None is a diverged replicate."""
    values = {
        key: {r: float(v) for r, v in enumerate(own) if v is not None} for key, own in cells.items()
    }
    lost = {
        key: Fate(n_total=len(own), diverged=frozenset(r for r, v in enumerate(own) if v is None))
        for key, own in cells.items()
    }
    return Numbers(values, lost | (fates or {}), samples or {})


CELLS = {
    "ref": BASE,
    "far": BASE + 9 + NOISE[0],
    "near": BASE + 0.1 + NOISE[1],
    "wide": BASE + 1.5 + NOISE[2],
    "wider": BASE - 2 + NOISE[4],
}
TWO_AXES = against("ref", far="depth", near="depth", wide="width", wider="width")


def squeezed(differences: Sequence[np.ndarray]) -> tuple[list[float], float]:
    """Moderated variances and their degrees, by limma's formulas."""
    observed = [float(np.var(d, ddof=1)) for d in differences]
    degrees = [len(d) - 1 for d in differences]
    prior = limma_prior(observed, degrees)
    pooled = [limma_squeeze(v, n, prior) for v, n in zip(observed, degrees, strict=True)]
    return pooled, min(prior[1] + degrees[0], sum(degrees))


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95])
def test_two_families_recomputed(confidence: float) -> None:
    found = judge(TWO_AXES, numbers(**CELLS), setting(confidence=confidence))
    assert list(found) == list(TWO_AXES)
    names = [one.cell for one in TWO_AXES.values()]
    differences = {name: CELLS[name] - BASE for name in names}
    variances, degrees = squeezed(list(differences.values()))
    ps = {}
    for name, variance in zip(names, variances, strict=True):
        outcome = found[pair_name(name, "ref")]
        mean = differences[name].mean()
        error = math.sqrt((1 / J + RATIO) * variance)
        ps[name] = 2 * stats.t.sf(abs(mean) / error, degrees)
        level = 1 - (1 - confidence) / 2
        half = stats.t.ppf((1 + level) / 2, degrees) * error
        assert outcome.difference == pytest.approx(mean)
        assert outcome.p == pytest.approx(ps[name])
        assert outcome.level == pytest.approx(level)
        assert outcome.interval == pytest.approx((mean - half, mean + half))
    for family in (names[:2], names[2:]):
        small, large = sorted(family, key=lambda name: ps[name])
        adjusted = [found[pair_name(name, "ref")].p_adjusted for name in (small, large)]
        first = min(1, 2 * ps[small])
        assert adjusted == pytest.approx([first, max(first, ps[large])])


def spread_of(found: dict[str, Outcome], cell: str) -> Spread:
    """The spread that the test of a cell against the reference used."""
    spread = found[pair_name(cell, "ref")].spread
    assert spread is not None
    return spread


def verdicts(found: dict[str, Outcome]) -> dict[str, str]:
    """The words, by the cell that is compared."""
    return {one.comparison.cell: one.judged.verdict.value for one in found.values()}


def test_words_and_direction() -> None:
    found = judge(TWO_AXES, numbers(**CELLS), setting())
    assert verdicts(found) == {
        "far": "worse",
        "near": "practically equivalent",
        "wide": "inconclusive",
        "wider": "inconclusive",
    }
    higher = judge(TWO_AXES, numbers(**CELLS), setting(better="higher"))
    assert verdicts(higher)["far"] == "better"
    without = judge(TWO_AXES, numbers(**CELLS), setting(margin=None))
    assert verdicts(without)["near"] == "inconclusive"


def test_seen_from_its_other_side_everything_mirrors() -> None:
    name = pair_name("far", "ref")
    one = judge(TWO_AXES, numbers(**CELLS), setting())[name]
    other = one.seen_from("ref")
    assert (other.comparison.cell, other.comparison.reference) == ("ref", "far")
    assert (one.judged.verdict, other.judged.verdict) == (Verdict.WORSE, Verdict.BETTER)
    assert other.difference == pytest.approx(-9 - NOISE[0].mean())
    assert (other.p, other.p_adjusted, other.level) == (one.p, one.p_adjusted, one.level)
    assert one.interval is not None
    assert other.interval == (-one.interval[1], -one.interval[0])
    assert other.interval[0] < other.difference < other.interval[1] < 0
    assert one.seen_from("far") is one
    near = judge(TWO_AXES, numbers(**CELLS), setting())[pair_name("near", "ref")]
    assert near.seen_from("ref").judged.verdict is Verdict.EQUIVALENT


@pytest.mark.parametrize(
    ("cell", "reference", "word", "reason"),
    [
        ([*BASE[:4] + 1], BASE[:4], "not tested", Reason.FEW_PAIRS),
        ([], BASE, "not tested", Reason.FEW_PAIRS),
        (BASE, BASE, "not tested", Reason.IDENTICAL),
        (BASE + 0.5, BASE, "not tested", Reason.NO_SPREAD),
        ([-math.inf, *BASE[1:]], BASE, "not tested", Reason.ZERO),
        (BASE + NOISE[0], [*BASE[:11], -math.inf], "not tested", Reason.ZERO),
        (None, BASE, "failed", None),
        (BASE, None, "not tested", Reason.NO_REFERENCE),
        (None, None, "failed", None),
    ],
)
def test_what_cannot_be_tested_says_why_and_has_no_p(
    cell: Any, reference: Any, word: str, reason: Reason | None
) -> None:
    cells = {"cell": cell, "ref": reference, "far": CELLS["far"]}
    given = numbers(**{key: own for key, own in cells.items() if own is not None})
    found = judge(against("ref", cell="depth", far="depth"), given, setting())
    outcome = found[pair_name("cell", "ref")]
    assert (outcome.judged.verdict.value, outcome.judged.reason) == (word, reason)
    assert outcome.p is outcome.p_adjusted is outcome.interval is None


def test_five_pairs_are_enough() -> None:
    cells = {key: own[:5] for key, own in CELLS.items()}
    found = judge(TWO_AXES, numbers(**cells), setting())
    assert all(outcome.p is not None for outcome in found.values())


def test_a_comparison_without_p_keeps_its_place_in_the_family() -> None:
    # Of three on one axis one failed and one has too few pairs: the third still pays for all of them.
    given = numbers(ref=BASE, far=CELLS["far"], few=[*BASE[:3], *[None] * 9])
    axis = against("ref", far="a", few="a", gone="a", other="b")
    outcome = judge(axis, given, setting())[pair_name("far", "ref")]
    assert outcome.p is not None
    assert outcome.p_adjusted == pytest.approx(3 * outcome.p)
    assert outcome.level == pytest.approx(1 - 0.05 / 3)


def test_holm_over_a_family_of_four_by_hand() -> None:
    names = ["far", "near", "wide", "wider"]
    found = judge(against("ref", **dict.fromkeys(names, "a")), numbers(**CELLS), setting())
    ps = {name: found[pair_name(name, "ref")].p or 0.0 for name in names}
    order = sorted(names, key=lambda name: ps[name])
    running = 0.0
    for factor, name in zip((4, 3, 2, 1), order, strict=True):
        running = max(running, min(1.0, factor * ps[name]))
        assert found[pair_name(name, "ref")].p_adjusted == pytest.approx(running)
    assert holm([ps[name] for name in names]) == pytest.approx(
        [found[pair_name(name, "ref")].p_adjusted for name in names]
    )


def answers(rate: float, seed: int) -> dict[int, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {r: rng.random(100) < rate for r in range(J)}


def test_the_floor_of_the_test_samples_holds_where_the_spread_came_out_small() -> None:
    samples = {"ref": answers(0.9, 0), "far": answers(0.8, 1)}
    accuracy = {key: np.array([own[r].mean() for r in range(J)]) for key, own in samples.items()}
    # All pairs differ by nearly the same: no spread to speak of, though 100 answers each must give some.
    accuracy["far"] = accuracy["ref"] - 0.1 + np.linspace(-0.001, 0.001, J)
    given = numbers(samples=samples, **accuracy)
    axis = against("ref", far="a")
    options = {"margin": 0.01, "better": "higher", "overlap_ratio": 1 / 9}
    found = judge(axis, given, setting(**options))
    outcome, spread = found[pair_name("far", "ref")], spread_of(found, "far")
    parts = [samples["far"][r].astype(float) - samples["ref"][r] for r in range(J)]
    # A tenth of the pool tests, each part drawn by itself.
    floor = 0.9 * np.mean([part.var(ddof=1) / 100 for part in parts])
    assert spread.used == spread.floor == pytest.approx(floor)
    assert spread.observed < floor / 100
    error = math.sqrt((1 / J + 1 / 9) * floor)
    assert outcome.p == pytest.approx(2 * stats.t.sf(0.1 / error, J - 1))
    half = stats.t.ppf(0.975, J - 1) * error
    assert outcome.interval == pytest.approx((-0.1 - half, -0.1 + half))
    # On one fixed test set all replicates share the luck of its samples: no floor.
    fixed = judge(axis, given, setting(**options | {"fixed_test_set": True}))
    assert spread_of(fixed, "far").floor == 0
    # Blocks of six disjoint parts show all but (J − 6)/(10 (J − 1)) of it.
    blocks = judge(axis, given, setting(**options | {"step": 6}))
    assert spread_of(blocks, "far").floor == pytest.approx(floor / 0.9 * (1 - 6 / 110))


def test_broken_cells_are_left_out_of_the_pool_of_variances() -> None:
    heaps = np.where(np.arange(J) < 7, 80.0, 10.0) + NOISE[5]
    collapsed = Fate(n_total=J, collapsed=frozenset(range(7)))
    axis = TWO_AXES | against("ref", heaps="width")
    found = judge(axis, numbers({"heaps": collapsed}, **CELLS, heaps=heaps), setting())
    without = judge(TWO_AXES, numbers(**CELLS), setting())
    variances, degrees = squeezed([CELLS[one.cell] - BASE for one in TWO_AXES.values()])
    for one, variance in zip(TWO_AXES.values(), variances, strict=True):
        spread = spread_of(found, one.cell)
        assert spread == spread_of(without, one.cell)
        assert spread.pooled == pytest.approx(variance)
        assert spread.degrees == pytest.approx(degrees)
    own = spread_of(found, "heaps")
    assert own.pooled == pytest.approx(np.var(heaps - BASE, ddof=1))
    assert own.degrees == J - 1
    # Were it in the pool, the variances would be less alike, and a prior would weigh less.
    mixed = judge(axis, numbers(**CELLS, heaps=heaps), setting())
    assert spread_of(mixed, "far").degrees < spread_of(found, "far").degrees


def test_a_comparison_without_spread_is_left_out_of_the_pool_too() -> None:
    axis = TWO_AXES | against("ref", shift="width")
    found = judge(axis, numbers(**CELLS, shift=BASE + 7), setting())
    assert found[pair_name("shift", "ref")].judged.reason is Reason.NO_SPREAD
    _, degrees = squeezed([CELLS[one.cell] - BASE for one in TWO_AXES.values()])
    assert spread_of(found, "far").degrees == pytest.approx(degrees)
