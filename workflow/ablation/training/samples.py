"""The samples that replicates are trained and validated on, batch by batch, standardised by each replicate's own train part."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ablation.training.network import is_grey, is_images
from ablation.training.streams import Purpose, generator

Batch = dict[str, Tensor]
AFFINE = ("rotation_degrees", "translation", "brightness")
VALIDATION_BATCH = {"cpu": 256, "cuda": 2048}
# What a batch holds: ``places [R, B]`` into a part; where rows fill up a batch, their ``weight [R, B]`` is 0; and the numbers
# of an augmentation, ``values [R, B, 4]``.


class Samples(ABC):
    """The prepared train part of some replicates, on a device.

    Args:
        part: the train part as it was prepared, of all replicates of the study.
        replicates: which are trained here.
        parameters: of the cell.
        device: where.

    Attributes:
        targets: ``train`` or ``validation`` → ``[R, n]``; a standardised target in units of its standard deviation.
        rows: likewise → how many samples of these each replicate has, ``[R]``.
        outputs: how many numbers a network gives of a sample.
        loss_scale: ``[R]``, what a loss is multiplied by to be in the target's unit.
    """

    def __init__(
        self,
        part: Mapping[str, Tensor],
        replicates: Sequence[int],
        parameters: Mapping[str, Any],
        device: torch.device,
    ) -> None:
        chosen = list(replicates)
        self.replicates, self.device, self.parameters = chosen, device, parameters
        self.index = {name: part[f"{name}_index"][chosen] for name in ("train", "validation")}
        self.rows = {name: part[f"{name}_n"][chosen].to(device) for name in self.index}
        self.outputs = int(part["outputs"])
        if len(chosen) == 1:  # of a single replicate nothing has to be filled up to others' length
            self.index = {n: i[:, : int(self.rows[n][0])] for n, i in self.index.items()}
        self.targets = {name: part["target"][index] for name, index in self.index.items()}
        self.loss_scale = torch.ones(len(chosen))
        if part["target"].is_floating_point():
            if parameters.get("target") == "standardised":
                mean, scale = part["target_mean"][chosen, None], part["target_scale"][chosen, None]
                self.targets = {n: (t - mean) / scale for n, t in self.targets.items()}
                self.loss_scale = scale[:, 0].square().float()
            self.targets = {name: target.float() for name, target in self.targets.items()}
        self.targets = {name: target.to(device) for name, target in self.targets.items()}
        self.loss_scale = self.loss_scale.to(device)

    def own_targets(self, name: str) -> list[Tensor]:
        """Each replicate's targets, without what fills up."""
        rows = self.rows[name].tolist()
        return [target[:count] for target, count in zip(self.targets[name], rows, strict=True)]

    @abstractmethod
    def inputs(self, name: str, places: Tensor, values: Tensor | None = None) -> Tensor:
        """Standardised inputs ``[R, B, …]`` of the train or validation part at places ``[R, B]`` of it, augmented by values."""

    def target(self, name: str, places: Tensor) -> Tensor:
        """Targets ``[R, B]`` at the same places."""
        return self.targets[name].gather(1, places)

    def draw(self, seed: int, epoch: int) -> Batch:
        """One epoch's order ``places [R, n]``, and what goes with it; on the host.

        A last batch that is not full is filled up with the first rows of the replicate's own order, at weight 0. So batches
        have one shape, and what batch normalisation sees does not depend on how many rows other replicates have.
        """
        size, rows = self.parameters["batch_size"], self.rows["train"].tolist()
        wanted = -(-max(rows) // size) * size
        streams = [generator(seed, Purpose.ORDER, r, epoch) for r in self.replicates]
        orders = [stream.permutation(count) for stream, count in zip(streams, rows, strict=True)]
        found = {"places": torch.from_numpy(np.stack([np.resize(o, wanted) for o in orders]))}
        if min(rows) < wanted:
            found["weight"] = (torch.arange(wanted) < torch.tensor(rows)[:, None]).float()
        return {**found, **self._augmentation(seed, epoch, wanted)}

    def _augmentation(self, seed: int, epoch: int, count: int) -> Batch:
        return {}

    def batches(self, drawn: Batch) -> Iterator[Batch]:
        """The batches of an epoch, of what :meth:`draw` gave."""
        size = self.parameters["batch_size"]
        drawn = {name: tensor.to(self.device) for name, tensor in drawn.items()}
        for start in range(0, drawn["places"].shape[1], size):
            yield {name: tensor[:, start : start + size] for name, tensor in drawn.items()}

    def validation(self) -> Iterator[Batch]:
        """The batches of the validation part."""
        count = self.index["validation"].shape[1]
        places = torch.arange(count, device=self.device).expand(len(self.replicates), -1)
        weight = (places < self.rows["validation"][:, None]).float()
        for own in torch.arange(count).split(VALIDATION_BATCH[self.device.type]):
            yield {"places": places[:, own], "weight": weight[:, own]}

    def spread_evenly(self, count: int) -> Tensor:
        """Places of so many train samples at even distances, ``[R, count]``; of fewer some come twice."""
        steps = torch.arange(count, device=self.device)
        return steps * self.rows["train"][:, None] // count


class Rows(Samples):
    """Rows of a table, ``[R, B, F]``: standardised once."""

    def __init__(self, part: Mapping[str, Tensor], *args: Any) -> None:
        super().__init__(part, *args)
        mean, scale = (part[name][self.replicates][:, None] for name in ("mean", "scale"))
        self.standardised = {
            name: ((part["inputs"][index].double() - mean) / scale).float().to(self.device)
            for name, index in self.index.items()
        }
        self.replicate = torch.arange(len(self.replicates), device=self.device)[:, None]

    def inputs(self, name: str, places: Tensor, values: Tensor | None = None) -> Tensor:
        return self.standardised[name][self.replicate, places]


class Images(Samples):
    """Images, ``[R, B, C, H, W]``: kept as bytes, each once, and standardised as they are asked for."""

    def __init__(self, part: Mapping[str, Tensor], *args: Any) -> None:
        super().__init__(part, *args)
        pool = part["inputs"].unsqueeze(1) if is_grey(part) else part["inputs"]
        self.pool = pool.to(self.device)
        self.index = {name: index.to(self.device) for name, index in self.index.items()}
        moments = (
            part[name][self.replicates].float().to(self.device) for name in ("mean", "scale")
        )
        self.mean, self.scale = (each.view(len(self.replicates), 1, -1, 1, 1) for each in moments)
        self.affine = self.parameters["augmentation"] == "affine"

    def inputs(self, name: str, places: Tensor, values: Tensor | None = None) -> Tensor:
        index = self.index[name].gather(1, places)
        pixels = self.pool[index].float().div_(255.0)
        if values is not None:
            augmentation = import_module("ablation.training.augmentation")
            moved = augmentation.apply(pixels.flatten(0, 1), values.flatten(0, 1))
            pixels = moved.view(pixels.shape)
        return pixels.sub_(self.mean).div_(self.scale)

    def _augmentation(self, seed: int, epoch: int, count: int) -> Batch:
        if not self.affine:
            return {}
        draw = import_module("ablation.training.augmentation").draw
        ranges = [self.parameters[name] for name in AFFINE]
        streams = [generator(seed, Purpose.AUGMENTATION, r, epoch) for r in self.replicates]
        return {"values": torch.from_numpy(np.stack([draw(s, count, *ranges) for s in streams]))}


def samples_of(
    part: Mapping[str, Tensor],
    replicates: Sequence[int],
    parameters: Mapping[str, Any],
    device: torch.device,
) -> Samples:
    """The samples of a prepared train part."""
    return (Images if is_images(part) else Rows)(part, replicates, parameters, device)
