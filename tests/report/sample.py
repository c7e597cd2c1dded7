"""An invented study with everything a report can meet: all axes, divergence, a collapse, failure.

The numbers follow the size of real ones but are drawn at random; only their form matters. From the views on, all is made by the
code that makes a real study.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import yaml
from ablation.claims.judge import judge_claims
from ablation.claims.rules import evidence_of
from ablation.results import published
from ablation.results import tables as tidy
from ablation.results.courses import courses_table
from ablation.statistics.compare import Question, compare, study_numbers
from ablation.statistics.model import ModelNumbers
from ablation.store.document import StudyDocument
from ablation.store.keys import key_of, label
from ablation.store.places import SHIPPED_CONFIG
from ablation.study.config import model_in
from ablation.study.described import of_model
from ablation.study.factors import combinations, levels_label

from report import invented
from report.invented import DATA, REPLICATES, rng

FNN = {
    "hidden_layers": 2, "width": 64, "activation": "relu", "learning_rate": 0.01,
    "batch_size": 32, "epochs": 100, "lr_factor": 0.1, "lr_patience": 10,
}  # fmt: skip
CNN = {
    "dataset": "mnist-5k", "share": 0.7, "test": "drawn", "depth": 2, "kernel": 5,
    "channels": [16, 32, 32, 32], "fc_width": 128,
    "pooling": "max", "batchnorm": False, "dropout": 0, "augmentation": "none",
    "rotation_degrees": 10, "translation": 0.1, "brightness": 0.2, "learning_rate": 0.001,
    "batch_size": 64, "epochs": 15,
}  # fmt: skip
AXES: dict[str, list[dict[str, Any]]] = {
    "fnn": [
        {"axis": "depth", "parameter": "hidden_layers", "values": [1, 2, 8],
         "with": {"learning_rate": 0.001}},
        {"axis": "depth_at_0.01", "parameter": "hidden_layers", "values": [1, 2, 8], "with": {}},
        {"axis": "learning_rate", "parameter": "learning_rate",
         "values": [0.1, 0.01, 0.001, 0.0001], "with": {}},
        {"axis": "activation", "parameter": "activation",
         "values": ["relu", "tanh", "sigmoid"], "with": {}},
        {"axis": "depth_by_learning_rate", "parameter": None, "with": {},
         "factors": {"hidden_layers": [1, 2], "learning_rate": [0.01, 0.001]}},
    ],
    "cnn": [
        {"axis": "depth", "parameter": "depth", "values": [1, 2, 4], "with": {}},
        {"axis": "kernel", "parameter": "kernel", "values": [3, 5, 7, 9], "with": {}},
        {"axis": "dropout", "parameter": "dropout", "values": [0, 0.2, 0.4, 0.6, 0.8], "with": {}},
        {"axis": "batchnorm", "parameter": "batchnorm", "values": [False, True], "with": {}},
        {"axis": "batchnorm_depth4", "parameter": "batchnorm", "values": [False, True],
         "with": {"depth": 4}},
        {"axis": "augmentation", "parameter": "augmentation", "values": ["none", "affine"],
         "with": {}},
        {"axis": "pooling", "parameter": "pooling", "values": ["max", "average"], "with": {}},
        {"axis": "dropout_by_batchnorm", "parameter": None, "with": {},
         "factors": {"dropout": [0, 0.4], "batchnorm": [False, True]}},
    ],
}  # fmt: skip
BASE = {"fnn": FNN, "cnn": CNN}
TESTED: dict[str, dict[str, Any]] = {
    "fnn": {"metric": "mse", "margin": 1.2},
    "cnn": {"metric": "accuracy", "margin": 0.01},
}

PARTS = {"fnn": 6, "cnn": 1}  # replicates come in multiples of it

Samples = dict[str, dict[str, dict[int, np.ndarray]]]


@dataclass
class Sample:
    """All that figures and pages are made of. samples: the tested metrics of every test sample, as ``compare`` has them."""

    study: dict[str, Any]
    comparisons: dict[str, Any]
    tables: dict[str, pd.DataFrame]
    predictions: dict[str, pd.DataFrame]
    config: dict[str, Any]
    samples: Samples
    claims: dict[str, Any]

    @property
    def document(self) -> StudyDocument:
        return StudyDocument.from_plain(self.study)


def sample(*, failed: tuple[str, ...] = ()) -> Sample:
    """A fresh sample. failed: cells such as ``cnn/kernel_9``."""
    return copy.deepcopy(_sample(failed))


@cache
def _sample(failed: tuple[str, ...]) -> Sample:
    views: dict[str, dict[str, Any]] = {}
    read: dict[str, dict[Any, Any]] = {"epochs": {}, "gradients": {}, "predictions": {}}
    samples: Samples = {}
    logs = {}
    models = [_declared(model) for model in ("fnn", "cnn")]
    for model, axis, cell in ((m, a, c) for m in models for a in m["axes"] for c in a["cells"]):
        parameters, name, key = cell["parameters"], model["model"], cell["key"]
        reason = "Killed: out of memory (signal 9)." if cell["cell"] in failed else None
        rows = [] if reason else invented.replicates(name, parameters)
        place = {"model": name, "axis": axis["axis"]}
        place |= {each: cell[each] for each in ("label", "cell", "key", "value", "evaluation")}
        views[cell["cell"]] = invented.view(place, parameters, reason, rows)
        logs[cell["cell"]] = views[cell["cell"]]["status"].get("log")
        if reason is None and (name, key) not in read["epochs"]:
            read["epochs"][name, key] = invented.history(name, key, parameters, rows)
            read["gradients"][name, key] = invented.gradients(key, parameters, rows)
            read["predictions"][key] = invented.predictions(name, rows)
            metric = TESTED[name]["metric"]
            samples.setdefault(metric, {})[key] = invented.samples(name, key, rows)
    study = {"name": "default", "seed": 20261}
    study = tidy.study_document(study, models, views, invented.yardsticks(), logs)
    replicates = tidy.replicates_table(list(views.values()))
    tables = {
        "replicates": replicates.astype({"best_epoch": float}),  # as read back from its file
        "epochs": tidy.joined_table("epochs", read["epochs"]),
        "gradients": tidy.joined_table("gradients", read["gradients"]),
    }
    tables["courses"] = courses_table(tables["epochs"], tables["gradients"])
    comparisons = compared(study, tables, samples)
    tables["cells"] = tidy.cells_table(list(views.values()), comparisons["models"])
    config = {
        "study": {"name": "default", "seed": 20261},
        "report": {
            "title": {"en": "Two ablation studies", "zh": "两项消融研究"},
            "language": "en",
            "palette": "colorblind",
        },
        "statistics": {
            "confidence": 0.95,
            "tested": {"fnn": {"metric": "mse", "margin_ratio": 1.2}, "cnn": TESTED["cnn"]},
        },
        "compute": {"device": "auto", "precision": "auto", "replicates_at_once": "auto"},
        "models": {m: {"replicates": REPLICATES[m], "parameters": BASE[m]} for m in BASE},
    }
    made = Sample(study, comparisons, tables, read["predictions"], config, samples, {})
    made.claims = claimed(made)
    return made


def _declared(model: str) -> dict[str, Any]:
    """One model of the study as the workflow passes it on; each cell also has its parameters, as ``study.json`` has them."""
    axes = []
    for declared in AXES[model]:
        base = {**BASE[model], **declared["with"]}
        cells, reference = [], None
        for text, value, overrides in _values(declared):
            parameters = {**base, **overrides}
            key = key_of({"model": model, "parameters": invented.read_by_cell(parameters)})
            name = f"{model}/{declared['axis']}_{text}"
            cells.append(
                {"cell": name, "label": text, "value": value, "key": key,
                 "levels": overrides if declared.get("factors") else None,
                 "evaluation": key_of({"of": key}), "prepared": DATA[model]["prepared"],
                 "code": "0123456789abcdef",
                 "target": f"results/{name}/metrics.json", "parameters": parameters}
            )  # fmt: skip
            reference = text if parameters == base else reference
        axes.append({name: declared.get(name) for name in ("axis", "parameter", "with", "factors")}
                    | {"reference": reference, "cells": cells})  # fmt: skip
    return {"model": model, **described(model, DATA[model]["dataset"]),
            "replicates": REPLICATES[model], "tested": {**TESTED[model], "step": PARTS[model]},
            "parameters": BASE[model], "data": dict(DATA[model]), "axes": axes}  # fmt: skip


def described(model: str, dataset: str) -> dict[str, Any]:
    """What the files of a shipped network and of its data say of themselves, and the titles of the shipped axes."""
    axes = yaml.safe_load(SHIPPED_CONFIG.read_text("utf-8"))["models"][model]["axes"]
    titles = {name: axis["title"] for name, axis in axes.items() if "title" in axis}
    return of_model(model_in(model, {}), {**BASE[model], "dataset": dataset}, titles)


def _values(declared: dict[str, Any]) -> list[tuple[str, Any, dict[str, Any]]]:
    """Label, value and overrides of each cell of an axis."""
    if declared.get("factors"):
        grid = combinations(declared["factors"])
        return [(levels_label(levels), levels, levels) for levels in grid]
    name = declared["parameter"]
    return [(label(value), value, {name: value}) for value in declared["values"]]


def questions(study: StudyDocument) -> dict[str, Question]:
    """How each model is judged."""
    tested = {model["model"]: model["tested"] for model in study.plain["models"]}
    return {
        model.name: Question(
            tidy.metrics_on(model),
            tested[model.name]["metric"],
            tested[model.name]["margin"],
            tested[model.name]["step"],
        )
        for model in study.models
    }


def compared(
    study: dict[str, Any],
    tables: dict[str, pd.DataFrame],
    samples: Samples | None = None,
    confidence: float = 0.95,
) -> dict[str, Any]:
    """The comparisons of a sample, made by the module that makes the real ones."""
    document = StudyDocument.from_plain(study)
    return compare(document, numbers_of(document, tables, samples, confidence))


def numbers_of(
    study: StudyDocument,
    tables: dict[str, pd.DataFrame],
    samples: Samples | None,
    confidence: float,
) -> dict[str, ModelNumbers]:
    return study_numbers(
        study, tables["replicates"], questions(study), confidence=confidence, samples=samples
    )


def claimed(made: Sample) -> dict[str, Any]:
    """``claims.json`` of a sample, made by the module that makes the real one."""
    confidence, study = made.comparisons["confidence"], made.document
    numbers = numbers_of(study, made.tables, made.samples, confidence)
    evidence = {
        model.name: evidence_of(model, numbers[model.name], made.tables) for model in study.models
    }
    answers = judge_claims(
        published.load_claims(), published.load(), evidence, confidence=confidence
    )
    return {"confidence": confidence, "claims": answers}


def judged_again(made: Sample, confidence: float = 0.95) -> Sample:
    """The same sample with its comparisons and claims made again, after a change of its numbers."""
    made.comparisons = compared(made.study, made.tables, made.samples, confidence)
    made.claims = claimed(made)
    return made


def lose(made: Sample, cell: str, *replicates: int) -> Sample:
    """The same sample after these replicates of a cell, and of every cell of its key, diverged."""
    rows, cells = made.tables["replicates"], made.tables["cells"]
    key = cells.loc[cells["cell"] == cell, "key"].item()
    gone = (rows["key"] == key) & rows["replicate"].isin(replicates)
    numbers = list(rows.columns[rows.columns.get_loc("status") + 1 :])
    rows.loc[gone, "status"] = "diverged"
    rows.loc[gone, numbers] = np.nan
    counts = rows[(rows["cell"] == cell)]["status"].value_counts()
    for name, status in (("n_ok", "ok"), ("n_diverged", "diverged")):
        cells.loc[cells["key"] == key, name] = int(counts.get(status, 0))
    for samples in made.samples.values():
        for replicate in replicates:
            samples.get(key, {}).pop(replicate, None)
    return judged_again(made)


def only(made: Sample, model: str, *axes: str) -> Sample:
    """A sample cut down to some axes of one model."""
    entry = next(entry for entry in made.study["models"] if entry["model"] == model)
    entry["axes"] = [axis for axis in entry["axes"] if axis["axis"] in axes]
    made.study["models"] = [entry]
    for name in ("cells", "replicates"):
        table = made.tables[name]
        made.tables[name] = table[(table["model"] == model) & table["axis"].isin(axes)]
    for name in ("epochs", "gradients", "courses"):
        table = made.tables[name]
        made.tables[name] = table[table["key"].isin(made.tables["cells"]["key"])]
    return judged_again(made)


def row(made: Sample, axis: str, label: str, model: str | None = None) -> dict[str, Any]:
    """A row of an axis; model: needed where the sample has several."""
    models = made.comparisons["models"]
    (compared,) = models.values() if model is None else (models[model],)
    found: dict[str, Any] = compared["axes"][axis]["rows"][label]
    return found


@cache
def drawn(language: str = "en", failed: tuple[str, ...] = ()) -> dict[str, str]:
    """All figures of a sample: name → SVG."""
    from ablation.figures.model import draw
    from ablation.language.words import Words

    made = sample(failed=failed)
    figures: dict[str, str] = {}
    for model in ("fnn", "cnn"):
        found = draw(
            made.document, made.comparisons, made.tables, made.predictions, model=model,
            palette=made.config["report"]["palette"], words=Words.of(language),
        )  # fmt: skip
        figures |= {name: svg.decode() for name, svg in found.items()}
    return figures


def blank(made: Sample) -> dict[str, str]:
    """An empty drawing for every figure, where only the text matters."""
    from ablation.figures import figure_names

    return {
        name: '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"></svg>'
        for model in made.document.models
        for name in figure_names(model)
    }


def page(made: Sample, figures: dict[str, str] | None = None, **changes: Any) -> str:
    """The report of a sample."""
    from ablation.report.inputs import Inputs
    from ablation.report.page import build

    names = ("language", "title")
    settings = {name: changes.pop(name) for name in names if name in changes}
    config = changes.pop("config", made.config)
    config = {**config, "report": {"language": "en", **config["report"], **settings}}
    inputs = Inputs(
        made.document, made.comparisons, made.tables, figures or blank(made),
        config=config, **{"claims": made.claims, **changes},
    )  # fmt: skip
    return build(inputs)


def fixed(made: Sample, n: int = 1000) -> Sample:
    """The same sample with one test set of n images for all replicates of the CNN."""
    (entry,) = (entry for entry in made.study["models"] if entry["model"] == "cnn")
    entry |= described("cnn", "mnist")
    entry["data"] |= {"dataset": "mnist", "n_test": [n, n], "overlap_ratio": 0.0,
                      "fixed_test_set": True}  # fmt: skip
    rows = made.tables["replicates"]
    found: dict[str, dict[int, np.ndarray]] = {}
    for each in rows[(rows["model"] == "cnn") & (rows["status"] == "ok")].to_dict("records"):
        wrong = rng("hard").permutation(n)[: round(n * (1 - each["accuracy"]))]
        own = np.ones(n, dtype=bool)
        own[(wrong + each["replicate"]) % n] = False
        found.setdefault(each["key"], {})[each["replicate"]] = own
    made.samples["accuracy"] = found
    return judged_again(made)


def draws(cell: str) -> dict[str, Any]:
    """The models of ``draws.json``: one network of a cell on three test draws; none of the FNN."""
    matrix = [[48 if i == j else int((i + 1) % 10 == j) * 2 for j in range(10)] for i in range(10)]
    one = {"n": 500, "accuracy": 0.96, "loss": 0.11, "interval": [0.939, 0.974],
           "per_class_accuracy": [0.96] * 9 + [None], "confusion_matrix": matrix}  # fmt: skip
    own = {"cell": cell, "replicate": 3, "val_loss": 0.0512, "test_accuracy": 0.97}
    return {"fnn": None, "cnn": {**own, "draws": [one, {**one, "accuracy": 0.948}, one]}}
