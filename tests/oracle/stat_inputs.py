"""What the statistics are made of: the grid, the metrics of the replicates, the errors of single test samples."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from oracle.stat_methods import Floats
from oracle.study import Study, read_json, read_table

VARIANT = Path(__file__).with_name("study.yaml")
LOGGED = frozenset({"mse", "mae", "loss"})
MEANS = LOGGED | {"accuracy"}  # over test samples
METRICS = {"fnn": ("mse", "mae", "r2"), "cnn": ("accuracy", "loss")}
WORDS = frozenset(
    {
        "model",
        "axis",
        "label",
        "cell",
        "key",
        "status",
        "is_reference",
        "device",
        "precision",
        "torch",
    }
)
PARTS = 6
CLASSES = 10
POOL = {"boston": 506, "mnist-5k": 5000, "mnist": 70000, "fashion-mnist": 70000, "kmnist": 70000}
TOLERANCE = 0.05  # within which a network does "no better" than a trivial prediction
CONFIDENCE = 0.95
TESTED = {
    "fnn": {"metric": "mse", "margin_ratio": 1.2},
    "cnn": {"metric": "accuracy", "margin": 0.01},
}


def read_mixed(path: Path) -> pd.DataFrame:
    """A table with words and numbers; an empty field is NaN."""
    table = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""])
    numbers = [column for column in table.columns if column not in WORDS]
    table[numbers] = table[numbers].apply(pd.to_numeric)
    return table


def configured(study: Study) -> dict[str, Any]:
    """The statistics of the study's configuration: the variant of its name over ``config.yaml``."""
    own = [VARIANT, *sorted((study.project / "config").glob("*.yaml"))]
    variants = [yaml.safe_load(path.read_text("utf-8")) for path in own]
    named = [each for each in variants if each.get("study", {}).get("name") == study.name]
    base = yaml.safe_load((study.project / "config.yaml").read_text("utf-8"))
    chosen = [each.get("statistics", {}) for each in (base, *named[:1])]
    tested = {model: dict(facts) for model, facts in TESTED.items()}
    for each in chosen:
        for model, facts in each.get("tested", {}).items():
            tested[model] |= facts
    confidence = [each["confidence"] for each in chosen if "confidence" in each]
    return {"confidence": [CONFIDENCE, *confidence][-1], "tested": tested}


@dataclass(frozen=True, eq=False)
class Cell:
    """A cell as it stands on one axis."""

    name: str
    label: str
    key: str
    evaluation: Path
    levels: dict[str, Any] | None
    parameters: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Axis:
    """An axis with its cells in order."""

    name: str
    reference: str
    factors: dict[str, list[Any]] | None
    fixed: dict[str, Any]
    parameter: str | None
    cells: tuple[Cell, ...]

    def cell(self, label: str) -> Cell:
        """The cell with this label."""
        return next(cell for cell in self.cells if cell.label == label)


