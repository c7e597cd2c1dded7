"""The script that a user would write: one replicate at a time, a Dataset, a DataLoader, plain modules.

It trains the CNN's baseline on the same prepared splits. Nothing of the project's trainer is used.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import functional as transforms


class Digits(Dataset[tuple[Tensor, Tensor]]):
    """Images of one part, turned into tensors one at a time as torchvision's data sets do."""

    def __init__(self, part: dict[str, Tensor], name: str, replicate: int) -> None:
        index = part[f"{name}_index"][replicate, : int(part[f"{name}_n"][replicate])]
        self.images, self.labels = part["inputs"][index].numpy(), part["target"][index]
        self.mean = [float(part["mean"][replicate])]
        self.scale = [float(part["scale"][replicate])]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, item: int) -> tuple[Tensor, Tensor]:
        pixels = transforms.to_tensor(transforms.to_pil_image(self.images[item]))
        return transforms.normalize(pixels, self.mean, self.scale), self.labels[item]


def network() -> nn.Sequential:
    """The baseline: two blocks of 5 × 5 convolutions, same padding."""
    return nn.Sequential(
        *(nn.Conv2d(1, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(32 * 49, 128), nn.ReLU(), nn.Linear(128, 10)),
    )


def train(
    part: dict[str, Tensor], replicate: int, epochs: int, device: torch.device, batch: int = 64
) -> float:
    """Train one replicate; the best validation accuracy."""
    torch.manual_seed(replicate)
    model, best = network().to(device), 0.0
    optimiser, criterion = torch.optim.Adam(model.parameters(), 1e-3), nn.CrossEntropyLoss()
    loaders = {
        name: DataLoader(Digits(part, name, replicate), batch, shuffle=name == "train")
        for name in ("train", "validation")
    }
    for _ in range(epochs):
        model.train()
        for images, labels in loaders["train"]:
            optimiser.zero_grad()
            criterion(model(images.to(device)), labels.to(device)).backward()
            optimiser.step()
        model.eval()
        with torch.no_grad():
            hits = [
                (model(images.to(device)).argmax(1).cpu() == labels).float().sum().item()
                for images, labels in loaders["validation"]
            ]
        best = max(best, sum(hits) / len(part["validation_index"][replicate]))
    return best


def main() -> None:
    """Print the seconds per replicate and epoch."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="prepared train.safetensors of the CNN")
    parser.add_argument("--replicates", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    part, begin = load_file(options.data), time.perf_counter()
    for replicate in range(options.replicates):
        train(part, replicate, options.epochs, device, options.batch)
    seconds = (time.perf_counter() - begin) / options.replicates / options.epochs
    print(f"{seconds:.3f}")


if __name__ == "__main__":
    main()
