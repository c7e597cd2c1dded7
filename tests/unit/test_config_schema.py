"""The schema is closed and described; every shipped configuration is valid and says what the schema says."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ablation.store.keys import normalise
from ablation.study.components import shipped as shipped_files
from ablation.study.config import FOLDERS, merge, model_in, resolve, schema
from ablation.study.grid import build
from ablation.study.margins import MARGINS as MARGINS_OF
from ablation.study.models import Model
from ablation.study.reading import load
from ablation.tasks.task import METRICS
from conftest import REPOSITORY
from jsonschema import Draft202012Validator

VARIANTS = sorted((REPOSITORY / "config").glob("*.yaml"))
Node = dict[str, Any]


def shipped() -> Node:
    """config.yaml as it is written."""
    loaded: Node = yaml.safe_load((REPOSITORY / "config.yaml").read_text(encoding="utf-8"))
    return loaded


def nodes(node: Any, path: str = "") -> Iterator[tuple[str, Node]]:
    """Every schema inside the schema, with where it stands."""
    if isinstance(node, list):
        for i, item in enumerate(node):
            yield from nodes(item, f"{path}[{i}]")
    elif isinstance(node, dict):
        yield path, node
        for name, item in node.items():
            if name not in ("default", "enum", "required"):
                yield from nodes(item, f"{path}/{name}")


def keys(node: Node, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Node]]:
    """Every key that a configuration can have, references followed; names of one's own are left out."""
    if "$ref" in node:
        node = schema()["$defs"][node["$ref"].rsplit("/", 1)[-1]]
    for name, item in node.get("properties", {}).items():
        yield (*path, name), item
        yield from keys(item, (*path, name))


def model_keys() -> Iterator[tuple[tuple[str, ...], Node]]:
    """Every key of a model."""
    return keys(schema()["$defs"]["model"])


def lookup(document: Node, path: tuple[str, ...]) -> Any:
    for name in path:
        document = document[name]
    return document


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(schema())


def test_every_mapping_is_closed() -> None:
    mappings = [
        (path, node) for path, node in nodes(schema()) if isinstance(node.get("properties"), dict)
    ]
    assert len(mappings) > 10
    assert [path for path, node in mappings if node.get("additionalProperties") is not False] == []


def test_every_key_is_described() -> None:
    described = {
        path: {**_referred(node), **node}.get("description") for path, node in keys(schema())
    }
    for name in ("axis", "model"):
        described |= {
            (name, *path): {**_referred(node), **node}.get("description")
            for path, node in keys(schema()["$defs"][name])
        }
    assert len(described) > 35
    assert [".".join(path) for path, text in described.items() if not text] == []
    assert [text for text in described.values() if text and not text.endswith(".")] == []


def _referred(node: Node) -> Node:
    reference = node.get("$ref", "").rsplit("/", 1)[-1]
    found: Node = schema()["$defs"].get(reference, {})
    return found


def test_every_number_has_bounds_and_every_key_a_type() -> None:
    for path, node in (*keys(schema()), *model_keys()):
        rule = {**_referred(node), **node}
        assert rule.keys() & {"type", "anyOf", "$ref"}, path
        if rule.get("type") in ("integer", "number"):
            assert rule.keys() & {"minimum", "exclusiveMinimum"}, path


def test_defaults_are_what_the_schema_allows() -> None:
    for path, node in keys(schema()):
        if "default" in node:
            validator = Draft202012Validator({**node, "$defs": schema()["$defs"]})
            assert list(validator.iter_errors(node["default"])) == [], path


def test_config_yaml_has_every_key_of_the_schema() -> None:
    document = shipped()
    for path, _ in keys(schema()):
        if path != ("statistics", "tested"):  # the margins of the models say it
            lookup(document, path)  # a KeyError names what is missing
    for name in document["models"]:
        own = {path[0] for path, _ in model_keys()}
        assert document["models"][name].keys() == own


def test_config_yaml_has_the_defaults() -> None:
    """A key that is left out must mean what the shipped file says."""
    document = shipped()
    for path, node in keys(schema()):
        if "default" in node and node["default"] != {} and path[-1] != "title":
            assert lookup(document, path) == node["default"], path
    for name, model in models().items():
        tested = MARGINS_OF[model.task.name]
        assert document["models"][name]["margin"] == tested


def models() -> dict[str, Model]:
    return {name: model_in(name, body) for name, body in shipped()["models"].items()}


