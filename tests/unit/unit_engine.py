"""Small cells for tests of the engine, without a file or a configuration."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ablation.training.loop import Trained
from ablation.training.run import Cell, train
from torch import Tensor, nn

FILE = str(Path(__file__).with_name("unit_networks.py"))
RECIPE = {
    "optimizer": "sgd",
    "learning_rate": 0.05,
    "schedule": "constant",
    "weight_decay": 0.0,
    "clip_norm": 0.0,
    "batch_size": 8,
    "epochs": 3,
}
MLP, CONVNET = "ablation/networks/mlp.py", "ablation/networks/convnet.py"
SMALL = {"channels": [3, 4, 5, 6], "fc_width": 16, "kernel": 3, "batch_size": 8}
AFFINE = {"augmentation": "affine", "rotation_degrees": 10, "translation": 0.1, "brightness": 0.2}
# Everything that a convolutional network can draw or keep.
NOISY = {**SMALL, **AFFINE, "dropout": 0.4, "batchnorm": True}
ADAM = {"optimizer": "adam", "learning_rate": 0.003}
PLATEAU = {"schedule": "plateau", "lr_factor": 0.5, "lr_patience": 0}
DEEP = {**ADAM, **PLATEAU, "clip_norm": 0.5, "weight_decay": 0.01}
CPU = torch.device("cpu")


def table(replicates: int = 4, rows: int = 60, features: int = 5) -> dict[str, Tensor]:
    """A prepared train part of a table: 41 or 42 rows to train on, 10 to validate."""
    stream = np.random.default_rng(7)
    inputs = stream.normal(size=(rows, features))
    target = inputs @ stream.normal(size=features) + 20 + np.sin(3 * inputs[:, 0])
    orders = [np.random.default_rng([7, r]).permutation(rows) for r in range(replicates)]
    counts = [41 + (r % 3 == 1) for r in range(replicates)]
    train = np.stack(
        [np.where(np.arange(42) < n, o[:42], 0) for o, n in zip(orders, counts, strict=True)]
    )
    own = [order[:count] for order, count in zip(orders, counts, strict=True)]
    arrays = {
        "inputs": inputs,
        "target": target,
        "train_index": train,
        "train_n": np.array(counts),
        "validation_index": np.stack([order[45:55] for order in orders]),
        "validation_n": np.full(replicates, 10),
        "mean": np.stack([inputs[each].mean(0) for each in own]),
        "scale": np.stack([inputs[each].std(0) for each in own]),
        "target_mean": np.array([target[each].mean() for each in own]),
        "target_scale": np.array([target[each].std() for each in own]),
        "outputs": np.array(1),
    }
    return {name: torch.from_numpy(np.asarray(array)) for name, array in arrays.items()}


def images(
    replicates: int = 3,
    *,
    side: int = 8,
    channels: int = 1,
    classes: int = 3,
    rows: int = 60,
    shares: tuple[float, float] = (0.6, 0.2),
) -> dict[str, Tensor]:
    """A prepared train part of images: by default 36 to train on, 12 to validate."""
    stream = np.random.default_rng(8)
    labels = np.arange(rows) % classes
    means = stream.integers(40, 200, (classes, channels, side, side))
    pixels = means[labels] + stream.normal(0, 30, (rows, channels, side, side))
    pixels = np.clip(pixels, 0, 255).astype(np.uint8)
    orders = [np.random.default_rng([8, r]).permutation(rows) for r in range(replicates)]
    trained, held_out = (round(share * rows) for share in shares)
    moments = np.full((replicates, channels), 0.45), np.full((replicates, channels), 0.2)
    arrays = {
        "inputs": pixels[:, 0] if channels == 1 else pixels,
        "target": labels,
        "train_index": np.stack([order[:trained] for order in orders]),
        "train_n": np.full(replicates, trained),
        "validation_index": np.stack([o[trained : trained + held_out] for o in orders]),
        "validation_n": np.full(replicates, held_out),
        "mean": moments[0][:, 0] if channels == 1 else moments[0],
        "scale": moments[1][:, 0] if channels == 1 else moments[1],
        "outputs": np.array(classes),
    }
    return {name: torch.from_numpy(np.asarray(array)) for name, array in arrays.items()}


def cell(
    entry: str,
    part: dict[str, Tensor],
    *,
    file: str = FILE,
    at_once: int | str = "auto",
    precision: str = "fp32",
    network: type[Cell] = Cell,
    **parameters: Any,
) -> Cell:
    """A cell of a network in a file."""
    grey = part["inputs"].dtype == torch.uint8
    task = "classification" if grey else "regression"
    own = {"augmentation": "none"} if grey else {"target": "standardised"}
    spec = {
        "task": task,
        "network": {"file": file, "entry": entry},
        "parameters": {**RECIPE, **own, **parameters},
        "seed": 3,
        "replicates": len(part["train_n"]),
        "precision": precision,
        "replicates_at_once": at_once,
    }
    return network(spec, part, CPU)


def mlp(part: dict[str, Tensor], **chosen: Any) -> Cell:
    """A cell of the shipped multilayer perceptron, narrow."""
    return cell("MLP", part, file=MLP, **{"width": 16, **chosen})


def convnet(part: dict[str, Tensor], **chosen: Any) -> Cell:
    """A cell of the shipped convolutional network, narrow."""
    return cell("ConvNet", part, file=CONVNET, **{**SMALL, **ADAM, **chosen})


def poisoned(value: float) -> type[Cell]:
    """Cells in which every weight of replicate 1 is a value."""

    class Poisoned(Cell):
        def network(self, replicate: int) -> nn.Module:
            network = super().network(replicate)
            if replicate == 1:
                with torch.no_grad():
                    for parameter in network.parameters():
                        parameter.fill_(value)
            return network

    return Poisoned


def trained(each: Cell, at_once: int | None = None, threads: int = 1) -> Trained:
    plan = each.plan()
    plan = (
        plan
        if at_once is None
        else replace(plan, at_once=at_once, vmapped=plan.vmapped and at_once > 1)
    )
    return train(each, plan, threads=threads)[0]


def tensors_of(result: Trained) -> dict[str, Tensor]:
    """All that training gives, the replicate first."""
    history = {f"history {name}": rows.T for name, rows in result.history.items()}
    rest = {"gradients": result.gradients.permute(2, 0, 1), "best": result.best_epoch}
    return {**result.tensors, **history, **rest, "diverged": result.diverged}


def assert_same(a: Trained, b: Trained, rows: list[int], tolerance: float = 0.0) -> None:
    others = tensors_of(b)
    for name, tensor in tensors_of(a).items():
        own, other = tensor[rows], others[name][rows]
        if tolerance and own.is_floating_point():
            torch.testing.assert_close(own, other, rtol=tolerance, atol=tolerance, equal_nan=True)
        else:
            assert torch.equal(own.nan_to_num(), other.nan_to_num()), name


class Kept:
    """A checkpoint in memory that is saved after every epoch."""

    def __init__(self, stop: int) -> None:
        self.stop, self.saved = stop, dict[str, Tensor]()

    def load(self) -> dict[str, Tensor] | None:
        return {name: tensor.clone() for name, tensor in self.saved.items()} or None

    def due(self, *, ended: bool = False) -> bool:
        return True

    def save(self, tensors: dict[str, Tensor]) -> None:
        self.saved = {name: tensor.detach().clone() for name, tensor in tensors.items()}
        if int(tensors["progress/epoch"]) == self.stop:
            raise KeyboardInterrupt
