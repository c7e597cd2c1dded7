"""The script that a user of PyTorch would write: a Dataset, a DataLoader, plain modules, one replicate."""

from __future__ import annotations

import argparse
import copy
import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, TensorDataset
from torchvision.transforms import Compose, Normalize, ToPILImage, ToTensor


class Images(Dataset[tuple[Tensor, int]]):
    """Images that are transformed one at a time, as the data sets of torchvision do."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, transform: Compose) -> None:
        self.images, self.labels, self.transform = images, labels, transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(self.images[index][..., None]), int(self.labels[index])


def cnn(kernel: int) -> nn.Module:
    """Two blocks of convolution, relu and pooling."""
    return nn.Sequential(
        nn.Conv2d(1, 16, kernel, padding=kernel // 2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, kernel, padding=kernel // 2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * 7 * 7, 128),
        nn.ReLU(),
        nn.Linear(128, 10),
    )


def fnn(depth: int, features: int = 13, width: int = 64) -> nn.Module:
    """Hidden layers with relu, one output."""
    layers: list[nn.Module] = []
    for fan_in in [features] + [width] * (depth - 1):
        layers += [nn.Linear(fan_in, width), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(width, 1))


def parts(data: dict[str, np.ndarray], replicate: int, images: bool) -> dict[str, Dataset]:
    """Train, validation and test part, standardised by the train part."""
    rows = {name: data[f"{name}_{replicate}"] for name in ("train", "validation", "test")}
    sources = {"train": "", "validation": "", "test": "test_"}
    x = {name: data[f"{source}x"][rows[name]] for name, source in sources.items()}
    y = {name: data[f"{source}y"][rows[name]] for name, source in sources.items()}
    if images:
        pixels = x["train"] / 255
        moments = Normalize([pixels.mean()], [pixels.std()])
        transform = Compose([ToPILImage(), ToTensor(), moments])
        return {name: Images(x[name], y[name], transform) for name in rows}
    mean, scale = x["train"].mean(0), x["train"].std(0)
    return {
        name: TensorDataset(
            torch.tensor((x[name] - mean) / scale, dtype=torch.float32),
            torch.tensor(y[name], dtype=torch.float32)[:, None],
        )
        for name in rows
    }


def loss_on(model: nn.Module, criterion: nn.Module, loader: DataLoader, device: str) -> float:
    """Mean loss."""
    model.eval()
    total, count = 0.0, 0
    with torch.no_grad():
        for x, y in loader:
            total += criterion(model(x.to(device)), y.to(device)).item() * len(y)
            count += len(y)
    return total / count


def accuracy_on(model: nn.Module, loader: DataLoader, device: str) -> float:
    """Share of right answers."""
    model.eval()
    hits, count = 0, 0
    with torch.no_grad():
        for x, y in loader:
            hits += (model(x.to(device)).argmax(1).cpu() == y).sum().item()
            count += len(y)
    return hits / count


def train(options: argparse.Namespace) -> float:
    """Train one replicate and test it: accuracy or MSE."""
    torch.manual_seed(options.replicate)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    images = options.model == "cnn"
    data = dict(np.load(options.data, allow_pickle=False))
    loaders = {
        name: DataLoader(part, options.batch, shuffle=name == "train")
        for name, part in parts(data, options.replicate, images).items()
    }
    model = (cnn(options.kernel) if images else fnn(options.depth)).to(device)
    criterion = nn.CrossEntropyLoss() if images else nn.MSELoss()
    optimizer = (torch.optim.Adam if images else torch.optim.SGD)(
        model.parameters(), lr=options.rate
    )
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.1, patience=10)
    best, state = float("inf"), copy.deepcopy(model.state_dict())
    for _ in range(options.epochs):
        model.train()
        for x, y in loaders["train"]:
            optimizer.zero_grad()
            loss = criterion(model(x.to(device)), y.to(device))
            loss.backward()
            optimizer.step()
        validation = loss_on(model, criterion, loaders["validation"], device)
        if not images:
            scheduler.step(validation)
        if validation < best:
            best, state = validation, copy.deepcopy(model.state_dict())
    model.load_state_dict(state)
    if images:
        return accuracy_on(model, loaders["test"], device)
    return loss_on(model, criterion, loaders["test"], device)


def main() -> None:
    """Train one replicate and write its test metric."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--model", choices=["fnn", "cnn"], required=True)
    parser.add_argument("--replicate", type=int, default=0)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--kernel", type=int, default=5)
    parser.add_argument("--depth", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    metric = train(options)
    options.out.write_text(json.dumps({"replicates": [options.replicate], "metric": [metric]}))


if __name__ == "__main__":
    main()
