"""When the gradients of each layer are measured, and on how many samples: what tells of vanishing and exploding ones."""

from __future__ import annotations

SAMPLES = 256


def recorded_epochs(epochs: int) -> list[int]:
    """After which epochs gradients are measured: none (the initial weights), the first, a tenth, a half, all."""
    return sorted({0, min(1, epochs), -(-epochs // 10), -(-epochs // 2), epochs})
