"""Measures how often the verdicts of whole axes are right on redrawn data, where the truth is known.

    python benchmarks/simulate_axes.py --axes 2000

Every axis draws new data, splits them as the Boston study does, fits four learners on each split
and judges their test errors by the code that judges a study; once with its correction for
overlapping splits, once without. Prints a Markdown table, the one in docs/statistics.md.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from ablation.statistics.axis_simulation import AxisRates, Learners, axis_rates, simulate_errors
from ablation.statistics.simulation import TEST_TRAIN_RATIO

REPLICATES = (12, 24)
DESIGNS = (Learners(effect=0.8, n_features=5), Learners(effect=0.9, n_features=20))
COLUMNS = (
    "learners",
    "J",
    "test",
    "equals: a false better or worse",
    "the worse one found",
    "expected",
    "interval covers",
    "all of an axis cover",
    "difference of the margin declared inside",
    "equals: F of the axis rejects",
    "ω² interval covers",
)


def main() -> None:
    """Reads the options, simulates, prints."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--axes", type=int, default=2000, help="simulated data sets (2000)")
    parser.add_argument("--seed", type=int, default=20030903, help="of the simulation")
    arguments = parser.parse_args()
    print(f"| {' | '.join(COLUMNS)} |")
    print(f"|{' --- |' * len(COLUMNS)}")
    print("| *meant* | | | ≤ 5 % | | | ≥ 97.5 % | ≥ 95 % | ≤ 1.25 % | ≤ 5 % | ≥ 95 % |")
    for learners in DESIGNS:
        rng = np.random.default_rng([arguments.seed, learners.n_features])
        errors = simulate_errors(arguments.axes, max(REPLICATES), learners, rng)
        for n_replicates in REPLICATES:
            for name, ratio in (("corrected", TEST_TRAIN_RATIO), ("naive", 0.0)):
                rates = axis_rates(errors, n_replicates, learners, test_train_ratio=ratio)
                print(_line(name, learners, rates), flush=True)
    error = np.sqrt(0.05 * 0.95 / arguments.axes)
    print(
        f"\n{arguments.axes} data sets per kind of learner, two axes of three cells on each; "
        f"5 % would show with a standard error of {error:.1%}."
    )


def _line(name: str, learners: Learners, rates: AxisRates) -> str:
    shares = (
        rates.false,
        rates.found,
        rates.expected,
        rates.covered,
        rates.jointly,
        rates.inside,
        rates.omega2_false,
        rates.omega2_covered,
    )
    cells = [f"{learners.n_features} features", str(rates.n_replicates), name]
    return f"| {' | '.join([*cells, *(f'{share:.1%}' for share in shares)])} |"


if __name__ == "__main__":
    main()
