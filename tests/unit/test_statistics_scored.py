"""Diverged replicates: a verdict stands if it also comes out with each of them scored as the trivial prediction."""

import math

import numpy as np
import pytest
from ablation.statistics.families import pair_name
from ablation.statistics.judge import Outcome, judge
from ablation.statistics.replicates import Fate
from ablation.statistics.scale import Scale
from ablation.statistics.verdicts import Judged, Reason, Verdict
from scipy import stats
from test_statistics_judge import BASE, CELLS, NOISE, RATIO, J, against, numbers, setting

TRIVIAL = dict(enumerate(80 + np.random.default_rng(3).normal(size=J)))
AXIS = against("ref", cell="a")
NAME = pair_name("cell", "ref")


def lost(values: np.ndarray, *replicates: int) -> list[float | None]:
    return [None if r in replicates else float(v) for r, v in enumerate(values)]


def outcome(cell: list[float | None], reference: list[float | None] | None = None) -> Outcome:
    own = lost(BASE) if reference is None else reference
    return judge(AXIS, numbers(ref=own, cell=cell), setting(trivial=TRIVIAL))[NAME]


def test_better_on_what_is_left_but_not_with_the_losses_is_inconclusive() -> None:
    found = outcome(lost(BASE - 4 + NOISE[0], 3, 5))
    assert found.judged == Judged(Verdict.INCONCLUSIVE, Reason.DIVERGED)
    # The numbers stay those of the ten complete pairs.
    kept = np.delete(-4 + NOISE[0], [3, 5])
    assert found.difference == pytest.approx(kept.mean())
    error = math.sqrt((1 / 10 + RATIO) * kept.var(ddof=1))
    assert found.p == pytest.approx(2 * stats.t.sf(abs(kept.mean()) / error, 9))
    assert found.p < 0.05
    # Scored: the two count with what the mean of their own train part reaches.
    values = BASE - 4 + NOISE[0]
    values[[3, 5]] = TRIVIAL[3], TRIVIAL[5]
    differences = values - BASE
    assert found.n_scored == 2
    assert found.scored is not None
    assert found.scored.difference == pytest.approx(differences.mean())
    error = math.sqrt((1 / J + RATIO) * differences.var(ddof=1))
    expected = 2 * stats.t.sf(differences.mean() / error, J - 1)
    assert found.scored.p == pytest.approx(expected)
    assert expected > 0.05


def test_a_verdict_that_survives_the_scoring_stands() -> None:
    # So far off that two replicates of a trivial prediction change the size alone.
    far = BASE + 70 + NOISE[0]
    found = outcome(lost(far, 3, 5))
    assert found.judged == Judged(Verdict.WORSE)
    assert found.scored is not None
    assert found.scored.judged.verdict is Verdict.WORSE
    assert found.n_scored == 2


def test_equivalence_that_does_not_survive_is_inconclusive() -> None:
    given = numbers(ref=BASE, cell=lost(BASE + NOISE[1], 0))
    without = judge(AXIS, given, setting())[NAME]
    assert without.judged == Judged(Verdict.EQUIVALENT)
    found = judge(AXIS, given, setting(trivial=TRIVIAL))[NAME]
    assert found.judged == Judged(Verdict.INCONCLUSIVE, Reason.DIVERGED)


def test_a_verdict_that_was_inconclusive_anyhow_has_no_reason() -> None:
    found = outcome(lost(BASE + 1.5 + NOISE[4], 0))
    assert found.judged == Judged(Verdict.INCONCLUSIVE)
    assert found.scored is not None


def test_the_scoring_makes_no_verdict() -> None:
    # All but four diverged: not tested, though scored it would be worse.
    found = outcome(lost(BASE + NOISE[0], *range(8)))
    assert found.judged == Judged(Verdict.NOT_TESTED, Reason.FEW_PAIRS)
    assert found.scored is not None
    assert found.scored.judged.verdict is Verdict.WORSE
    every = outcome(lost(BASE, *range(J)))
    assert every.judged.verdict is Verdict.NOT_TESTED
    assert every.n_scored == J
    assert every.scored is not None
    assert every.scored.difference == pytest.approx(
        np.mean([TRIVIAL[r] - BASE[r] for r in range(J)])
    )


def test_the_reference_is_scored_too_and_a_pair_once() -> None:
    found = outcome(lost(BASE + 9 + NOISE[0], 1), lost(BASE, 1, 2))
    values, reference = BASE + 9 + NOISE[0], BASE.copy()
    values[1] = reference[1] = TRIVIAL[1]
    reference[2] = TRIVIAL[2]
    assert found.n_scored == 2
    assert found.scored is not None
    assert found.scored.difference == pytest.approx((values - reference).mean())
    assert found.judged == Judged(Verdict.INCONCLUSIVE, Reason.DIVERGED)


def test_nothing_is_scored_where_nothing_diverged_or_the_trivial_is_unknown() -> None:
    assert outcome(lost(CELLS["far"])).scored is None
    given = numbers(ref=BASE, cell=lost(CELLS["far"], 3))
    one = judge(AXIS, given, setting())[NAME]
    other = judge(AXIS, given, setting(trivial={0: 80.0}))[NAME]
    for found in (one, other):
        assert (found.scored, found.n_scored) == (None, 0)
        assert found.judged.verdict is Verdict.WORSE


def test_the_trivial_prediction_is_put_on_the_scale() -> None:
    logs = {key: np.log(own) for key, own in (("ref", BASE), ("cell", BASE + 3))}
    given = numbers(ref=logs["ref"], cell=lost(logs["cell"], 4))
    found = judge(AXIS, given, setting(scale=Scale(log=True), trivial=TRIVIAL, margin=0.18))[NAME]
    values = BASE + 3
    values[4] = TRIVIAL[4]
    assert found.scored is not None
    assert found.scored.difference == pytest.approx(np.mean(np.log(values / BASE)))


def test_seen_from_the_reference_the_scoring_mirrors_too() -> None:
    found = outcome(lost(BASE + 70 + NOISE[0], 3)).seen_from("ref")
    assert found.judged == Judged(Verdict.BETTER)
    assert found.scored is not None
    assert found.scored.judged.verdict is Verdict.BETTER
    assert found.scored.difference is not None
    assert found.scored.difference < 0


def test_the_neighbours_are_judged_without_the_scoring() -> None:
    axis = AXIS | against("ref", far="a")
    given = numbers(ref=BASE, cell=lost(BASE + NOISE[0], 3), far=CELLS["far"])
    found = judge(axis, given, setting(trivial=TRIVIAL))[pair_name("far", "ref")]
    plain = judge(axis, given, setting())[pair_name("far", "ref")]
    assert (found.p_adjusted, found.interval, found.scored) == (
        plain.p_adjusted,
        plain.interval,
        None,
    )


def test_collapsed_replicates_are_not_scored() -> None:
    fate = {"cell": Fate(n_total=J, collapsed=frozenset({1, 2}))}
    given = numbers(fate, ref=BASE, cell=lost(CELLS["far"]))
    assert judge(AXIS, given, setting(trivial=TRIVIAL))[NAME].scored is None
