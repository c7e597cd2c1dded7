"""The drawers: what a cell is, what it shows, and how to make it again."""

from __future__ import annotations

import re
import shlex

import numpy as np
import pytest
from ablation.language.words import Words
from ablation.report.drawers import cell_title, commanded, parameter_rows
from ablation.report.pictures import confusions, gallery, kernels
from report.drawers import portraits
from report.sample import CNN, only, page, sample
from unit_page import text_of

DIGITS = list("0123456789")
WORDS = Words.of("en").about(sample().document.model("cnn"))


def drawers(html: str) -> list[str]:
    return re.findall(r'<details class="cell".*?<p class="command">', html, re.S)


def test_a_cell_on_several_axes_has_one_drawer_with_all_its_verdicts():
    made = only(sample(), "cnn", "kernel", "depth")
    found = drawers(page(made))
    keys = {c["key"] for a in made.study["models"][0]["axes"] for c in a["cells"]}
    assert len(found) == len(keys) == 6
    (baseline,) = [drawer for drawer in found if "This is the baseline configuration." in drawer]
    assert baseline.count('class="chip"') == 2
    assert "Differs from the baseline configuration in: Kernel size 5 → 3." in page(made)


def test_every_row_of_a_table_leads_to_its_drawer():
    html = page(only(sample(), "cnn", "kernel"))
    ids = set(re.findall(r'<details class="cell" id="([^"]+)"', html))
    assert len(ids) == 4
    assert set(re.findall(r'href="#(cell-[^"]+)"', html)) == ids


def test_a_title_names_what_differs():
    assert cell_title(CNN, CNN, WORDS) == "the baseline configuration"
    changed = {**CNN, "kernel": 3, "batchnorm": True}
    assert cell_title(changed, CNN, WORDS) == "kernel size 3, with batch normalisation"
    shallow = {**CNN, "depth": 1, "channels": [16]}  # the channels of blocks that are there
    assert cell_title(shallow, CNN, WORDS) == "blocks 1"
    assert "channels of the blocks 8, 8" in cell_title({**CNN, "channels": [8, 8]}, CNN, WORDS)


def test_parameters_stand_beside_the_baselines():
    rows = {row["key"]: row for row in parameter_rows({**CNN, "kernel": 3}, CNN, WORDS)}
    assert (rows["kernel"]["value"], rows["kernel"]["baseline"]) == ("3", "5")
    assert [row["key"] for row in rows.values() if row["differs"]] == ["kernel"]


def test_commands_name_the_files_of_the_study():
    made = only(sample(), "cnn", "kernel")
    given = {"files": ["config/my study.yaml"], "overrides": ["study={seed: 3}"]}
    html = page(made, given=given)
    wanted = (
        "snakemake --configfile &#39;config/my study.yaml&#39; --config &#39;study={seed: 3}&#39;"
        " -- results/cnn/kernel_3/metrics.json"
    )
    assert wanted in html
    assert "make verify CELL=cnn/kernel_3" in page(made)
    own = "verify --configfile &#39;config/my study.yaml&#39; --config &#39;study={seed: 3}&#39;"
    assert f"{own} --cell cnn/kernel_3" in html


@pytest.mark.parametrize(
    ("files", "overrides"),
    [
        ([], []),
        (["config/smoke.yaml"], []),
        ([], ["a=1", "report={title: It's $HOME}"]),
        (["a.yaml", "my study.yaml"], ["b={c: 'd'}"]),
    ],
)
def test_a_command_is_what_a_shell_was_given(files, overrides):
    said = shlex.split(commanded({"files": files, "overrides": overrides}))
    options = [
        *(["--configfile", *files] if files else []),
        *(["--config", *overrides] if overrides else []),
    ]
    assert said == ["snakemake", *options, *(["--"] if options else [])]


def test_replicates_logs_and_facts_are_there():
    made = only(sample(), "fnn", "learning_rate")
    cell = made.study["models"][0]["axes"][0]["cells"][0]
    cell["log"] = ["epoch 1/2", "<script>alert(1)</script>"]
    html = page(made)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "<script>alert(1)" not in html
    text = text_of(html)
    assert "No log was kept with this configuration." in text
    assert cell["key"] in text
    assert "PyTorch 2.14.1" in text
    assert text.count("diverged diverged") == 0
    assert html.count("<td>diverged</td>") == 24  # every replicate of 0.1


