"""Simple models on the same splits: what a network has to beat."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, RidgeCV

from ablation.tasks import classification, regression

Arrays = dict[str, NDArray[Any]]
Row = dict[str, Any]
MOST_SAMPLES = 10_000
LEAST = float(np.log(np.finfo(np.float64).eps))  # logarithm of a chance


def yardsticks(task: str, train: Arrays, test: Arrays, seed: int) -> dict[str, list[Row]]:
    """Fit each model on every replicate's train part and test it: name → one dictionary of metrics per replicate.

    Of a larger train part so many samples are drawn as a simple model learns in a minute.

    Args:
        task: ``regression`` (predicting the mean; ridge with its penalty by leave-one-out; gradient boosting with
            scikit-learn's defaults) or ``classification`` (logistic regression).
        train, test: the prepared parts.
        seed: of the study.
    """
    results: dict[str, list[Row]] = {}
    fit = _regression if task == "regression" else _classification
    for replicate in range(len(train["train_n"])):
        index = train["train_index"][replicate, : train["train_n"][replicate]]
        if len(index) > MOST_SAMPLES:
            chance = np.random.default_rng([seed, replicate])
            index = chance.permutation(index)[:MOST_SAMPLES]
        tested = test["test_index"][replicate, : test["test_n"][replicate]]
        moments = (train["mean"][replicate], train["scale"][replicate])
        seen = _features(train["inputs"][index], moments), train["target"][index]
        kept = _features(test["inputs"][tested], moments), test["target"][tested]
        images = train["inputs"].dtype == np.uint8
        for name, row in fit(seen, kept, seed, int(train["outputs"]), images).items():
            results.setdefault(name, []).append({"replicate": replicate, **row})
    return results


Sample = tuple[NDArray[Any], NDArray[Any]]  # features and target


def _features(inputs: NDArray[Any], moments: Sample) -> NDArray[Any]:
    """Standardised features, or pixels in units of 0 to 1."""
    if inputs.dtype == np.uint8:
        return np.asarray(inputs.reshape(len(inputs), -1) / 255.0)
    mean, scale = moments
    return np.asarray(((inputs - mean) / scale).astype(np.float32))


def _regression(
    seen: Sample, kept: Sample, seed: int, outputs: int, images: bool
) -> dict[str, Row]:
    models = {
        "predict_mean": DummyRegressor(),
        "ridge": RidgeCV(np.logspace(-2, 3, 11)),
        "gradient_boosting": GradientBoostingRegressor(random_state=seed),
    }
    found = {}
    for name, model in models.items():
        predicted = model.fit(*seen).predict(kept[0])
        found[name] = regression.score(kept[1], predicted[:, None])[0]
    return found


def _classification(
    seen: Sample, kept: Sample, seed: int, outputs: int, images: bool
) -> dict[str, Row]:
    # Pixels are many and alike; a strong penalty suits them.
    model = (
        LogisticRegression(C=0.05, max_iter=200) if images else LogisticRegression(max_iter=1000)
    )
    chances = model.fit(*seen).predict_proba(kept[0])
    logits = np.full((len(kept[1]), outputs), LEAST)  # also of a class that it never saw
    logits[:, model.classes_] = np.log(np.maximum(chances, np.exp(LEAST)))
    metrics, _ = classification.score(kept[1], logits)
    return {"logistic_regression": {name: metrics[name] for name in ("accuracy", "loss")}}
