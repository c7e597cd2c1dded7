"""scikit-learn's MLPRegressor on the same splits, replicate by replicate."""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import mean_squared_error
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def main() -> None:
    """Train the replicates of a cell and write their test MSE."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--replicates", type=int, required=True)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--depth", type=int, default=2)
    options = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is the study's
    data, metric = np.load(options.data, allow_pickle=False), []
    for replicate in range(options.replicates):
        train, test = data[f"train_{replicate}"], data[f"test_{replicate}"]
        network = MLPRegressor(
            hidden_layer_sizes=(64,) * options.depth,
            solver="sgd",
            momentum=0.0,
            alpha=0.0,
            batch_size=options.batch,
            learning_rate_init=options.rate,
            max_iter=options.epochs,
            n_iter_no_change=options.epochs,
            random_state=replicate,
        )
        model = make_pipeline(StandardScaler(), network)
        try:
            model.fit(data["x"][train], data["y"][train])
            predicted = model.predict(data["test_x"][test])
            metric.append(float(mean_squared_error(data["test_y"][test], predicted)))
        except ValueError as error:  # it refuses to go on once weights are not finite
            if "finite" not in str(error):
                raise
            metric.append(float("nan"))
    chosen = list(range(options.replicates))
    options.out.write_text(json.dumps({"replicates": chosen, "metric": metric}))


if __name__ == "__main__":
    main()
