"""One reader of configurations: what it takes, and the one sentence for what it does not, whichever command is given."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ablation.cli import main
from ablation.study.config import ConfigError
from ablation.study.reading import load, load_study, overrides_of, read, require_plain, undotted
from conftest import REPOSITORY

SHIPPED = REPOSITORY / "config.yaml"
NETWORK = """
from torch import nn

PARAMETERS = {"width": {"type": "integer", "minimum": 1, "default": 64}}

class Net(nn.Module):
    def __init__(self, inputs, outputs, *, width=64):
        super().__init__()
        self.layer = nn.Linear(inputs[0], width)
"""
TITLE = "report: {title: 研究}\nstudy: {name: own}\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(content: str | bytes) -> Path:
    path = Path("mine.yaml")
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def over(content: str | bytes) -> dict[str, Any]:
    return load(SHIPPED, written(content))


@pytest.mark.parametrize(
    "content",
    [
        TITLE,
        b"\xef\xbb\xbf" + TITLE.encode(),
        TITLE.replace("\n", "\r\n"),
        '{"report": {"title": "研究"}, "study": {"name": "own"}}',
        b"\xef\xbb\xbf" + b'{"report":\t{"title": "\\u7814\\u7a76"},\r\n "study": {"name": "own"}}',
    ],
    ids=["plain", "byte order mark", "line ends", "JSON", "JSON of another editor"],
)
def test_spellings_of_one_configuration(content: str | bytes) -> None:
    config = over(content)
    assert (config["report"]["title"], config["study"]["name"]) == ("研究", "own")


def test_an_empty_file_changes_nothing() -> None:
    assert over("# nothing\n") == load(SHIPPED)


@pytest.mark.parametrize(
    ("written_as", "title"),
    [
        (r'"\ud83d\ude00 x"', "😀 x"),
        ("😀 x", "😀 x"),
        ("1e5", "1e5"),
        ("'off'", "off"),
        ("'007'", "007"),
    ],
)
def test_a_title_is_the_text_that_is_meant(written_as: str, title: str) -> None:
    assert over(f"report: {{title: {written_as}}}")["report"]["title"] == title


def test_what_yaml_brings_in_may_be_written_over() -> None:
    text = "a: &a {title: a, language: zh}\nreport: {<<: *a, title: b}\n"
    assert read(written(text))["report"] == {"title": "b", "language": "zh"}


def test_an_override_has_the_type_that_the_schema_wants() -> None:
    texts = [
        "models={fnn: {replicates: 12, parameters: {learning_rate: 1e-3}}}",
        "report={title: 1e5}",
    ]
    config = load(SHIPPED, overrides=overrides_of(texts))
    assert config["models"]["fnn"]["replicates"] == 12
    assert config["models"]["fnn"]["parameters"]["learning_rate"] == 0.001
    assert config["report"]["title"] == "1e5"


@pytest.mark.parametrize(
    "entries",
    [
        ["models.fnn.recipe.epochs=3", "models.fnn.axes.depth_at_0.01.with={width: 8}"],
        ["models={fnn.recipe.epochs: 3, fnn.axes.depth_at_0.01.with.width: 8}"],
        ["models.fnn={parameters: {epochs: 3}, axes: {depth_at_0.01: {with: {width: 8}}}}"],
        ["models.fnn.recipe.epochs=2", "models.fnn.axes={depth_at_0.01: {with: {width: 8}}}",
         "models.fnn.recipe.epochs=3"],
    ],
)  # fmt: skip
def test_an_override_may_be_dotted(entries: list[str]) -> None:
    found = load(SHIPPED, overrides=overrides_of(entries))["models"]["fnn"]
    assert found["parameters"]["epochs"] == 3
    assert found["axes"]["depth_at_0.01"]["with"] == {"width": 8}
    assert found["axes"]["depth_at_0.01"]["values"] == [1, 2, 8]
    assert found["parameters"]["batch_size"] == 32


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("models.fnn.recipe.epochs=3", "models={fnn.recipe.epochs: 3}"),
        ("models.fnn.axes.depth_at_0.01=", "models={fnn.axes.depth_at_0.01: null}"),
        ("models.cnn.parameters.channels=[4, 8]", 'models={cnn.parameters.channels: ["4", "8"]}'),
        ("report.title=a, b", 'report={title: "a, b"}'),
        ("data.mirrors.mnist=[file:///x]", 'data={mirrors: {mnist: ["file:///x"]}}'),
        ("compute.precision=fp32", 'compute={precision: "fp32"}'),
        ("study={seed: 1}", "study={seed: 1}"),
        ("study.seed", "study.seed"),
    ],
)
def test_a_dotted_override_is_told_to_snakemake_as_a_mapping(entry: str, said: str) -> None:
    from snakemake.cli import parse_config

    assert undotted([entry]) == [said]
    if "=" in entry:
        assert overrides_of([said]) == parse_config([said])
        assert load(SHIPPED, overrides=parse_config([said])) == load(
            SHIPPED, overrides=overrides_of([entry])
        )


@pytest.mark.parametrize("entry", ["models.=3", ".a=3", "a", "models..fnn=3", "models fnn=3"])
def test_what_names_no_key_is_no_override(entry: str) -> None:
    with pytest.raises(ConfigError, match=r"allowed is KEY=VALUE\.$"):
        overrides_of([entry])


def test_an_unknown_dotted_key_is_named_in_full() -> None:
    with pytest.raises(ConfigError, match=r"^models\.fnn\.recipe\.epoch is not a known key"):
        load(SHIPPED, overrides=overrides_of(["models.fnn.recipe.epoch=3"]))


ALONE = """
inherit: false
study: {name: alone, seed: 1}
models: {mine: {network: mlp, data: diabetes, replicates: 6, axes: {width: {values: [64, 8]}}}}
"""


def test_a_variant_may_start_from_nothing() -> None:
    config = over(ALONE)
    assert list(config["models"]) == ["mine"]
    assert config == load(written(ALONE))
    assert config["report"]["title"] != load(SHIPPED)["report"]["title"]
    assert config["statistics"]["tested"] == {"mine": {"metric": "mse", "margin_ratio": 1.2}}
    assert "inherit" not in config
    later = Path("later.yaml")
    later.write_text("models: {mine: {replicates: 12}}", encoding="utf-8")
    assert load(SHIPPED, written(ALONE), later)["models"]["mine"]["replicates"] == 12


def test_inherit_is_true_or_false() -> None:
    assert over("inherit: true") == load(SHIPPED)
    with pytest.raises(ConfigError) as refused:
        over("inherit: none")
    assert str(refused.value) == "mine.yaml: inherit is 'none': allowed is true or false."


def test_a_variant_names_its_study() -> None:
    path = written("models: {fnn: {replicates: 12}}")
    with pytest.raises(ConfigError) as refused:
        load_study([path])
    assert str(refused.value) == (
        "mine.yaml names no study, so its report would take the place of the default one: "
        "write study: {name: mine} into it."
    )
    assert load_study([path], overrides_of(["study.name=other"]))["study"]["name"] == "other"
    named = Path("named.yaml")
    named.write_text("study: {name: named}", encoding="utf-8")
    assert load_study([named, path])["study"]["name"] == "named"
    assert load_study([])["study"]["name"] == load_study([SHIPPED])["study"]["name"] == "default"


def test_the_own_configuration_is_no_variant(here: Path) -> None:
    own = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    own["models"]["fnn"]["replicates"] = 12
    (here / "config.yaml").write_text(yaml.safe_dump(own), encoding="utf-8")
    assert load_study([])["models"]["fnn"]["replicates"] == 12


def test_a_file_is_named_from_the_folder_of_its_configuration(here: Path) -> None:
    (here / "sub").mkdir()
    (here / "sub" / "net.py").write_text(NETWORK, encoding="utf-8")
    variant = here / "sub" / "mine.yaml"
    text = "study: {name: mine}\nmodels: {fnn: {network: 'net.py:Net', axes: {width: {values: [64, 8]}}}}"
    variant.write_text(text, encoding="utf-8")
    assert load(SHIPPED, variant)["models"]["fnn"]["network"] == "sub/net.py:Net"
    there = overrides_of(["models.fnn.network=sub/net.py"])
    assert load(SHIPPED, variant, overrides=there)["models"]["fnn"]["network"] == "sub/net.py"


def test_another_network_takes_the_parameters_and_axes_of_the_old_one_along() -> None:
    Path("net.py").write_text(NETWORK, encoding="utf-8")
    config = over("models: {cnn: {network: net.py, axes: {width: {values: [64, 8]}}}}")
    found, before = config["models"]["cnn"], load(SHIPPED)["models"]["cnn"]
    assert set(found["axes"]) == {"augmentation", "optimizer", "width"}
    kept = {name: before["parameters"][name] for name in ("share", "dataset", "epochs")}
    assert {name: found["parameters"][name] for name in kept} == kept
    assert not {"depth", "kernel", "channels"} & found["parameters"].keys()
    assert over("models: {cnn: {network: convnet}}")["models"]["cnn"] == before


def test_other_data_take_their_parameters_and_axes_along() -> None:
    shares = "axes: {share: {values: [0.05, 0.7]}}, parameters: {dataset: mnist, test: official}"
    Path("first.yaml").write_text(f"models: {{cnn: {{{shares}}}}}", encoding="utf-8")
    text = "models: {cnn: {data: digits}}"
    found = load(SHIPPED, Path("first.yaml"), written(text))["models"]["cnn"]
    assert "share" not in found["axes"] and "kernel" in found["axes"]
    assert (found["parameters"]["share"], found["parameters"]["test"]) == (1, "drawn")
    assert "dataset" not in found["parameters"]
    houses = over("models: {fnn: {data: diabetes}}")["models"]["fnn"]
    assert houses == {**load(SHIPPED)["models"]["fnn"], "data": "diabetes"}


TWICE = "models:\n  fnn:\n    axes:\n      depth: {values: [1]}\n      depth: {values: [2]}\n"
MISTAKES = {
    "twice": (
        TWICE,
        "mine.yaml has the key 'depth' twice in one mapping, in lines 4 and 5: each is allowed once.",
    ),
    "twice in JSON": (
        '{"report": {"title": "a"}, "report": {}}',
        "mine.yaml has the key 'report' twice in one mapping.",
    ),
    "GBK": (
        TITLE.encode("gbk"),
        "mine.yaml is of another encoding from line 1 on: allowed is UTF-8.",
    ),
    "UTF-16": (TITLE.encode("utf-16"), "mine.yaml is UTF-16: allowed is UTF-8."),
    "half a pair": (
        "study: {name: mine}\n" r'report: {title: "\ud83d x"}',
        "report.title holds half a surrogate pair: allowed are whole characters.",
    ),
    "control": (
        "study: {name: mine}\n" r'report: {title: "a\tb"}',
        r"report.title holds the control character '\t': allowed is text in one line.",
    ),
    "list": ("- 1\n", "mine.yaml holds no mapping: allowed is a configuration."),
    "text": ("only words\n", "mine.yaml holds no mapping: allowed is a configuration."),
    "invalid": ("a: 1\nb: [\n", "mine.yaml is not valid YAML in line 3."),
    "a raw zero": ("a: \x00\n", "mine.yaml is not valid YAML."),
    "deep": ("[" * 5000, "mine.yaml is nested too deeply."),
    "missing": (None, "none.yaml cannot be read: No such file or directory."),
    "folder": (None, ". cannot be read: Is a directory."),
}


@pytest.mark.parametrize("command", ["plan", "run", "verify", "prune"])
@pytest.mark.parametrize("name", MISTAKES)
def test_every_command_refuses_in_the_same_sentence(
    name: str, command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    content, said = MISTAKES[name]
    path = {"missing": "none.yaml", "folder": "."}.get(name) or str(written(content or ""))
    monkeypatch.setattr(sys, "argv", ["ablation", command, "--configfile", path])
    assert main() == 2
    assert capsys.readouterr().err == f"{said}\n"


@pytest.mark.parametrize("folder", ["/a/two\nlines", "/a/\x1b[2J", "/a/\x7f", "/a/\udcff"])
def test_a_folder_that_no_line_can_name_is_refused(folder: str) -> None:
    with pytest.raises(ConfigError, match="has a control character in its name"):
        require_plain("/fine", folder)


def test_any_other_folder_is_plain() -> None:
    require_plain("/a `b'c\"d$HOME;touch x&(e{f}#g%h é研究 😀")
