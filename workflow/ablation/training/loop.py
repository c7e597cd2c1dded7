"""The training loop: epochs, best parameters per replicate, divergence, checkpoints. One for all networks and tasks."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor

from ablation.training.device import Ahead, arithmetic
from ablation.training.gradients import SAMPLES, recorded_epochs
from ablation.training.group import Group
from ablation.training.optimisers import optimiser_of
from ablation.training.samples import Batch, Samples
from ablation.training.schedules import schedule_of
from ablation.training.steps import Steps

log = logging.getLogger("ablation")
DIVERGED_FACTOR = 10.0


class Task(Protocol):
    """What the module of a task offers to training."""

    def loss(self, output: Tensor, target: Tensor) -> Tensor: ...
    def guess_loss(self, target: Tensor, outputs: int) -> float: ...
    def figures(self, output: Tensor, target: Tensor) -> dict[str, Tensor]: ...


class Checkpoint(Protocol):
    """Where an unfinished training is kept."""

    def load(self) -> dict[str, Tensor] | None: ...
    def due(self, *, ended: bool = False) -> bool: ...
    def save(self, tensors: dict[str, Tensor]) -> None: ...


@dataclass
class Trained:
    """What training gives.

    Attributes:
        tensors: the network at each replicate's best epoch, every tensor ``[R, …]``.
        history: name → ``[epochs, R]`` on the CPU: train_loss, val_loss, learning_rate and the task's figures; losses are
            in the target's unit.
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

    def keep_best(self, state: dict[str, Tensor], loss: Tensor) -> None:
        better = loss < self.best_loss
        self.best_loss = torch.where(better, loss, self.best_loss)
        self.best_epoch = torch.where(better, self.epoch, self.best_epoch)
        if not bool(better.any()):
            return
        for name, tensor in state.items():
            chosen = better.view(-1, *[1] * (tensor.dim() - 1))
            self.best[name].copy_(torch.where(chosen, tensor, self.best[name]))


