"""The models a study can hold, and all that other modules need to know of one.

A new model is a package beside ``fnn`` and ``cnn``, an entry here and its parameters in the configuration schema.
Nothing here imports torch: Snakemake reads this module each time it starts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from ablation.networks.cnn import raw as cnn_raw
from ablation.networks.fnn import raw as fnn_raw
from ablation.statistics.metric import Metric
from ablation.tasks import CLASSIFICATION, REGRESSION

Parameters = dict[str, Any]


@dataclass(frozen=True)
class Model:
    """One network with its data.

    Attributes:
        name: its name in paths and in the configuration.
        task: the name of its task.
        metrics: its test metrics; the first is tested where the configuration names none, and tells which replicates collapsed.
        data_parameters: the parameters that decide which data are prepared.
        dataset: the data set (a folder in ``resources/``) that the parameters ask for.
        raw_files: that data set's files with their pinned SHA-256.
        check: raises ValueError with one sentence if parameters contradict one another or the data.
        check_comparable: raises ValueError with one sentence if a cell's parameters would have it tested on other samples
            than the baseline's.
        relevant: the parameters without those that cannot change this cell's numbers.
        has_precision: whether ``compute.precision`` changes its numbers.
        train_size: about how many samples one replicate trains on, for an estimate of cost.
        replicate_step: replicates are declared in multiples of it.
    """

    name: str
    task: str
    metrics: tuple[Metric, ...]
    data_parameters: tuple[str, ...]
    dataset: Callable[[Parameters], str]
    raw_files: Callable[[str], dict[str, str]]
    check: Callable[[Parameters], None]
    check_comparable: Callable[[Parameters, Parameters], None]
    relevant: Callable[[Parameters], Parameters]
    has_precision: bool
    train_size: Callable[[Parameters], int]
    replicate_step: int = 1

    def metric(self, name: str) -> Metric:
        return next(metric for metric in self.metrics if metric.name == name)

    def module(self, stage: str) -> str:
        """The full name of the module of one stage: ``prepare``, ``train``, ``evaluate``, ``yardsticks``."""
        return f"ablation.networks.{self.name}.{stage}"

    def load(self, stage: str) -> Any:
        """The module of one stage; most import torch."""
        return import_module(self.module(stage))

    def code(self, *stages: str) -> tuple[str, ...]:
        """The modules whose source decides what the stages write: their own, and what all models share."""
        shared = ("chunks", "records") if "train" in stages else ()
        return (
            *map(self.module, stages),
            *(f"ablation.networks.stack.{name}" for name in shared),
            "ablation.store.tensors",
        )


MODELS: dict[str, Model] = {
    model.name: model
    for model in (
        Model(
            name="fnn",
            task="regression",
            metrics=REGRESSION.metrics_on(unit="1000 USD"),
            data_parameters=(),
            dataset=fnn_raw.dataset,
            raw_files=fnn_raw.raw_files,
            check=fnn_raw.check,
            check_comparable=fnn_raw.check_comparable,
            relevant=dict,
            has_precision=False,
            train_size=lambda parameters: 337,
            replicate_step=fnn_raw.PARTS,
        ),
        Model(
            name="cnn",
            task="classification",
            metrics=CLASSIFICATION.metrics_on(classes=cnn_raw.CLASSES),
            data_parameters=("dataset", "share", "test"),
            dataset=cnn_raw.dataset,
            raw_files=cnn_raw.raw_files,
            check=cnn_raw.check,
            check_comparable=cnn_raw.check_comparable,
            relevant=cnn_raw.relevant,
            has_precision=True,
            train_size=lambda parameters: cnn_raw.part_sizes(parameters)["train"],
        ),
    )
}

DATASETS: dict[str, dict[str, str]] = {"boston": fnn_raw.raw_files("boston"), **cnn_raw.FILES}
EMBEDDED = ("boston", cnn_raw.EMBEDDED)
REPACKED = cnn_raw.REPACKED
OFFICIAL = tuple(name for name in DATASETS if name not in EMBEDDED)
