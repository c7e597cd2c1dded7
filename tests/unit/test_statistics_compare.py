"""From study.json and the table of replicates to the content of comparisons.json.

The builders here make the studies of the other tests of ``comparisons.json``.
"""

import hashlib
import io
import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ablation.statistics.compare import Question, compare, study_numbers, trivial_values
from ablation.statistics.metric import Metric
from ablation.statistics.paired import holm
from ablation.store.document import StudyDocument
from ablation.store.formats import validate_document
from scipy import stats
from test_statistics_spread import limma_prior, limma_squeeze
from unit_document import plain_axis, plain_cell, plain_model, study_of

J = 12
RATIO = 0.2
METRICS = (Metric("mse", "lower", log=True), Metric("r2", "higher"))
QUESTION = Question(METRICS, "mse", 1.2, step=6)
BASE = 10 * np.exp(np.random.default_rng(0).normal(0, 0.2, J))
NOISE = np.exp(np.random.default_rng(1).normal(size=(8, J)) * np.linspace(0.02, 0.2, 8)[:, None])
TRIVIAL = [80.0 + r for r in range(J)]


def key(name: str) -> str:
    """The key of a stored cell, by a name that is easier to read."""
    return hashlib.sha256(name.encode()).hexdigest()[:16]


def make_axis(axis: str, reference: str, **names: str) -> dict[str, Any]:
    """An axis of ``study.json``. names: label (after an underscore) → the name of the stored cell."""
    cells = [
        plain_cell(cell=f"m/{axis}_{label[1:]}", label=label[1:], key=key(name))
        for label, name in names.items()
    ]
    return plain_axis(axis=axis, reference=reference, cells=cells)


def make_study(
    *axes: dict[str, Any], fixed: bool = False, yardsticks: dict[str, Any] | None = None
) -> dict[str, Any]:
    data = {"overlap_ratio": RATIO, "fixed_test_set": fixed}
    model = plain_model(replicates=J, data=data, axes=list(axes))
    return {
        "study": {"name": "default", "seed": 7},
        "models": [model],
        "yardsticks": {"m": yardsticks or {}},
    }


def yardstick(values: Any, **more: Any) -> dict[str, Any]:
    rows = [{"replicate": r, "mse": v, "r2": 0.5} for r, v in enumerate(values)]
    return {"label": "Ridge", "replicates": rows, **more}


LEARNT_NOTHING = {"predict_mean": yardstick(TRIVIAL)}


def make_table(
    study: dict[str, Any],
    values: dict[str, Any],
    val_loss: dict[str, float] | None = None,
    r2: dict[str, Any] | None = None,
) -> pd.DataFrame:
    """Replicates as they come back from a CSV file. values: mse by name; None is a diverged replicate, a missing cell failed.

    val_loss: of all replicates of a cell, by default its mse. r2: by default 1 − mse/84.
    """
    rows = []
    names = {key(name): name for name in values}
    for axis in study["models"][0]["axes"]:
        for cell in axis["cells"]:
            name = names.get(cell["key"])
            for r, mse in enumerate(values[name] if name else []):
                lost = mse is None
                loss = (val_loss or {}).get(str(name), mse)
                own = r2[str(name)][r] if r2 and name in r2 else 1 - mse / 84 if not lost else None
                rows.append(
                    {"model": "m", "axis": axis["axis"], "label": cell["label"], "cell": cell["cell"],
                     "key": cell["key"], "replicate": r, "status": "diverged" if lost else "ok",
                     "mse": mse, "r2": None if lost else own, "val_loss": None if lost else loss}
                )  # fmt: skip
    return pd.read_csv(io.StringIO(pd.DataFrame(rows).to_csv(index=False)))


def run(
    study: dict[str, Any],
    values: dict[str, Any],
    question: Question = QUESTION,
    confidence: float = 0.95,
    samples: dict[str, Any] | None = None,
    **table: Any,
) -> dict[str, Any]:
    """The model of ``comparisons.json``, as its schema allows it."""
    document = StudyDocument.from_plain(study)
    numbers = study_numbers(
        document,
        make_table(study, values, **table),
        {"m": question},
        confidence=confidence,
        samples=samples,
    )
    found = compare(document, numbers)
    validate_document(found, "comparisons")
    json.dumps(found, allow_nan=False)
    entry: dict[str, Any] = found["models"]["m"]
    return entry


def lost(values: Any, *replicates: int) -> list[float | None]:
    """The values with some replicates diverged."""
    return [None if r in replicates else float(v) for r, v in enumerate(values)]


