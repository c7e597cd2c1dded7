"""A model: a network on a data set, and all that other modules need to know of the two.

Nothing here imports torch, a network or a data set: Snakemake reads this module each time it starts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ablation.statistics.metric import Metric
from ablation.study.components import parameters_of, source_of
from ablation.study.data_file import DataFile, read_data
from ablation.study.fragments import Rules
from ablation.study.network_file import NetworkFile, read_network
from ablation.study.sentences import ConfigError
from ablation.tasks.task import TASKS, Task

Parameters = dict[str, Any]
RECIPE = "ablation/training/recipe.py"
SMALLEST_PART = 10
# What the names of the shipped study stand for where a configuration does not say.
DEFAULTS = {
    "fnn": {"network": "mlp", "data": "boston"},
    "cnn": {"network": "convnet", "data": "mnist"},
}
SPLIT: Rules = {
    "share": {
        "type": "number",
        "exclusiveMinimum": 0,
        "maximum": 1,
        "default": 1,
        "title": {"en": "Share of the samples", "zh": "所用样本的比例"},
    },
    "test": {
        "enum": ["drawn", "official"],
        "default": "drawn",
        "title": {"en": "Test samples", "zh": "测试样本"},
    },
}
OPTIMISERS = {"sgd": "sgd", "adam": "adam", "adamw": "adam"}


@dataclass(frozen=True)
class Model:
    """One network with its data.

    Attributes:
        name: its name in paths and in the configuration.
        network, data: what their files declare.
        task: what is learnt.
    """

    name: str
    network: NetworkFile
    data: DataFile
    task: Task

    @cached_property
    def metrics(self) -> tuple[Metric, ...]:
        """Its test metrics; the first is tested where the configuration names none, and tells which replicates collapsed."""
        return self.task.metrics_on(unit=self.data.unit, classes=len(self.data.classes))

    def metric(self, name: str) -> Metric:
        return next(metric for metric in self.metrics if metric.name == name)

    @cached_property
    def recipe(self) -> Rules:
        """The parameters of its training."""
        declared = parameters_of(source_of(RECIPE))
        kinds = {None, self.task.name, *(["images"] if self.data.images else [])}
        return {name: rule for name, rule in declared.items() if rule.get("only") in kinds}

    @cached_property
    def rules(self) -> Rules:
        """What each parameter of a cell allows, in the order in which axes and tables have them."""
        split = SPLIT if self.data.drawn else {}
        return {**self.data.parameters, **split, **self.network.parameters, **self.recipe}

    @property
    def data_parameters(self) -> tuple[str, ...]:
        """The parameters that decide which data are prepared."""
        return (*self.data.parameters, *(SPLIT if self.data.drawn else ()))

    @property
    def replicate_step(self) -> int:
        """Replicates are declared in multiples of it."""
        return self.data.parts or 1

    @property
    def has_precision(self) -> bool:
        """Whether ``compute.precision`` changes its numbers."""
        return self.data.images

    @property
    def split(self) -> dict[str, Any]:
        """How its data are split, as specifications have it."""
        if self.data.drawn:
            return {"drawn": list(self.data.drawn)}
        return {"parts": self.data.parts}

    def relevant(self, parameters: Mapping[str, Any]) -> Parameters:
        """The parameters without those that a cell never reads."""
        kept: Parameters = {}
        for name, value in parameters.items():
            rule = self.rules.get(name, {})
            needed = rule.get("where", {}).items()
            if all(parameters.get(other) == required for other, required in needed):
                kept[name] = value[: parameters[rule["first"]]] if "first" in rule else value
        return kept

    def code(self, stage: str, parameters: Mapping[str, Any] | None = None) -> tuple[str, ...]:
        """The modules and files whose source decides what a stage writes.

        Args:
            stage: ``prepare``, ``train``, ``evaluate`` or ``yardsticks``.
            parameters: of a cell, for ``train``.
        """
        task, tensors = f"ablation.tasks.{self.task.name}", "ablation.store.tensors"
        if stage == "prepare":
            return ("ablation.tasks.prepare", code_name(self.data.file), tensors)
        if stage == "yardsticks":
            return ("ablation.tasks.yardsticks", task, tensors)
        if stage == "evaluate":
            network = code_name(self.network.file)
            return ("ablation.results.evaluation", "ablation.training.network", task, network)
        chosen = parameters or {}
        moved = chosen.get("augmentation", "none") != "none"
        return (
            "ablation.training.run",
            "ablation.training.records",
            f"ablation.training.optimisers.{OPTIMISERS[chosen['optimizer']]}",
            task,
            *(["ablation.training.augmentation"] if moved else []),
            code_name(self.network.file),
            *self.code("prepare"),
        )

    def part_sizes(self, parameters: Mapping[str, Any]) -> dict[str, int] | None:
        """Samples of each part that a replicate has; None where the data file does not say how many there are.

        ``test: official`` divides a share of the samples to train on alone; its test set is the same for every replicate.
        """
        dataset = self.data.dataset(parameters)
        count = self.data.samples(dataset)
        if self.data.drawn is None:
            if count is None or self.data.parts is None:
                return None
            size = count // self.data.parts
            return {"train": count - 2 * size, "validation": size, "test": size}
        train, validation, test = self.data.drawn
        if parameters["test"] == "official":
            total = round(parameters["share"] * self.data.of("OFFICIAL", dataset)[0])
            held_out = round(total * validation / (train + validation))
            return {"train": total - held_out, "validation": held_out}
        if count is None:
            return None
        total, whole = round(parameters["share"] * count), train + validation + test
        sizes = {
            "validation": round(total * validation / whole),
            "test": round(total * test / whole),
        }
        return {"train": total - sum(sizes.values()), **sizes}

    def train_size(self, parameters: Mapping[str, Any]) -> int:
        """About how many samples one replicate trains on, for an estimate of cost."""
        sizes = self.part_sizes(parameters)
        return sizes["train"] if sizes else round(1000 * parameters.get("share", 1))

    def check(self, parameters: Mapping[str, Any]) -> None:
        """Refuse parameters that contradict one another or the data.

        Raises:
            ValueError: with one sentence that names the parameter, its value and what is allowed.
        """
        for name, rule in self.rules.items():
            required = parameters[rule["first"]] if "first" in rule else 0
            if "first" in rule and len(parameters[name]) < required:
                raise ValueError(
                    f"{name} has {len(parameters[name])} entries, but {rule['first']} {required} needs at least {required}"
                )
        dataset = self.data.dataset(parameters)
        if parameters.get("test") == "official" and not self.data.of("OFFICIAL", dataset):
            raise ValueError(
                f"test is 'official', but {dataset} has no test set of its own: allowed is drawn"
            )
        sizes = self.part_sizes(parameters)
        if sizes is None:
            return
        smallest = min(sizes.values())
        if smallest >= SMALLEST_PART:
            most = sizes["train"]
            if parameters.get("batch_size", 0) > most:
                raise ValueError(
                    f"batch_size is {parameters['batch_size']}, but a replicate trains on {most} {self._samples}: "
                    f"allowed is at most {most}"
                )
            return
        if self.data.parts:
            raise ValueError(
                f"{dataset} has {self.data.samples(dataset)} samples, and {self.data.parts} parts of them are of {smallest}: "
                f"allowed are PARTS that leave at least {SMALLEST_PART} in each"
            )
        raise ValueError(
            f"share is {parameters['share']}, which leaves a part of {smallest} {self._samples}: "
            f"allowed is a share that leaves at least {SMALLEST_PART} in each"
        )

    def check_comparable(self, parameters: Mapping[str, Any], baseline: Mapping[str, Any]) -> None:
        """Refuse a cell that would be tested on other samples than the baseline: their difference would mean nothing.

        Raises:
            ValueError: with one sentence that names the parameter, its value and what is allowed.
        """
        other = f"so it would be tested on other {self._samples} than the baseline"
        for name in self.data_parameters:
            if name != "share" and parameters[name] != baseline[name]:
                raise ValueError(
                    f"{name} is {parameters[name]!r}, {other}: allowed is the baseline's {baseline[name]!r}"
                )
        if parameters.get("test") == "drawn" and parameters["share"] != baseline["share"]:
            official = self.data.of("OFFICIAL", self.data.dataset(parameters))
            more = ", or any share with test: official" if official else ""
            raise ValueError(
                f"share is {parameters['share']}, {other}: allowed is the baseline's {baseline['share']}{more}"
            )

    @property
    def _samples(self) -> str:
        return "images" if self.data.images else "samples"

    def words(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """What a report says of the model, its data and its parameters; each a text, or a text in each of some languages."""
        network, data = self.network.words, self.data.words(self.data.dataset(parameters))
        titles = {name: rule["title"] for name, rule in self.rules.items() if "title" in rule}
        values = {
            n: text for rule in self.rules.values() for n, text in rule.get("values", {}).items()
        }
        texts = {
            "title": network.get("title"),
            "short": network.get("short"),
            "about": joined(data.get("about"), network.get("about")),
            "data": data.get("title"),
            "target": data.get("target"),
            "source": data.get("source"),
        }
        return {
            **{name: text for name, text in texts.items() if text is not None},
            "notes": data["notes"],
            "parameters": titles,
            "values": values,
        }


def joined(*texts: Any) -> Any:
    """Words one after the other, in each language that one of them has; None where there are none."""
    present = [text for text in texts if text is not None]
    if len(present) < 2 or all(isinstance(text, str) for text in present):
        return (
            " ".join(present)
            if present and isinstance(present[0], str)
            else next(iter(present), None)
        )
    languages = dict.fromkeys(name for text in present if isinstance(text, dict) for name in text)
    return {
        language: " ".join(
            text if isinstance(text, str) else _in(text, language) for text in present
        )
        for language in languages
    }


def _in(text: dict[str, str], language: str) -> str:
    """A text in a language, else in English, else in any."""
    return text.get(language) or text.get("en") or next(iter(text.values()))


def code_name(file: str) -> str:
    """What code digests call a file: a module of the package, or its path."""
    if not file.startswith("ablation/"):
        return file
    return file.removesuffix(".py").replace("/", ".")


def model_of(name: str, network: Any, data: Any) -> Model:
    """Read the files of a model.

    Args:
        name: the model's, for the keys in sentences.
        network, data: as the configuration names them.

    Raises:
        ConfigError: one sentence.
    """
    where = f"models.{name}"
    net, data_file = read_network(network, f"{where}.network"), read_data(data, f"{where}.data")
    model = Model(name, net, data_file, TASKS[data_file.task])
    split = SPLIT if data_file.drawn else {}
    seen: dict[str, str] = {}
    for owner, rules in (
        (data_file.file, data_file.parameters),
        ("the split", split),
        (net.file, net.parameters),
        ("the recipe", model.recipe),
    ):
        for parameter in rules:
            if parameter in seen:
                raise ConfigError(
                    f"{where}: {parameter} is a parameter of {seen[parameter]} and of {owner}: "
                    "allowed is another name in your file."
                )
            seen[parameter] = owner
    return model