def test_material_of_a_cell_is_shown():
    made = only(sample(), "cnn", "kernel")
    html = page(made, portraits=portraits(axes=("kernel",)))
    assert html.count('<ul class="gallery"') == 4
    assert html.count('<img class="kernels"') == 4
    assert html.count('<table class="matrix">') == 7  # the baseline has no difference to itself
    assert "Misclassified with the highest confidence" in text_of(html)
    bare = page(made)
    assert '<ul class="gallery"' not in bare


def test_residuals_are_shown_for_a_regression():
    html = page(only(sample(), "fnn", "activation"), portraits=portraits(axes=("activation",)))
    assert html.count("Residuals: prediction minus true value") == 3
    text = text_of(html)
    assert re.search(
        r"SD [\d.]+ × 1000 USD; [\d.]+ % of the residuals are larger in size than [\d.]+ × 10", text
    )
    assert re.search(
        r"The \d+ samples at the largest true value, 50.0 × 1000 USD, have a mean", text
    )
    assert "True value, 1000 USD" in text


def test_a_confusion_matrix_is_in_percent_and_its_difference_coloured_by_sense():
    counts = [[0] * 10 for _ in range(10)]
    counts[3][3], counts[3][5] = 30, 10
    difference = [[0.0] * 10 for _ in range(10)]
    difference[3][3], difference[3][5], difference[4] = -5.0, 5.0, [None] * 10
    found = {"counts": counts, "difference": difference}
    own, other = confusions(found, DIGITS, WORDS, is_baseline=False)["matrices"]
    assert [row["name"] for row in own["rows"]] == DIGITS
    assert [box["text"] for box in own["rows"][3]["boxes"]][3:6] == ["75.0", "", "25.0"]
    assert own["rows"][3]["boxes"][5]["kind"] == " wrong"
    assert [other["rows"][3]["boxes"][i]["kind"] for i in (3, 5)] == [" loss", " loss"]
    assert other["rows"][4]["boxes"][0]["text"] == ""
    assert len(confusions(found, DIGITS, WORDS, is_baseline=True)["matrices"]) == 1
    none = confusions(None, DIGITS, WORDS, is_baseline=False)
    assert none == {"matrices": [], "confusions": []}


def test_of_many_classes_only_the_most_frequent_confusions_are_listed():
    names = [f"class {i}" for i in range(30)]
    counts = np.diag([90] * 30)
    counts[4, 7], counts[7, 4], counts[9] = 10, 30, 0
    difference = np.zeros((30, 30))
    difference[7, 4] = 2.5
    found = {"counts": counts.tolist(), "difference": difference.tolist()}
    shown = confusions(found, names, WORDS, is_baseline=False)
    assert shown["matrices"] == []
    assert shown["confusions"] == [
        {"true": "class 7", "predicted": "class 4", "share": "25.0", "points": "+2.5"},
        {"true": "class 4", "predicted": "class 7", "share": "10.0", "points": "0.0"},
    ]
    (first, _) = confusions(found, names, WORDS, is_baseline=True)["confusions"]
    assert first["points"] == "–"


@pytest.mark.parametrize(("confidence", "said"), [(0.99999, ">99.9"), (0.5, "50")])
def test_tiles_of_the_gallery_are_cut_from_the_sprite(confidence, said):
    items = [{"true": 4, "predicted": 9, "confidence": confidence, "replicate": 2}] * 3
    found = gallery({"n_mistakes": 3, "n_predictions": 500, "columns": 2, "sprite": "data:x",
                     "items": items, "width": 14, "height": 28, "ink": True}, DIGITS, WORDS)  # fmt: skip
    assert found is not None
    assert [(tile["x"], tile["y"]) for tile in found["tiles"]] == [
        ("0%", "0%"), ("100%", "0%"), ("0%", "100%")]  # fmt: skip
    assert found["tiles"][0]["size"] == "200% 200%"
    assert (found["width"], found["height"], found["ink"]) == (28, 56, True)
    assert found["tiles"][0]["text"] == f"4 → 9, {said}\u00a0%"
    assert "3 of 500 test predictions are wrong" in found["text"]


def test_kernels_say_whose_they_are():
    found = kernels({"n": 16, "side": 5, "replicate": 3, "largest": 0.4321, "width": 47,
                     "sprite": "data:x"}, WORDS)  # fmt: skip
    assert found is not None
    assert "16 kernels of 5 × 5 weights of replicate 3" in found["text"]
    assert "0.43" in found["text"]
    assert kernels(None, WORDS) is None