DEPTH = make_axis("depth", "2", _1="far", _2="base", _3="near")
WIDTH = make_axis("width", "64", _64="base", _9="wide", _512="wider")
VALUES = {
    "base": BASE,
    "far": BASE * 1.8 * NOISE[0],
    "near": BASE * 1.01 * NOISE[1],
    "wide": BASE * 1.1 * NOISE[6],
    "wider": BASE * 0.9 * NOISE[4],
}


def parts_of(values: Any, seed: int) -> dict[int, np.ndarray]:
    """Errors of 50 test samples per replicate, whose means are the values."""
    drawn = np.random.default_rng(seed).exponential(size=(len(values), 50))
    return dict(enumerate(drawn / drawn.mean(axis=1, keepdims=True) * np.array(values)[:, None]))


def test_a_model_recomputed_with_scipy_and_limmas_formulas() -> None:
    samples = {name: parts_of(own, i) for i, (name, own) in enumerate(VALUES.items())}
    near = samples["base"]
    samples["near"] = {r: near[r] * VALUES["near"][r] / BASE[r] for r in near}
    model = run(
        make_study(DEPTH, WIDTH),
        VALUES,
        samples={"mse": {key(name): own for name, own in samples.items()}},
    )
    names = ["far", "near", "wide", "wider"]
    logs = {name: np.log(VALUES[name] / BASE) for name in names}
    observed = [logs[name].var(ddof=1) for name in names]
    prior = limma_prior(observed, [J - 1] * 4)
    degrees = min(prior[1] + J - 1, 4 * (J - 1))
    rows = {
        "far": model["axes"]["depth"]["rows"]["1"],
        "near": model["axes"]["depth"]["rows"]["3"],
        "wide": model["axes"]["width"]["rows"]["9"],
        "wider": model["axes"]["width"]["rows"]["512"],
    }
    ps, floored = {}, []
    for name, own in zip(names, observed, strict=True):
        parts = [
            samples[name][r] / VALUES[name][r] - samples["base"][r] / BASE[r] for r in range(J)
        ]
        # A sixth of the pool tests, six parts in a row share it out: of J = 12 a part of 6/11 · 1/6 is hidden.
        floor = (1 - 1 / 11) * np.mean([part.var(ddof=1) / 50 for part in parts])
        pooled = limma_squeeze(float(own), J - 1, prior)
        floored.append(bool(floor > pooled))
        mean, error = logs[name].mean(), math.sqrt((1 / J + RATIO) * max(pooled, floor))
        ps[name] = 2 * stats.t.sf(abs(mean) / error, degrees)
        half = stats.t.ppf(1 - 0.0125, degrees) * error  # 97.5 %, two-sided, of two comparisons
        centre, row = stats.gmean(BASE), rows[name]
        assert row["p"] == pytest.approx(ps[name])
        assert row["spread"] == pytest.approx(
            {"observed": own**0.5, "pooled": pooled**0.5, "floor": floor**0.5,
             "used": max(pooled, floor) ** 0.5, "degrees": degrees}
        )  # fmt: skip
        assert row["ratio"] == pytest.approx(math.exp(mean))
        ends = np.array([math.exp(mean - half), math.exp(mean + half)])
        assert row["ratio_interval"] == pytest.approx(ends)
        assert row["difference"] == pytest.approx(stats.gmean(VALUES[name]) - centre)
        assert row["difference_interval"] == pytest.approx(centre * (ends - 1))
        assert row["difference_level"] == pytest.approx(0.975)
        assert (row["n"], row["n_pairs"], row["n_diverged"], row["n_collapsed"]) == (J, J, 0, 0)
        assert row["mean"] == pytest.approx(stats.gmean(VALUES[name]))
    assert set(floored) == {True, False}  # both ways are met
    for family in (names[:2], names[2:]):
        expected = holm([ps[name] for name in family])
        assert [rows[name]["p_adjusted"] for name in family] == pytest.approx(expected)
    assert [rows[name]["verdict"] for name in names] == [
        "worse", "practically equivalent", "inconclusive", "inconclusive",
    ]  # fmt: skip


def test_the_reference_has_its_own_numbers_and_no_comparison() -> None:
    axis = run(make_study(DEPTH, WIDTH), VALUES)["axes"]["depth"]
    row = axis["rows"]["2"]
    assert (axis["reference"], axis["n_comparisons"]) == ("2", 2)
    assert axis["difference_level"] == pytest.approx(0.975)
    assert (row["verdict"], row["is_reference"], row["n_pairs"]) == ("reference", True, 0)
    for name in ("difference", "difference_interval", "ratio", "p", "p_adjusted", "judged_on"):
        assert row[name] is None
    assert row["others"] == {}
    logs = np.log(BASE)
    half = stats.t.ppf(0.975, J - 1) * logs.std(ddof=1) * math.sqrt(1 / J + RATIO)
    expected = np.exp([logs.mean() - half, logs.mean() + half])
    assert row["interval"] == pytest.approx(expected)


