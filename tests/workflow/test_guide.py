"""The guide to a network and data of one's own, as a reader would follow it: its files as they stand, its commands, its report.

The files lie in a folder of their own; what needs a whole study is marked as extended.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from workflow_calls import PYTHON, ablation, call
from workflow_project import REPOSITORY, Done, Planned, Project, prepared, promise

GUIDE = REPOSITORY / "docs" / "extending.md"
FILE = re.compile(
    r"^[^`\n]*`([\w/]+\.(?:py|yaml))`[^\n]*:\n\n```\w+\n(.*?)^```", re.MULTILINE | re.DOTALL
)
FILES = ["mine.yaml", "my/gru.py", "my/pictures.py", "my/wine.py"]
PINNED = re.compile(r'FILES = \{"[^"]+": "[0-9a-f]{64}"\}')
STUDY = ("--configfile", "mine.yaml")
CELLS = ["units_8", "units_32", "layers_2", "dropout_0.5", "optimizer_sgd"]
FOREIGN = re.compile(
    r"\b(?:boston|mnist|fashion|usd|house prices?|fnn|cnn|undefined|1 comparisons|\w+\.\w+_\w+)\b",
    re.I,
)
LOAD = """
import csv, json, pathlib, ablation
study = ablation.load("mine")
cell = "digits/units_8"
network = study.network(cell, 1)
images, labels = study.test_part(cell, 1)
found = network(images).argmax(1).tolist()
entry = json.loads(pathlib.Path(f"results/mine/{cell}/metrics.json").read_text())["evaluation"]
rows = csv.DictReader(open(f"results/store/evaluate/{entry}/predictions.csv"))
stored = [int(row["predicted"]) for row in rows if row["replicate"] == "1"]
print(type(network).__name__, len(found), found == stored, list(images.shape[1:]))
"""


def write_files(folder: Path) -> None:
    """The files of the guide, the table and the pictures that its data files read."""
    from PIL import Image
    from sklearn.datasets import load_digits, load_wine

    (folder / "my").mkdir(parents=True)
    for name, text in FILE.findall(GUIDE.read_text("utf-8")):
        (folder / name).write_text(text, "utf-8")
    wine = load_wine(as_frame=True)
    table = wine.data.assign(grower=[f"grower {1 + grower}" for grower in wine.target])
    table.to_csv(folder / "my" / "wine.csv", index=False)
    digits = load_digits()
    for number, (image, digit) in enumerate(zip(digits.images[:300], digits.target, strict=False)):
        path = folder / "my" / "pictures" / str(digit) / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((image * 15).astype("uint8")).save(path)


def told(project: Project, *words: str) -> Done:
    """``python -m ablation …`` in a folder that need not hold the project."""
    workflow = str(REPOSITORY / "workflow")
    return call(project, [str(PYTHON), "-P", "-m", "ablation", *words], PYTHONPATH=workflow)


def try_and_pin(project: Project, network: str, data: str) -> list[str]:
    """What ``make check`` prints before and after the line that it asks for is in the data file."""
    words = ("try", "--network", network, "--data", data)
    first = told(project, *words).text
    path = project.path / data
    (line,) = PINNED.findall(first)
    path.write_text(path.read_text("utf-8").replace("\n\n\ndef ", f"\n{line}\n\n\ndef "), "utf-8")
    return [first, told(project, *words).text]


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[list[str]], str]:
    """A folder with nothing but the reader's files: what both checks and the plan print there."""
    folder = tmp_path_factory.mktemp("own") / "a folder"
    write_files(folder)
    project = Project(folder)
    said = [
        try_and_pin(project, "mlp", "my/wine.py"),
        try_and_pin(project, "my/gru.py", "my/pictures.py"),
    ]
    images_alone = told(project, "try", "--network", "my/gru.py", "--data", "my/wine.py").text
    return [*said, [images_alone]], told(project, "plan", *STUDY).text


def test_the_guide_names_each_of_its_files() -> None:
    found = dict(FILE.findall(GUIDE.read_text("utf-8")))
    assert sorted(found) == FILES
    assert len(GUIDE.read_text("utf-8").splitlines()) < 260
    for name in FILES[1:]:
        compile(found[name], name, "exec")


@pytest.mark.extended
def test_the_check_says_the_line_that_is_missing_and_then_what_it_finds(tried: Any) -> None:
    (wine, pictures, _), _ = tried
    asked = re.search(r"```console\n\$ make check .*?\n(.*?)…", GUIDE.read_text("utf-8"), re.S)
    assert asked is not None and asked[1] in wine[0]
    assert "Traceback" not in wine[0]
    for first, second in (wine, pictures):
        assert PINNED.search(first)
        assert second.rstrip().endswith("nothing is wrong with it"), second
    assert "trained at once, by vmap" in wine[1]
    assert "trained one by one" in pictures[1]


@pytest.mark.extended
def test_a_fault_in_a_readers_file_is_told_with_its_line(tried: Any) -> None:
    (said,) = tried[0][2]
    assert re.search(r"✗ ValueError: not enough values to unpack .* \(my/gru\.py:\d+\)\n", said)


@pytest.mark.extended
def test_a_folder_without_the_project_has_its_cells_planned(tried: Any) -> None:
    said = tried[1]
    assert "Study mine: 10 configurations, 7 of them distinct; 7 would be trained" in said
    assert all(f"digits/{cell}" in said for cell in CELLS)


