"""A replicate that is taken home predicts what the study wrote down, and comes from nothing that is damaged."""

from pathlib import Path

import pandas as pd
import pytest
import torch
from ablation.replicate import load_replicate, load_test_part
from ablation.store.entries import StoreError
from ablation.store.files import write_json
from unit_stored import Make


@pytest.mark.parametrize("model", ["fnn", "cnn"])
@pytest.mark.parametrize("study", ["", "smoke"])
def test_a_replicate_that_is_taken_home(stored: Make, model: str, study: str) -> None:
    """It predicts on its own test part what the study wrote down, whichever study's folder it comes from."""
    own, results = stored(model), f"results/{study}".rstrip("/")
    own.evaluate()
    own.show(results)
    table = pd.read_csv(own.output / "predictions.csv")
    for r in (0, 5):
        network = load_replicate(own.cell.name, r, results)
        assert not network.training
        inputs, targets = load_test_part(own.cell.name, r, results)
        with torch.no_grad():
            outputs = network(inputs)
        rows = table[table["replicate"] == r]
        if model == "fnn":
            assert targets.tolist() == pytest.approx(rows["target"].tolist())
            predicted = outputs.flatten().tolist()
            assert predicted == pytest.approx(rows["prediction"].tolist(), rel=1e-4)
        else:
            assert targets.tolist() == rows["label"].tolist()
            assert (outputs.argmax(1).numpy() == rows["predicted"].to_numpy()).mean() > 0.97


def test_a_replicate_that_is_not_there(stored: Make) -> None:
    own = stored("fnn")
    with pytest.raises(StoreError, match=r"has no metrics\.json"):
        load_replicate(own.cell.name, 0)
    own.evaluate()
    own.show()
    for replicate in (6, -1):
        with pytest.raises(IndexError, match="there are 0 to 5"):
            load_replicate(own.cell.name, replicate)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("change", ["number", "evaluation", "key", "torn"])
def test_a_copy_that_is_not_the_stores_is_refused(stored: Make, change: str) -> None:
    own = stored("fnn")
    document = own.evaluate()
    target = own.show()
    if change == "number":
        document["replicates"][0]["mse"] += 1e-9
    elif change == "torn":
        document = "torn"  # type: ignore[assignment]
    else:
        document[change] = "0" * 16
    write_json(target, document)
    for take in (load_replicate, load_test_part):
        with pytest.raises(StoreError, match=f"run snakemake {target}$"):
            take(own.cell.name, 0)


@pytest.mark.parametrize(
    ("stage", "name"),
    [("train", "model.safetensors"), ("prepare", "test.safetensors"), ("prepare", "train.safetensors"),
     ("evaluate", "metrics.json"), ("evaluate", "predictions.csv"), ("evaluate", "manifest.json")],
)  # fmt: skip
def test_nothing_is_taken_from_a_damaged_entry(stored: Make, stage: str, name: str) -> None:
    own = stored("fnn")
    own.evaluate()
    target = own.show()
    (folder,) = Path("results/store", stage).iterdir()
    flip(folder / name)
    damaged = {"train": [load_replicate]}
    makes = target if stage == "evaluate" else folder / "manifest.json"
    for take in damaged.get(stage, [load_replicate, load_test_part]):
        with pytest.raises(StoreError) as refused:
            take(own.cell.name, 0)
        assert str(refused.value) == f"{folder} is missing or damaged: run snakemake {makes}"
        assert not folder.exists(), "out of the way of what makes it again"
