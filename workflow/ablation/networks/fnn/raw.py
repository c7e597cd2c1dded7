"""Boston Housing as it comes: the pinned file, and how to read it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PARTS = 6


def dataset(parameters: dict[str, Any]) -> str:
    """The data set that the parameters ask for; there is one."""
    return "boston"


def raw_files(dataset: str) -> dict[str, str]:
    """File name → SHA-256. The file is the one inside mlxtend: StatLib's numbers, uncorrected."""
    return {
        "boston_housing.csv": "8594f084258ead302f20a7479463f7a7584d33fe00042d442a7101530c8b46de"
    }


def check(parameters: dict[str, Any]) -> None:
    """Every combination of valid parameters is a network that can be built."""


def check_comparable(parameters: dict[str, Any], baseline: dict[str, Any]) -> None:
    """All cells are tested on the same rows."""


def load(folder: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Read the features ``[506, 13]`` and the target ``[506]`` (median value in 1000 USD)."""
    import numpy as np

    table = np.loadtxt(folder / "boston_housing.csv", delimiter=",", dtype=np.float64)
    return table[:, :-1], table[:, -1]
