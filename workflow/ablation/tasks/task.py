"""What is learnt: regression or classification. A task says which metrics a network is judged by.

Nothing here imports torch: Snakemake reads this module each time it starts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from ablation.statistics.metric import Metric


@dataclass(frozen=True)
class Task:
    """A kind of question to a network.

    Attributes:
        name: ``regression`` or ``classification``.
        metrics: its test metrics without what depends on the data; the first is tested where the configuration names none, and
            tells which replicates collapsed.
    """

    name: str
    metrics: tuple[Metric, ...]

    def metrics_on(self, *, unit: str = "", classes: int = 0) -> tuple[Metric, ...]:
        """The metrics with what the data decide.

        Args:
            unit: of a regression's target; empty for a number without a unit.
            classes: how many classes there are to guess from.
        """
        if self.name == "regression":
            units = {"mse": f"({unit})^2", "mae": unit} if unit else {}
            return tuple(replace(m, unit=units.get(m.name, m.unit)) for m in self.metrics)
        guesses = {"accuracy": 1 / classes, "loss": math.log(classes)}
        return tuple(replace(metric, chance=guesses[metric.name]) for metric in self.metrics)


REGRESSION = Task(
    "regression",
    (
        Metric(
            "mse",
            "lower",
            log=True,
            lowest=0.0,
            decimals=2,
            tolerance=(0.15, 0.02),
            per_sample=lambda rows: (rows["target"] - rows["prediction"]) ** 2,
        ),
        Metric(
            "mae",
            "lower",
            log=True,
            lowest=0.0,
            decimals=3,
            tolerance=(0.15, 0.02),
            per_sample=lambda rows: abs(rows["target"] - rows["prediction"]),
        ),
        Metric("r2", "higher", highest=1.0, tolerance=(0.05, 0.01)),
    ),
)
CLASSIFICATION = Task(
    "classification",
    (
        Metric(
            "accuracy",
            "higher",
            scale=100.0,
            lowest=0.0,
            highest=1.0,
            decimals=2,
            tolerance=(0.021, 0.005),
            per_sample=lambda rows: rows["label"] == rows["predicted"],
        ),
        Metric(
            "loss",
            "lower",
            log=True,
            unit="nat",
            lowest=0.0,
            tolerance=(0.25, 0.06),
            per_sample=lambda rows: rows["loss"],
        ),
    ),
)
TASKS = {task.name: task for task in (REGRESSION, CLASSIFICATION)}
METRICS = {metric.name: metric for task in TASKS.values() for metric in task.metrics}
