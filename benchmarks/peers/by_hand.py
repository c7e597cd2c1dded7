"""PyTorch with care: tensors in memory, channels_last, fp32, all replicates of a cell in one process, one after another."""

from __future__ import annotations

import argparse
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import ReduceLROnPlateau

Part = dict[str, tuple[Tensor, Tensor]]


def cnn(kernel: int) -> nn.Module:
    """Two blocks of convolution, relu and pooling."""
    return nn.Sequential(
        *(nn.Conv2d(1, 16, kernel, padding=kernel // 2), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 32, kernel, padding=kernel // 2), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(32 * 49, 128), nn.ReLU(), nn.Linear(128, 10)),
    ).to(memory_format=torch.channels_last)


def fnn(depth: int, features: int = 13, width: int = 64) -> nn.Module:
    """Hidden layers with relu, one output."""
    layers: list[nn.Module] = []
    for fan_in in [features] + [width] * (depth - 1):
        layers += [nn.Linear(fan_in, width), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(width, 1))


def part_of(data: dict[str, np.ndarray], replicate: int, images: bool) -> Part:
    """Train, validation and test part in memory, standardised by the train part."""
    part = {}
    moments: tuple[np.ndarray, np.ndarray] | None = None
    for name in ("train", "validation", "test"):
        source = "test_" if name == "test" else ""
        rows = data[f"{name}_{replicate}"]
        x = data[f"{source}x"][rows]
        x = x[:, None] / 255.0 if images else x
        moments = moments or ((x.mean(), x.std()) if images else (x.mean(0), x.std(0)))
        inputs = torch.tensor((x - moments[0]) / moments[1], dtype=torch.float32)
        y = torch.tensor(data[f"{source}y"][rows])
        if images:
            inputs = inputs.contiguous(memory_format=torch.channels_last)
        part[name] = inputs, (y if images else y.float()[:, None])
    return part


def train(part: Part, replicate: int, options: argparse.Namespace) -> float:
    """Train one replicate and test it: accuracy or MSE."""
    images = options.model == "cnn"
    generator = torch.Generator().manual_seed(replicate)
    torch.manual_seed(replicate)
    model = cnn(options.kernel) if images else fnn(options.depth)
    criterion = F.cross_entropy if images else F.mse_loss
    optimizer = (torch.optim.Adam if images else torch.optim.SGD)(
        model.parameters(), lr=options.rate
    )
    scheduler = ReduceLROnPlateau(optimizer, factor=0.1, patience=10)
    (x, y), best = part["train"], float("inf")
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    for _ in range(options.epochs):
        for batch in torch.randperm(len(y), generator=generator).split(options.batch):
            optimizer.zero_grad(set_to_none=True)
            criterion(model(x[batch]), y[batch]).backward()
            optimizer.step()
        with torch.no_grad():
            validation = criterion(model(part["validation"][0]), part["validation"][1]).item()
        if not images:
            scheduler.step(validation)
        if validation < best:
            best = validation
            state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    model.load_state_dict(state)
    with torch.no_grad():
        output, target = model(part["test"][0]), part["test"][1]
        return float(
            (output.argmax(1) == target).float().mean() if images else F.mse_loss(output, target)
        )


def main() -> None:
    """Train the replicates of a cell, as many at a time as there are threads, and write their test metrics."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--model", choices=["fnn", "cnn"], required=True)
    parser.add_argument("--replicates", type=int, required=True)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--kernel", type=int, default=5)
    parser.add_argument("--depth", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)
    data, chosen = dict(np.load(options.data, allow_pickle=False)), range(options.replicates)

    def one(replicate: int) -> float:
        return train(part_of(data, replicate, options.model == "cnn"), replicate, options)

    with ThreadPoolExecutor(options.threads) as pool:
        metric = list(pool.map(one, chosen))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps({"replicates": list(chosen), "metric": metric}))


if __name__ == "__main__":
    main()
