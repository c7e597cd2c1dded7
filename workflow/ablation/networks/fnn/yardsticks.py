"""Simple models on the same splits of Boston Housing: what a network has to beat."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.linear_model import RidgeCV

from ablation.networks.fnn.evaluate import metrics

Arrays = dict[str, NDArray[Any]]


def yardsticks(train: Arrays, test: Arrays, seed: int) -> dict[str, list[dict[str, Any]]]:
    """Fit each model on every replicate's train part and test it: name → one dictionary of metrics per replicate.

    Predicting the mean; ridge with its penalty by leave-one-out; gradient boosting with scikit-learn's defaults.
    """
    results: dict[str, list[dict[str, Any]]] = {}
    for r, (n_train, n_test) in enumerate(zip(train["train_n"], test["test_n"], strict=True)):
        x, y = train["train_x"][r, :n_train], train["train_y"][r, :n_train].astype(np.float64)
        target = test["test_y"][r, :n_test].astype(np.float64)
        models = {
            "predict_mean": DummyRegressor(),
            "ridge": RidgeCV(np.logspace(-2, 3, 11)),
            "gradient_boosting": GradientBoostingRegressor(random_state=seed),
        }
        for name, model in models.items():
            predicted = model.fit(x, y).predict(test["test_x"][r, :n_test])
            row = {"replicate": r, **metrics(target, predicted)}
            results.setdefault(name, []).append(row)
    return results