# What takes minutes: the whole study, and what is done with one.


def text_of(html: str) -> str:
    """What a reader reads, without the study's data and what may differ between runs."""
    html = re.sub(r"<section data-run>.*?</section>", "", html, flags=re.S)
    html = re.sub(r"<(style|script|pre)\b.*?</\1>", "", html, flags=re.S)
    return re.sub(r"<[^>]+>", " ", html)


def changed(project: Project, change: Callable[[str], str]) -> Planned:
    """What would run with another text of the network's file, which stays as it is."""
    path = project.path / "my" / "gru.py"
    text = path.read_text("utf-8")
    path.write_text(change(text), "utf-8")
    planned = project.plan(*STUDY)
    path.write_text(text, "utf-8")
    return planned


def study(project: Project) -> dict[str, Any]:
    """All that the guide and the README do with a study, one after the other."""
    write_files(project.path)
    try_and_pin(project, "mlp", "my/wine.py")
    try_and_pin(project, "my/gru.py", "my/pictures.py")
    found: dict[str, Any] = {}
    project.run("results/mine/digits/units_8/metrics.json", *STUDY)
    found["one"] = len(list(project.path.glob("results/store/train/*")))
    project.run(*STUDY, cores=2)
    found["html"] = project.text("report-mine.html")
    found["again"] = project.plan(*STUDY)
    found["comment"] = changed(
        project, lambda text: f"# mine\n{text}".replace("super()", "super( )")
    )
    found["line"] = changed(
        project, lambda text: text.replace("Dropout(dropout)", "Dropout(dropout / 2)")
    )
    load = [str(PYTHON), "-P", "-c", LOAD]
    found["load"] = call(project, load, PYTHONPATH=str(project.path / "workflow")).text
    found["verified"] = ablation(project, "verify", "--cells", "1", *STUDY)
    shorter = ["study.name=shorter", "models.digits.recipe.epochs=2", "models.wine=null"]
    less = [f"models.digits.axes.{axis}=null" for axis in ("layers", "dropout", "optimizer")]
    found["quick"] = ablation(project, "quick", *STUDY, "--config", *shorter, *less)
    found["diff"] = ablation(project, "diff", "results/mine", "results/shorter")
    found["difference"] = project.text("diff.html")
    project.run("export", *STUDY, cores=2)
    found["exported"] = sorted(project.files("results/mine/export"))
    zh = ablation(project, "run", *STUDY, "--config", "report.language=zh")
    assert zh.status == 0, zh.text[-3000:]
    found["zh"] = project.text("report-mine.html")
    return found


@pytest.mark.extended
@prepared(study, fresh=True)
@pytest.mark.parametrize("language", ["html", "zh"])
def test_the_report_speaks_of_these_data_and_no_others(
    outcome: dict[str, Any], language: str
) -> None:
    html = outcome[language]
    said = text_of(html)
    assert sorted(set(FOREIGN.findall(said))) == []
    assert all(f"grower {number}" in said for number in (1, 2, 3))
    title = {"html": ("Recurrent network", "Digits in files"), "zh": ("循环网络", "文件中的数字")}
    assert all(each in said for each in title[language])
    heading = {"html": ("Units", "Depth", "Optimiser"), "zh": ("单元数", "深度", "优化器")}
    assert all(f">{each}</h3>" in html or f">{each}</h2>" in html for each in heading[language])
    assert html.count('<details class="cell"') == len(CELLS) + 2
    bounds = re.findall(r"\[(\d[\d.]*),\s*([\d.]+)\]", said)
    assert bounds and all(float(high) <= 100 for _, high in bounds)


@pytest.mark.extended
@prepared(study, fresh=True)
def test_one_cell_is_a_target(outcome: dict[str, Any]) -> None:
    assert outcome["one"] == 1


@pytest.mark.extended
@promise(1)
@promise(6)
@prepared(study, fresh=True)
def test_a_readers_code_trains_what_it_can_change(outcome: dict[str, Any]) -> None:
    assert outcome["again"].idle
    assert outcome["comment"].idle
    assert outcome["line"].trained == ["digits"] * len(CELLS)
    assert "prepare" not in outcome["line"].jobs


@pytest.mark.extended
@prepared(study, fresh=True)
def test_the_network_comes_back_as_the_readers_own_class(outcome: dict[str, Any]) -> None:
    assert outcome["load"].split(" ", 3) == ["GRU", "43", "True", "[1, 8, 8]\n"]


@pytest.mark.extended
@prepared(study, fresh=True)
def test_a_readers_study_is_verified_compared_and_exported(outcome: dict[str, Any]) -> None:
    assert outcome["verified"].status == 0, outcome["verified"].text
    assert "identical" in outcome["verified"].text
    assert outcome["quick"].status == 0, outcome["quick"].text
    assert outcome["diff"].status == 0, outcome["diff"].text
    assert "Units = 8" in outcome["difference"] and "Optimiser = SGD" in outcome["difference"]
    names = {Path(name).name for name in outcome["exported"]}
    assert {"summary.tex", "cells.parquet", "ro-crate-metadata.json"} <= names, names
    for file in ("my/gru.py", "my/wine.py", "my/wine.csv", "my/pictures/0/0.png", "config.yaml"):
        assert any(name.endswith(file) for name in outcome["exported"]), file