class Training:
    """The training of one group of replicates.

    Args:
        group: the replicates, on their device.
        samples: what they are trained on, on the same device.
        task: its module.
        parameters: of the cell.
        seed: of the study.
        precision: ``fp32``, ``tf32`` (CUDA) or ``bf16`` for the forward and backward pass; losses are fp32 always.
        recorded: steps may be recorded where the device can.
    """

    def __init__(
        self,
        group: Group,
        samples: Samples,
        task: Task,
        parameters: dict[str, Any],
        *,
        seed: int,
        precision: str,
        recorded: bool = True,
    ) -> None:
        self.group, self.samples, self.task, self.parameters = group, samples, task, parameters
        self.precision, self.device = precision, samples.device
        count = len(samples.replicates)
        rate = torch.full((count,), float(parameters["learning_rate"]), device=self.device)
        self.rate, self.optimiser = rate, optimiser_of(parameters, group, rate)
        self.schedule = schedule_of(parameters, rate)
        guesses = [
            task.guess_loss(target, samples.outputs) for target in samples.own_targets("train")
        ]
        self.guess_loss = torch.tensor(guesses, device=self.device) * samples.loss_scale
        self.total = torch.zeros(count, device=self.device)
        self.steps = Steps(self._step, self.device, group.generators, recorded=recorded)
        draw: Callable[[int], Batch] = lambda epoch: samples.draw(seed, epoch)  # noqa: E731
        self.drawn = Ahead(draw, parameters["epochs"], self.device)

    def run(self, checkpoint: Checkpoint | None = None) -> Trained:
        """Train for the cell's number of epochs (0 is allowed: the initial network).

        Each epoch is a line of the log, and its facts are the record's ``progress``.

        Args:
            checkpoint: where to save as it goes, and to resume from; the numbers are the same with and without.
        """
        # Denormal numbers slow a processor down a hundredfold and are of no use here.
        torch.set_flush_denormal(True)
        try:
            with arithmetic(self.device, tf32=self.precision == "tf32"):
                progress = self._start(checkpoint.load() if checkpoint else None)
                self._run_epochs(progress, checkpoint)
        finally:
            torch.set_flush_denormal(False)
        return self._finish(progress)

    def _run_epochs(self, progress: _Progress, checkpoint: Checkpoint | None) -> None:
        epochs = self.parameters["epochs"]
        measured = recorded_epochs(epochs)
        if progress.epoch:
            self._tell("resumed", progress, f"resumed after epoch {progress.epoch}")
        else:
            progress.gradients.append(self._gradient_norms().cpu())
        while progress.epoch < epochs:
            begin = time.perf_counter()
            progress.epoch += 1
            train_loss = self._train_epoch(progress.epoch)
            figures = self._validate()
            progress.keep_best(self.group.state(), figures["val_loss"])
            figures["learning_rate"] = self.rate.clone()
            self.schedule.step(figures["val_loss"])
            for name, row in {"train_loss": train_loss, **figures}.items():
                progress.rows.setdefault(name, []).append(row.detach().to("cpu", copy=True))
            if progress.epoch in measured:
                progress.gradients.append(self._gradient_norms().cpu())
            self._tell_epoch(progress, time.perf_counter() - begin)
            if checkpoint and checkpoint.due(ended=progress.epoch == epochs):
                checkpoint.save(self._tensors(progress))

    def _train_epoch(self, epoch: int) -> Tensor:
        """One pass over the train part; the mean train loss of each replicate."""
        self.group.set_training(True)
        self.group.begin_epoch(epoch)
        self.total.zero_()
        for batch in self.samples.batches(self.drawn(epoch)):
            self.steps(batch)
        return self.total / self.samples.rows["train"] * self.samples.loss_scale

    def _autocast(self) -> AbstractContextManager[Any]:
        if self.precision == "bf16":
            # A cast weight must not outlive the step that a CUDA graph records.
            cached = self.device.type != "cuda"
            return torch.autocast(self.device.type, torch.bfloat16, cache_enabled=cached)
        return nullcontext()

    def _step(self, batch: Batch) -> None:
        """Train on one batch."""
        x = self.samples.inputs("train", batch["places"], batch.get("values"))
        with self._autocast():
            output = self.group(x)
        loss = self.task.loss(output, self.samples.target("train", batch["places"]))
        if "weight" in batch:
            total = (loss * batch["weight"]).sum(1)
            mean = total / batch["weight"].sum(1).clamp(min=1)
        else:
            total, mean = loss.sum(1), loss.mean(1)
        mean.sum().backward()
        self.optimiser.step()
        self.total += total.detach()

    @torch.no_grad()
    def _validate(self) -> dict[str, Tensor]:
        """Validation loss of each replicate and the task's figures, in fp32."""
        self.group.set_training(False)
        sums: dict[str, Tensor] = {}
        with arithmetic(self.device, tf32=False):
            for batch in self.samples.validation():
                output = self.group(self.samples.inputs("validation", batch["places"]))
                target = self.samples.target("validation", batch["places"])
                figures = {"loss": self.task.loss(output, target)}
                for name, row in {**figures, **self.task.figures(output, target)}.items():
                    # Selected, not multiplied: what fills up may not be finite.
                    total = torch.where(batch["weight"] > 0, row, 0.0).sum(1)
                    sums[name] = sums[name] + total if name in sums else total
        means = {name: total / self.samples.rows["validation"] for name, total in sums.items()}
        means["loss"] = means["loss"] * self.samples.loss_scale
        return {f"val_{name}": mean for name, mean in means.items()}

    def _gradient_norms(self) -> Tensor:
        """Norms ``[layers, R]`` of the gradients of each layer's weight on a fixed part of the train data.

        In fp32, in evaluation mode: without dropout and augmentation, batch normalisation with its running statistics.
        """
        self.group.set_training(False)
        places = self.samples.spread_evenly(SAMPLES)
        with arithmetic(self.device, tf32=False):
            output = self.group(self.samples.inputs("train", places))
            loss = self.task.loss(output, self.samples.target("train", places)).mean(1)
            return self.group.gradient_norms(loss * self.samples.loss_scale)

    def _state(self) -> dict[str, Tensor]:
        """What a checkpoint must hold beside the networks."""
        return {**self.optimiser.state(), **self.schedule.state()}

    def _tensors(self, progress: _Progress) -> dict[str, Tensor]:
        parts = {
            "network": self.group.state(),
            "best": progress.best,
            "state": self._state(),
            "history": {name: torch.stack(rows) for name, rows in progress.rows.items()},
            "gradients": {str(i): norms for i, norms in enumerate(progress.gradients)},
            "progress": {
                "epoch": torch.tensor(progress.epoch),
                "best_loss": progress.best_loss,
                "best_epoch": progress.best_epoch,
            },
        }
        return {f"{part}/{name}": t for part, own in parts.items() for name, t in own.items()}

    def _start(self, saved: dict[str, Tensor] | None) -> _Progress:
        infinite = torch.full_like(self.guess_loss, float("inf"))
        best = {name: tensor.clone() for name, tensor in self.group.state().items()}
        progress = _Progress(0, best, infinite, torch.zeros_like(infinite, dtype=torch.int64))
        if saved is None:
            return progress
        parts: dict[str, dict[str, Tensor]] = {}
        for name, tensor in saved.items():
            part, _, rest = name.partition("/")
            parts.setdefault(part, {})[rest] = tensor.to(self.device)
        self.group.load(parts["network"])
        state = parts.get("state", {})
        self.optimiser.load(state)
        self.schedule.load(state)
        progress.best = parts["best"]
        progress.epoch = int(parts["progress"]["epoch"])
        progress.best_loss = parts["progress"]["best_loss"]
        progress.best_epoch = parts["progress"]["best_epoch"]
        progress.rows = {name: list(rows.cpu()) for name, rows in parts.get("history", {}).items()}
        norms = parts.get("gradients", {})
        progress.gradients = [norms[str(i)].cpu() for i in range(len(norms))]
        return progress

    def _tell_epoch(self, progress: _Progress, seconds: float) -> None:
        medians = {name: _median(rows[-1]) for name, rows in progress.rows.items()}
        figures = ", ".join(f"{name} {value:.4g}" for name, value in medians.items())
        epochs = self.parameters["epochs"]
        line = f"epoch {progress.epoch}/{epochs}  {figures}  ({seconds:.2f} s)"
        self._tell("epoch", progress, line, {**medians, "seconds": seconds})

    def _tell(
        self, what: str, progress: _Progress, line: str, facts: dict[str, float] | None = None
    ) -> None:
        replicates = self.samples.replicates
        whose = f"replicate {replicates[0]}" if len(replicates) == 1 else "median of replicates"
        told = {"what": what, "epoch": progress.epoch, "first": replicates[0], **(facts or {})}
        log.info("%s: %s", whose, line, extra={"progress": told})

    def _finish(self, progress: _Progress) -> Trained:
        history = {name: torch.stack(rows) for name, rows in progress.rows.items()}
        diverged = torch.zeros(len(progress.best_epoch), dtype=torch.bool)
        if history:
            losses = torch.stack([history["train_loss"], history["val_loss"]])
            limit = DIVERGED_FACTOR * self.guess_loss.cpu()
            diverged = ~torch.isfinite(losses).all(0).all(0) | (history["train_loss"][-1] > limit)
        best = {name: tensor.detach().cpu() for name, tensor in progress.best.items()}
        gradients = torch.stack(progress.gradients)
        return Trained(best, history, gradients, progress.best_epoch.cpu(), diverged)


def _median(row: Tensor) -> float:
    finite = row[torch.isfinite(row)]
    return float(finite.median()) if len(finite) else math.nan
