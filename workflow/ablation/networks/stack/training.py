"""The training loop that every network shares: epochs, best parameters per replicate, divergence, checkpoints."""

from __future__ import annotations

import logging
import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor, nn

from ablation.networks.stack.gradients import recorded_epochs

if TYPE_CHECKING:
    from ablation.networks.stack.task import StackedTask

log = logging.getLogger("ablation")
DIVERGED_FACTOR = 10.0


class Checkpoint(Protocol):
    """Where an unfinished training is kept."""

    def load(self) -> dict[str, Tensor] | None: ...
    def due(self, *, ended: bool = False) -> bool: ...
    def save(self, tensors: dict[str, Tensor]) -> None: ...


@dataclass
class Trained:
    """What training gives.

    Attributes:
        tensors: the stacked network at each replicate's best epoch, every tensor ``[R, …]``.
        history: name → ``[epochs, R]`` on the CPU: train_loss, val_loss and what the task adds.
        gradients: ``[moments, layers, R]`` on the CPU, the moments of ``gradients.recorded_epochs``.
        best_epoch: ``[R]``, counted from 1; 0 where no epoch had a finite validation loss.
        diverged: ``[R]``, True where a loss was not finite in any epoch, or the final train loss is over ten times that of
            predicting the mean.
    """

    tensors: dict[str, Tensor]
    history: dict[str, Tensor]
    gradients: Tensor
    best_epoch: Tensor
    diverged: Tensor


@dataclass
class _Progress:
    epoch: int
    best: dict[str, Tensor]
    best_loss: Tensor
    best_epoch: Tensor
    rows: dict[str, list[Tensor]] = field(default_factory=dict)
    gradients: list[Tensor] = field(default_factory=list)

    def keep_best(self, network: nn.Module, loss: Tensor) -> None:
        better = loss < self.best_loss
        self.best_loss = torch.where(better, loss, self.best_loss)
        self.best_epoch = torch.where(better, self.epoch, self.best_epoch)
        if not bool(better.any()):
            return
        for name, tensor in network.state_dict().items():
            chosen = better.view(-1, *[1] * (tensor.dim() - 1))
            self.best[name].copy_(torch.where(chosen, tensor, self.best[name]))

    def tensors(self, task: StackedTask) -> dict[str, Tensor]:
        groups = {
            "network": task.network.state_dict(),
            "best": self.best,
            "task": task.state(),
            "history": {name: torch.stack(rows) for name, rows in self.rows.items()},
            "gradients": {str(i): norms for i, norms in enumerate(self.gradients)},
            "progress": {
                "epoch": torch.tensor(self.epoch),
                "best_loss": self.best_loss,
                "best_epoch": self.best_epoch,
            },
        }
        return {f"{group}/{name}": t for group, part in groups.items() for name, t in part.items()}


def _start(task: StackedTask, saved: dict[str, Tensor] | None) -> _Progress:
    device = task.mean_prediction_loss.device
    infinite = torch.full_like(task.mean_prediction_loss, float("inf"))
    best = {name: tensor.clone() for name, tensor in task.network.state_dict().items()}
    progress = _Progress(0, best, infinite, torch.zeros_like(infinite, dtype=torch.int64))
    if saved is None:
        return progress
    groups: dict[str, dict[str, Tensor]] = {}
    for name, tensor in saved.items():
        group, _, rest = name.partition("/")
        groups.setdefault(group, {})[rest] = tensor.to(device)
    task.network.load_state_dict(groups["network"])
    task.load(groups.get("task", {}))
    progress.best = groups["best"]
    progress.epoch = int(groups["progress"]["epoch"])
    progress.best_loss = groups["progress"]["best_loss"]
    progress.best_epoch = groups["progress"]["best_epoch"]
    progress.rows = {name: list(rows.cpu()) for name, rows in groups.get("history", {}).items()}
    norms = groups.get("gradients", {})
    progress.gradients = [norms[str(i)].cpu() for i in range(len(norms))]
    return progress


def train(task: StackedTask, epochs: int, *, checkpoint: Checkpoint | None = None) -> Trained:
    """Train all replicates of a task for a number of epochs (0 is allowed: the initial network).

    Each epoch is a line of the log, and its facts are the record's ``progress``.

    Args:
        task: the network, its data and its optimiser.
        epochs: passes over the train part.
        checkpoint: where to save as it goes, and to resume from; the numbers are the same with and without.
    """
    progress = _start(task, checkpoint.load() if checkpoint else None)
    # Denormal numbers slow a processor down a hundredfold and are of no use here.
    torch.set_flush_denormal(True)
    try:
        _run_epochs(task, progress, epochs, checkpoint)
    finally:
        torch.set_flush_denormal(False)
    return _finish(task, progress)


def _run_epochs(
    task: StackedTask, progress: _Progress, epochs: int, checkpoint: Checkpoint | None
) -> None:
    measured = recorded_epochs(epochs)
    if progress.epoch:
        facts = {"epoch": progress.epoch, "resumed_after": progress.epoch}
        log.info("resumed after epoch %d", progress.epoch, extra={"progress": facts})
    else:
        progress.gradients.append(task.gradient_norms().cpu())
    while progress.epoch < epochs:
        begin = time.perf_counter()
        progress.epoch += 1
        train_loss = task.train_epoch(progress.epoch)
        figures = task.validate()
        progress.keep_best(task.network, figures["val_loss"])
        task.after_epoch(figures)
        for name, row in {"train_loss": train_loss, **figures}.items():
            progress.rows.setdefault(name, []).append(row.detach().to("cpu", copy=True))
        if progress.epoch in measured:
            progress.gradients.append(task.gradient_norms().cpu())
        _tell(progress, epochs, time.perf_counter() - begin)
        if checkpoint and checkpoint.due(ended=progress.epoch == epochs):
            checkpoint.save(progress.tensors(task))


def _tell(progress: _Progress, epochs: int, seconds: float) -> None:
    medians = {name: _median(rows[-1]) for name, rows in progress.rows.items()}
    figures = ", ".join(f"{name} {value:.4g}" for name, value in medians.items())
    line = "epoch %d/%d  median of replicates: %s  (%.2f s)"
    facts = {"epoch": progress.epoch, "epochs": epochs, **medians, "seconds": seconds}
    log.info(line, progress.epoch, epochs, figures, seconds, extra={"progress": facts})


def _median(row: Tensor) -> float:
    finite = row[torch.isfinite(row)]
    return float(finite.median()) if len(finite) else math.nan


def _finish(task: StackedTask, progress: _Progress) -> Trained:
    history = {name: torch.stack(rows) for name, rows in progress.rows.items()}
    diverged = torch.zeros(len(progress.best_epoch), dtype=torch.bool)
    if history:
        losses = torch.stack([history["train_loss"], history["val_loss"]])
        limit = DIVERGED_FACTOR * task.mean_prediction_loss.cpu()
        diverged = ~torch.isfinite(losses).all(0).all(0) | (history["train_loss"][-1] > limit)
    best = {name: tensor.detach().cpu() for name, tensor in progress.best.items()}
    gradients = torch.stack(progress.gradients)
    return Trained(best, history, gradients, progress.best_epoch.cpu(), diverged)