@dataclass(frozen=True, eq=False)
class Model:
    """All inputs of one model's statistics."""

    name: str
    metric: str
    margin: float
    confidence: float
    total: int
    parameters: dict[str, Any]
    data: dict[str, Any]
    axes: tuple[Axis, ...]
    replicates: pd.DataFrame
    yardsticks: dict[str, pd.DataFrame]

    @property
    def metrics(self) -> tuple[str, ...]:
        """The tested metric and the secondary ones."""
        return METRICS[self.name]

    @property
    def lower_is_better(self) -> bool:
        """Whether a smaller value of the tested metric is the better one."""
        return self.metric in LOGGED

    @property
    def fixed(self) -> bool:
        """Whether all replicates are tested on one test set."""
        return bool(self.data["fixed_test_set"])

    @property
    def blocks(self) -> bool:
        """Whether replicates of one block test disjoint parts."""
        return self.name == "fnn"

    @cached_property
    def ratio(self) -> float:
        """r = ρ/(1 − ρ), from the sizes."""
        if self.fixed:
            return 0.0
        if self.blocks:
            return 1 / (PARTS - 1)
        tested = self.data["n_test"][0]
        return float(tested / (POOL[self.data["dataset"]] - tested))

    def independent_share(self, count: int) -> float:
        """The share of the test samples' variance that replicates do not have in common, so that their spread shows it."""
        correlation = self.ratio / (1 + self.ratio)
        if self.blocks:
            # Replicates of one block have no row in common, all others a part of k.
            correlation *= max(0, count - PARTS) / (count - 1)
        return 1 - correlation

    @cached_property
    def cells(self) -> dict[str, Cell]:
        """Each key once, as it first stands on an axis."""
        found: dict[str, Cell] = {}
        for axis in self.axes:
            for cell in axis.cells:
                found.setdefault(cell.key, cell)
        return found

    @cached_property
    def _by_key(self) -> dict[str, pd.DataFrame]:
        return {str(key): rows for key, rows in self.replicates.groupby("key")}

    def rows(self, key: str) -> pd.DataFrame:
        """A cell's replicates."""
        return self._by_key[key]

    def ok(self, key: str) -> pd.DataFrame:
        """A cell's replicates that did not diverge."""
        rows = self.rows(key)
        return rows[rows["status"] == "ok"]

    def values(self, key: str, metric: str) -> pd.Series:
        """A metric by replicate, NaN where it diverged."""
        rows = self.rows(key)
        return pd.Series(rows[metric].to_numpy(float), index=rows["replicate"].to_numpy())

    def scale(self, metric: str, values: pd.Series) -> pd.Series:
        """On the scale of comparisons."""
        return np.log(values) if metric in LOGGED else values

    def trivial(self, metric: str) -> pd.Series:
        """What a prediction that has learnt nothing scores, by replicate."""
        if self.name == "fnn":
            mean = self.yardsticks["predict_mean"]
            return pd.Series(mean[metric].to_numpy(), index=mean["replicate"].to_numpy())
        guess = {"accuracy": 1 / CLASSES, "loss": log(CLASSES)}[metric]
        return pd.Series(guess, index=range(self.total))

    def diverged(self, key: str) -> int:
        """How many replicates diverged."""
        return int((self.rows(key)["status"] == "diverged").sum())

    def collapsed(self, key: str) -> int:
        """How many replicates do no better than the trivial prediction."""
        if self.name == "fnn":
            worse = self.values(key, "mse") >= (1 - TOLERANCE) * self.trivial("mse")
        else:
            worse = self.values(key, "accuracy") <= (1 + TOLERANCE) / CLASSES
        return int(worse.sum())

    def broken(self, key: str) -> bool:
        """Whether half of the replicates or more diverged or collapsed."""
        return 2 * (self.diverged(key) + self.collapsed(key)) >= self.total

    def samples(self, key: str, metric: str) -> dict[int, Floats]:
        """By replicate, the number of each test sample whose mean is the metric."""
        return _samples(self.cells[key].evaluation, metric)

    def influences(self, key: str, metric: str) -> dict[int, Floats]:
        """By replicate, how much each test sample moves the metric on its scale: d log m = dm / m."""
        samples = self.samples(key, metric)
        if metric not in LOGGED:
            return samples
        return {replicate: values / values.mean() for replicate, values in samples.items()}


@cache
def _predictions(evaluation: Path) -> dict[int, pd.DataFrame]:
    """By replicate that has them, in the order of the test samples."""
    table = read_table(evaluation / "predictions.csv").sort_values("index", kind="stable")
    return {int(str(r)): rows for r, rows in table.dropna().groupby("replicate")}


@cache
def _samples(evaluation: Path, metric: str) -> dict[int, Floats]:
    return {r: _errors(rows, metric) for r, rows in _predictions(evaluation).items()}


def _errors(rows: pd.DataFrame, metric: str) -> Floats:
    """Per sample the number whose mean is the metric."""
    if metric in ("mse", "mae"):
        errors = (rows["prediction"] - rows["target"]).to_numpy(float)
        return np.asarray(np.abs(errors) if metric == "mae" else errors**2)
    if metric == "accuracy":
        return np.asarray((rows["label"] == rows["predicted"]).to_numpy(float))
    return np.asarray(rows["loss"].to_numpy(float))


def models(study: Study) -> list[Model]:
    """The models of a study, from its tables and its configuration."""
    facts = read_json(study.tables / "study.json")
    settings = configured(study)
    table = read_mixed(study.tables / "replicates.csv")
    once = table.drop_duplicates(["model", "key", "replicate"])
    return [
        _model(study, each, settings, once[once["model"] == each["model"]], facts["yardsticks"])
        for each in facts["models"]
    ]


def _model(
    study: Study,
    facts: dict[str, Any],
    settings: dict[str, Any],
    replicates: pd.DataFrame,
    yardsticks: dict[str, Any],
) -> Model:
    tested = settings["tested"][facts["model"]]
    axes = [
        Axis(
            axis["axis"],
            axis["reference"],
            axis["factors"],
            axis["with"],
            axis["parameter"],
            tuple(
                Cell(
                    cell["cell"],
                    cell["label"],
                    cell["key"],
                    study.store / "evaluate" / cell["evaluation"],
                    cell["levels"],
                    cell["parameters"],
                )
                for cell in axis["cells"]
            ),
        )
        for axis in facts["axes"]
    ]
    return Model(
        name=facts["model"],
        metric=tested["metric"],
        margin=tested["margin_ratio" if tested["metric"] in LOGGED else "margin"],
        confidence=settings["confidence"],
        total=facts["replicates"],
        parameters=facts["parameters"],
        data=facts["data"],
        axes=tuple(axes),
        replicates=replicates,
        yardsticks={
            name: pd.DataFrame(each["replicates"])
            for name, each in yardsticks.get(facts["model"], {}).items()
        },
    )
