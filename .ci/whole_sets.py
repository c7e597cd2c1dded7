"""Train one cell of full size on the whole of MNIST, and one of the whole of Fashion-MNIST, each from files on this machine.

FASHION_MNIST_MIRROR and MNIST_MIRROR are file:// addresses of folders with the four files; without the latter, MNIST is left
out where no copy is at hand.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow"))

from ablation.store.download import mirror_variable  # noqa: E402

# Fewer replicates and epochs than config/full.yaml, so that two cores take minutes; every image of the set all the same.
CELLS = {
    "mnist": ({"epochs": 2, "batch_size": 64}, {"dropout": 0.4}, 0.98),
    "fashion-mnist": ({"epochs": 1, "batch_size": 64}, {}, 0.80),
}
CELL = "cnn/kernel_5"
PARTS = {"n_train": 48_000, "n_validation": 12_000, "n_test": 10_000}


def variant(dataset: str) -> dict[str, object]:
    """A variant of the full study for one data set."""
    recipe, parameters, _ = CELLS[dataset]
    cnn = {"replicates": 2, "recipe": recipe, "parameters": {"dataset": dataset, **parameters}}
    return {"study": {"name": f"ci-{dataset}"}, "models": {"cnn": cnn}}


def main() -> int:
    """Train, and compare the mean test accuracy with what it must reach."""
    for dataset, (*_, least) in CELLS.items():
        if mirror_variable(dataset) not in os.environ:
            print(f"{dataset}: no copy is at hand ({mirror_variable(dataset)})")
            continue
        study = f"ci-{dataset}"
        file = ROOT / "results" / f"{study}.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(yaml.safe_dump(variant(dataset)), encoding="utf-8")
        target = f"results/{study}/{CELL}/metrics.json"
        files = ["--configfile", "config/full.yaml", str(file)]
        subprocess.run(
            ["snakemake", "--quiet", "rules", *files, "--", target], cwd=ROOT, check=True
        )
        shown = json.loads((ROOT / target).read_text(encoding="utf-8"))
        accuracy, data, cost = shown["metrics"]["accuracy"], shown["data"], shown["cost"]
        print(
            f"{dataset}: {'/'.join(str(data[part][0]) for part in PARTS)} images, "
            f"{accuracy['n']} replicates, test accuracy {accuracy['mean']:.4f} (SD {accuracy['sd']:.4f}), "
            f"{cost['seconds']:.0f} s"
        )
        whole = all(data[part] == [size, size] for part, size in PARTS.items())
        if not whole or accuracy["mean"] < least:
            print(f"expected the whole set and at least {least}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