def test_the_tested_metric_is_the_one_that_is_named() -> None:
    r2 = {name: 1 - own / 84 for name, own in VALUES.items()}
    model = run(make_study(DEPTH), VALUES, Question(METRICS, "r2", 0.05, step=6))
    assert (model["metric"], model["better"], model["log"], model["margin"]) == (
        "r2", "higher", False, 0.05,
    )  # fmt: skip
    row = model["axes"]["depth"]["rows"]["1"]
    assert row["verdict"] == "worse"
    assert row["difference"] == pytest.approx((r2["far"] - r2["base"]).mean())
    assert row["ratio"] is row["ratio_interval"] is None
    assert list(row["others"]) == ["mse"]
    assert row["others"]["mse"]["ratio"] == pytest.approx(stats.gmean(VALUES["far"] / BASE))


def test_other_metrics_are_tested_likewise_without_a_margin() -> None:
    model = run(make_study(DEPTH), VALUES)
    rows = model["axes"]["depth"]["rows"]
    differences = [(BASE - VALUES[name]) / 84 for name in ("far", "near")]
    error = [math.sqrt((1 / J + RATIO) * d.var(ddof=1)) for d in differences]  # two teach nothing
    ps = [2 * stats.t.sf(abs(d.mean()) / e, J - 1) for d, e in zip(differences, error, strict=True)]
    found = [rows[label]["others"]["r2"] for label in ("1", "3")]
    assert [one["p"] for one in found] == pytest.approx(ps)
    assert [one["p_adjusted"] for one in found] == pytest.approx(holm(ps))
    assert [one["verdict"] for one in found] == ["worse", "inconclusive"]
    assert rows["3"]["verdict"] == "practically equivalent"


def test_a_fixed_test_set_needs_no_correction() -> None:
    model = run(make_study(DEPTH, fixed=True), VALUES)
    row = model["axes"]["depth"]["rows"]["3"]
    plain = stats.ttest_rel(np.log(VALUES["near"]), np.log(BASE)).pvalue
    assert model["overlap_ratio"] == 0
    assert row["p"] == pytest.approx(plain)


def test_every_stored_cell_is_summarised_in_every_metric() -> None:
    model = run(make_study(DEPTH, WIDTH), VALUES)
    assert set(model["cells"]) == {key(name) for name in VALUES}
    own = model["cells"][key("far")]
    assert own["mse"]["centre"] == pytest.approx(stats.gmean(VALUES["far"]))
    assert own["r2"]["centre"] == pytest.approx(1 - VALUES["far"].mean() / 84)
    without = {name: own for name, own in VALUES.items() if name != "far"}
    assert key("far") not in run(make_study(DEPTH, WIDTH), without)["cells"]


def test_what_has_learnt_nothing_is_the_mean_else_guessing() -> None:
    accuracy = Metric("accuracy", "higher", chance=0.1)
    (without,) = study_of(replicates=3).models
    assert trivial_values(without, accuracy) == {0: 0.1, 1: 0.1, 2: 0.1}
    assert trivial_values(without, METRICS[0]) == {}
    rows = [{"replicate": 0, "mse": 80.0}, {"replicate": 2, "mse": None}]
    known = replace(without, yardsticks={"predict_mean": {"replicates": rows}})
    assert trivial_values(known, METRICS[0]) == {0: 80.0}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"confidence": 95}, "confidence"),
        ({"questions": {"m": Question((Metric("rmse", "lower"),), "rmse", 1.0)}}, "no column rmse"),
    ],
)
def test_refuses_what_it_cannot_compare(change: dict[str, Any], message: str) -> None:
    study = make_study(DEPTH)
    options: dict[str, Any] = {"questions": {"m": QUESTION}, "confidence": 0.95} | change
    with pytest.raises(ValueError, match=message):
        study_numbers(StudyDocument.from_plain(study), make_table(study, VALUES), **options)


def test_refuses_a_reference_that_is_not_on_its_axis() -> None:
    study = make_study({**DEPTH, "reference": "9"})
    with pytest.raises(ValueError, match="the reference '9' is none of"):
        run(study, VALUES)
