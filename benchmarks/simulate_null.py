"""Measures how often the naive and the corrected paired t-test find a difference that is not there.

    python benchmarks/simulate_null.py --studies 1000

Every study draws new data, splits them as the Boston study does, fits two equally good learners on
each split and compares their test errors. Prints a Markdown table, the one in docs/statistics.md.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from ablation.statistics.simulation import null_rates, simulate_null_errors

REPLICATES = (12, 24)


def main() -> None:
    """Reads the options, simulates, prints."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--studies", type=int, default=1000, help="simulated studies (1000)")
    parser.add_argument("--seed", type=int, default=20030903, help="of the simulation")
    parser.add_argument(
        "--features",
        type=int,
        nargs="+",
        default=[5, 40, 80],
        help="features per learner; more of them make the fit depend more on its training rows",
    )
    arguments = parser.parse_args()
    print("| learners | J | naive t-test | corrected t-test |")
    print("| --- | --- | --- | --- |")
    for n_features in arguments.features:
        rng = np.random.default_rng([arguments.seed, n_features])
        errors = simulate_null_errors(
            arguments.studies, max(REPLICATES), rng, n_features=n_features
        )
        for n_replicates in REPLICATES:
            rates = null_rates(errors, n_replicates)
            print(
                f"| {n_features} features | {n_replicates} "
                f"| {rates.naive:.1%} | {rates.corrected:.1%} |"
            )
    print(
        f"\n{arguments.studies} studies a row; 5 % would be right, with a standard error of "
        f"{rates.standard_error:.1%}."
    )


if __name__ == "__main__":
    main()
