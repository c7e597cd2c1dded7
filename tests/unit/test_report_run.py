"""All of a page that may differ between two runs of the same key stands in one block."""

from __future__ import annotations

import copy
import json
import re

import pytest
from report.sample import Sample, page, sample

BLOCK = re.compile(r"<section id=\"run\" data-run>.*?</section>", re.DOTALL)


def another_run(made: Sample) -> Sample:
    """The same numbers, made on another machine, from another commit, at another time, after a kill."""
    other = copy.deepcopy(made)
    for number, cell in enumerate(
        cell for model in other.study["models"] for axis in model["axes"] for cell in axis["cells"]
    ):
        if cell["environment"]:
            cell["environment"] |= {"cpu": f"Another CPU {number % 2}", "git_commit": "f" * 40}
            cell["environment"] |= {"git_dirty": True, "torch": "3.0"}
        cell["finished_at"] = "2027-02-28T12:00:00Z"
        cell["log"] = ["resumed after epoch 51"]
    costs = ["seconds", "cpu_seconds", "peak_memory_bytes", "samples_per_second"]
    other.tables["cells"][costs] *= 1.7
    for claim in other.claims["claims"]:
        for part in claim["parts"]:
            for step in part.get("steps", [part]):
                if step.get("cost_ratio"):
                    step["cost_ratio"] *= 1.7
    return other


@pytest.fixture(scope="module")
def pages() -> tuple[str, str]:
    made = sample(failed=("cnn/kernel_9",))
    return page(made), page(another_run(made))


@pytest.mark.promise(18)
def test_two_runs_of_one_key_give_the_same_page_but_for_one_block(pages: tuple[str, str]) -> None:
    one, two = pages
    assert one != two
    assert [len(BLOCK.findall(html)) for html in pages] == [1, 1]
    assert BLOCK.sub("", one) == BLOCK.sub("", two)


def test_the_block_says_it_all(pages: tuple[str, str]) -> None:
    (block,) = BLOCK.findall(pages[1])
    texts = (
        "Another CPU 1",
        "PyTorch 3.0",
        "f" * 40 + "+",
        "resumed after epoch 51",
        "February 28, 2027",
    )
    for text in texts:
        assert text in block
        assert text not in BLOCK.sub("", pages[1])
    assert "were not all trained alike" in block
    assert re.search(r"Claim 19: training took [\d.]+ times as long with ", block)
    (data,) = re.findall(r'id="run-data">(.*?)</script>', block)
    assert len(json.loads(data)) > 20


def test_a_drawer_leads_to_how_its_cell_was_made(pages: tuple[str, str]) -> None:
    rest, (block,) = BLOCK.sub("", pages[0]), BLOCK.findall(pages[0])
    led = re.findall(r'<a href="#(run-[^"]+)">', rest)
    assert led
    assert set(led) == set(re.findall(r'<details class="cell run" id="([^"]+)">', block))
