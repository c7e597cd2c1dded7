"""The whole data sets, as far as no 70,000 images are needed: variants, mirrors that fail, and what a user sees of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ablation.study.grid import Study, build
from ablation.study.reading import load
from workflow_project import REPOSITORY, Done, Project, prepared

CELL = "results/cnn/kernel_5/metrics.json"


def variant(name: str) -> Study:
    return build(load(REPOSITORY / "config.yaml", REPOSITORY / "config" / f"{name}.yaml"))


def test_the_whole_set() -> None:
    study = variant("full")
    (part,) = study.models
    chosen = {name: part.parameters[name] for name in ("dataset", "share", "test")}
    assert chosen == {"dataset": "mnist", "share": 1, "test": "official"}
    assert part.replicates >= 5
    assert part.parameters["epochs"] >= 15
    assert {axis.name for axis in part.axes} == {
        *("share", "depth", "kernel", "dropout", "batchnorm", "batchnorm_depth4"),
        *("augmentation", "pooling", "optimizer", "dropout_by_batchnorm"),
    }
    assert {"cnn/share_0.05", "cnn/share_1", "cnn/kernel_5"} <= set(study.by_name)
    assert study.by_name["cnn/share_1"].key == study.by_name["cnn/kernel_5"].key


def test_five_percent() -> None:
    (part,) = variant("five-percent").models
    chosen = {name: part.parameters[name] for name in ("dataset", "share", "test")}
    assert chosen == {"dataset": "mnist", "share": 0.05, "test": "drawn"}


def whole(config: dict[str, Any], mirror: str, dataset: str = "mnist") -> None:
    config["models"]["cnn"]["parameters"].update(dataset=dataset, share=0.01, test="drawn")
    config["data"]["mirrors"][dataset] = [mirror]


def no_mirror(project: Project) -> tuple[Done, list[str]]:
    """Each mirror fails in its own way: a folder that is not there, files with other bytes, no host."""
    wrong = project.path / "wrong"
    wrong.mkdir()
    for name in ("train-images", "train-labels", "t10k-images", "t10k-labels"):
        kind = "idx3" if "images" in name else "idx1"
        (wrong / f"{name}-{kind}-ubyte.gz").write_bytes(b"half a file")

    def change(config: dict[str, Any]) -> None:
        whole(config, "file:///not/there/")
        config["data"]["mirrors"]["mnist"].append(wrong.as_uri())

    project.configure(change)
    # torchvision's own mirrors are out of reach behind a proxy that is not there.
    nowhere = {f"{scheme}_proxy": "http://127.0.0.1:9" for scheme in ("http", "https")}
    done = project.snakemake(CELL, environment=nowhere)
    resources = project.path / "resources"
    return done, sorted(str(path.relative_to(resources)) for path in resources.rglob("*mnist/*"))


@pytest.mark.extended
@prepared(no_mirror)
def test_mirrors_that_fail_are_one_sentence_and_leave_nothing(
    outcome: tuple[Done, list[str]],
) -> None:
    done, files = outcome
    assert done.status == 1
    sentence = (
        "no mirror gave the files of mnist in 3 rounds (set MNIST_MIRROR or data.mirrors.mnist)"
    )
    assert done.text.count(sentence) == 1
    (line,) = (line for line in done.text.splitlines() if sentence in line)
    assert "file:///not/there/" in line
    assert "has SHA-256" in line
    assert "Traceback" not in done.text
    assert files == []


MNIST = Path(__file__).parents[2].parent / "shared" / "data" / "mnist"


def from_mirror(project: Project) -> dict[str, Any]:
    project.configure(lambda config: whole(config, "file:///not/there/"))
    project.run(CELL, environment={"MNIST_MIRROR": MNIST.as_uri()})
    view: dict[str, Any] = project.view("cnn/kernel_5")
    return view


@pytest.mark.skipif(not MNIST.is_dir(), reason="no copy of the official MNIST files is at hand")
@pytest.mark.extended
@prepared(from_mirror)
def test_one_percent_of_the_official_files(outcome: dict[str, Any]) -> None:
    assert outcome["spec"]["data"]["dataset"] == "mnist"
    sizes = [outcome["data"][f"n_{part}"] for part in ("train", "validation", "test")]
    assert sizes == [[480, 480], [120, 120], [100, 100]]
    assert len(outcome["data"]["sha256"]) == 4
