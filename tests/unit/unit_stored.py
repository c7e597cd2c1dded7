"""A trained cell in the store, for the tests that evaluate it or take it home."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from ablation.stages.job import run
from ablation.store.entries import publish, write_spec
from ablation.store.files import read_json, write_json
from ablation.study.plan import Plan
from ablation.training.network import load_network, shape_of, state_of
from conftest import Part
from report import invented
from safetensors.torch import save_file
from torch import Tensor

NAMES = {"fnn": "fnn/activation_relu", "cnn": "cnn/pooling_max"}


def facts(replicate: int, diverged: bool = False) -> dict[str, Any]:
    """What training says of a replicate."""
    return {"replicate": replicate, "diverged": diverged, "best_epoch": 3, "val_loss": 0.5}


def weights(spec: dict[str, Any], train: Part) -> dict[str, Tensor]:
    """Weights of untrained networks, ``[R, …]``."""
    torch.manual_seed(5)
    states = [
        state_of(
            load_network(
                spec["network"], spec["parameters"], shape_of(train), int(train["outputs"])
            )
        )
        for _ in train["mean"]
    ]
    return {name: torch.stack([state[name].detach() for state in states]) for name in states[0]}


class Stored:
    """A trained cell in the store as the trainer leaves it, with the prepared parts beside."""

    def __init__(
        self, plan: Plan, name: str, train: Part, test: Part, diverged: frozenset[int]
    ) -> None:
        cell = plan.study.by_name[name]
        self.train, replicates = train, len(train["mean"])
        self.cell, self.stages = cell, [plan.trained[cell.key], plan.evaluated[cell.key]]
        self.trained, self.output = (stage.folder for stage in self.stages)
        self.stack = weights(cell.spec, train)
        for tensor in self.stack.values():
            for r in diverged:
                if tensor.is_floating_point():
                    tensor[r] = float("nan")
        for stage in self.stages:
            write_spec(stage.spec)
        with publish(self.trained) as draft:
            save_file(self.stack, draft / "model.safetensors")
            # The second one is known to have diverged from its losses; its parameters are finite.
            rows = [facts(r, r in diverged or r == 1) for r in range(replicates)]
            write_json(draft / "replicates.json", rows)
            cost = invented._cost(cell.model, cell.key, cell.parameters)["cost"]
            write_json(draft / "run.json", {"cost": cost, "environment": invented.ENVIRONMENT})
        with publish(plan.prepared[cell.data_key].folder) as draft:
            for kind, part in (("train", train), ("test", test)):
                tensors = {n: tensor.contiguous().clone() for n, tensor in part.items()}
                save_file(tensors, draft / f"{kind}.safetensors")

    def evaluate(self) -> dict[str, Any]:
        """Run its job; the document that it writes."""
        run("evaluate", self.stages[1].key, {})
        document: dict[str, Any] = read_json(self.output / "metrics.json")
        return document

    def show(self, results: str = "results") -> Path:
        """Put the readable copy in its place."""
        target = Path(results, self.cell.name, "metrics.json")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.output / "metrics.json", target)
        return target


Make = Callable[..., Stored]