def test_choices_are_named_in_the_comments() -> None:
    text = (REPOSITORY / "config.yaml").read_text(encoding="utf-8")
    lines = text.splitlines()
    rules = [(path[-1], node) for path, node in keys(schema())]
    for name, model in models().items():
        part = text[text.index(f"\n  {name}:") :].splitlines()
        for parameter, rule in model.rules.items():
            choices = [choice for choice in rule.get("enum", []) if isinstance(choice, str)]
            line = next((line for line in part if re.match(rf"\s+{parameter}: .*#", line)), "")
            assert all(choice in line.partition("#")[2] for choice in choices), parameter
        for each in ("network", "data"):
            line = next(line for line in part if re.match(rf"\s+{each}: .*#", line))
            assert all(
                known in line for known in shipped_files(FOLDERS[each]) if known != "streams"
            )
    for name, node in rules:
        if "enum" in node:
            line = next(line for line in lines if re.match(rf"\s+{name}: .*#", line))
            assert all(choice in line.partition("#")[2] for choice in node["enum"]), name


def test_the_metrics_of_each_model_are_named_in_the_comments() -> None:
    """Of all metrics that the schema lists, each model allows its own."""
    text = (REPOSITORY / "config.yaml").read_text(encoding="utf-8")
    named: set[str] = set()
    for name, model in models().items():
        found = re.search(r"^      metric: \w+ # (.*)$", text[text.index(f"\n  {name}:") :], re.M)
        assert found is not None
        own = {metric.name for metric in model.metrics}
        assert set(re.findall(r"\b(?:mse|mae|r2|accuracy|loss)\b", found[1])) == own
        named |= own
    assert set(schema()["$defs"]["tested"]["properties"]["metric"]["enum"]) == named == set(METRICS)


def test_config_yaml_says_every_parameter_that_a_baseline_reads() -> None:
    for name, model in models().items():
        body = shipped()["models"][name]
        said = {**body["recipe"], **body["parameters"]}
        assert set(model.relevant({**resolve(shipped())["models"][name]["parameters"]})) <= set(
            said
        )
        assert set(body["recipe"]) <= set(model.recipe)


def test_there_are_variants() -> None:
    assert "smoke.yaml" in [path.name for path in VARIANTS]


def test_config_yaml_alone_is_valid() -> None:
    study = build(load(REPOSITORY / "config.yaml"))
    assert study.name == "default"


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda path: path.name)
def test_every_variant_is_valid_over_config_yaml(variant: Path) -> None:
    study = build(load(REPOSITORY / "config.yaml", variant))
    assert study.name not in ("default", "")
    assert study.cells


def test_the_smoke_study_is_a_small_one() -> None:
    small = build(load(REPOSITORY / "config.yaml", REPOSITORY / "config" / "smoke.yaml"))
    assert small.name == "smoke"
    assert "moke" in small.config["report"]["title"]["en"]
    for part in small.models:
        epochs = sum(cell.parameters["epochs"] for cell in {c.key: c for c in part.cells}.values())
        assert part.replicates * epochs <= 400


@pytest.mark.parametrize("title", ["A study", {"en": "A study"}, {"de": "Studie", "zh": "研究"}])
def test_a_title_is_a_text_or_one_in_each_of_some_languages(title: Any) -> None:
    document = shipped()
    document["report"]["title"] = title
    assert resolve(document)["report"]["title"] == title


def test_every_shipped_study_has_its_title_in_both_languages() -> None:
    for variant in (None, *sorted((REPOSITORY / "config").glob("*.yaml"))):
        config = load(REPOSITORY / "config.yaml", *([variant] if variant else []))
        assert set(config["report"]["title"]) == {"en", "zh"}, variant


def test_defaults_are_filled() -> None:
    document = shipped()
    full = resolve(document)
    bare = {name: document[name] for name in ("study", "models")}
    title = {"title": schema()["properties"]["report"]["properties"]["title"]["default"]}
    assert resolve(bare) == {**full, "report": {**full["report"], **title}}
    assert all(
        axis["with"] == {}
        for axis in full["models"]["cnn"]["axes"].values()
        if "depth" not in axis["with"]
    )


def test_resolving_changes_nothing_twice_and_not_its_argument() -> None:
    document = shipped()
    before = yaml.safe_dump(document)
    once = resolve(document)
    assert yaml.safe_dump(document) == before
    assert resolve(once) == once
    assert once["models"]["cnn"]["axes"]["dropout"]["values"] == [0, 0.2, 0.4, 0.6, 0.8]
    assert normalise(once) == once


def test_filled_defaults_are_not_shared() -> None:
    bare = {name: shipped()[name] for name in ("study", "models")}
    first = resolve(bare)
    first["data"]["mirrors"]["kmnist"].append("file:///x")
    first["report"]["title"] = "changed"
    second = resolve(bare)
    assert second["data"]["mirrors"]["kmnist"] == []
    assert second["report"]["title"] != "changed"


def test_variants_merge_as_mappings() -> None:
    merged = merge({"a": {"b": 1, "c": 2}, "d": [1]}, {"a": {"c": None}, "d": [2]})
    assert merged == {"a": {"b": 1, "c": None}, "d": [2]}
