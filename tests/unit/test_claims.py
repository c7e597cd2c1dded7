"""Which claims a study can speak to, and the file that lists all of them."""

from typing import Any

import pytest
from ablation.claims.judge import judge_claims
from ablation.claims.rules import CONFIRMED_BY
from ablation.results import published
from ablation.results.courses import MEASURES
from ablation.store.keys import label
from ablation.tasks.task import TASKS
from test_statistics_claims import THEIRS, UNTESTED, YES, claim, compared, evidence, measured

THEIR_TASKS = {name: one["task"] for name, one in published.load()["models"].items()}
PART, WHOLE = [2400, 2400], [48000, 48000]


@pytest.mark.parametrize(
    ("asked", "data", "tested"),
    [
        ("part", {"n_train": PART}, True),
        ("part", {"n_train": [2300, 2400]}, True),
        ("part", {"n_train": [1200, 1200]}, False),
        ("part", {"n_train": WHOLE}, False),
        ("whole", {"n_train": WHOLE, "dataset": "mnist"}, True),
        ("whole", {"n_train": PART}, False),
        ("any", {"n_train": [9, 9]}, True),
        ("any", {"dataset": "kmnist"}, False),
        ("part", {"dataset": "kmnist"}, False),
        ("whole", {"n_train": WHOLE, "dataset": "kmnist"}, False),
    ],
)
def test_a_claim_is_tested_on_the_amount_of_data_it_speaks_of(
    asked: str, data: dict[str, Any], tested: bool
) -> None:
    found = claim(compared("worse", "worse"), own=evidence(**data), data=asked)
    assert found["answer"] is (YES if tested else UNTESTED)
    # A part may speak of another amount than its claim.
    own = claim(compared("worse", "worse", data=asked), own=evidence(**data), data="any")
    assert own["answer"] is found["answer"]
    assert own["parts"][0]["cell"] == "worse"


def test_a_claim_on_another_task_is_not_tested() -> None:
    theirs = {"models": {"m": {**THEIRS, "task": "classification"}}}
    listed = {"id": 7, "model": "m", "parts": [{"axis": "depth", **compared("worse", "worse")}]}
    claims = {"share": 0.75, "claims": [listed]}
    (found,) = judge_claims(claims, theirs, {"m": evidence()}, confidence=0.95)
    assert found["answer"] is UNTESTED


def test_a_claim_without_a_model_or_a_published_run_is_not_tested() -> None:
    listed = {"id": 7, "model": "m", "parts": [{"axis": "depth", **compared("worse", "worse")}]}
    claims, theirs = {"share": 0.75, "claims": [listed]}, {"models": {"m": THEIRS}}
    (found,) = judge_claims(claims, theirs, {}, confidence=0.95)
    assert (found["id"], found["answer"]) == (7, UNTESTED)
    (found,) = judge_claims(claims, {"models": {}}, {"m": evidence()}, confidence=0.95)
    assert found["answer"] is UNTESTED


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"rule": "guessed", "cell": "base"}, "the rule 'guessed'"),
        (measured("higher", measure="speed"), "the measure 'speed'"),
        (
            {"rule": "replicates", "measure": "speed", "cell": "base", "at_most": 1},
            "measure 'speed'",
        ),
        ({"rule": "replicates", "event": "exploded", "cell": "base"}, "event 'exploded'"),
    ],
)
def test_an_unknown_rule_or_measure_is_refused(part: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        claim(part)


CLAIMS = published.load_claims()
PARTS = [(claim, part) for claim in CLAIMS["claims"] for part in claim["parts"]]


def test_the_course_report_has_28_claims() -> None:
    assert [one["id"] for one in CLAIMS["claims"]] == list(range(1, 29))
    assert CLAIMS["share"] == 0.75
    assert {one["model"] for one in CLAIMS["claims"]} == set(THEIR_TASKS)


def test_every_claim_speaks_both_languages() -> None:
    for one in CLAIMS["claims"]:
        for text in (one["text"], one.get("note"), one.get("untested")):
            if text is not None:
                assert set(text) == {"en", "zh"}, one["id"]
                assert all(words.strip() for words in text.values()), one["id"]
                assert any("\u4e00" <= sign <= "\u9fff" for sign in text["zh"]), one["id"]


NEEDED = {
    "compared": {"axis", "cell", "than", "says"},
    "ordered": {"axis", "cells"},
    "measured": {"measure", "axis", "cell", "than", "says"},
    "replicates": {"axis", "cell"},
    "published": {"axis", "cell", "value"},
}
ALLOWED = {
    "compared": {"cost"},
    "replicates": {"event", "measure", "metric", "at_most", "at_least"},
}


def test_every_part_names_a_rule_with_all_that_it_reads_and_nothing_else() -> None:
    for one, part in PARTS:
        names = set(part) - {"rule", "data"}
        rule = part["rule"]
        assert NEEDED[rule] <= names <= NEEDED[rule] | ALLOWED.get(rule, set()), one["id"]
        assert one.get("data", "any") in ("any", "part", "whole")
        assert part.get("data", "any") in ("any", "part", "whole")
        if rule == "compared":
            assert part["says"] in CONFIRMED_BY.keys() - {"lower", "higher"}
        if rule == "measured":
            assert part["says"] in ("higher", "lower")
        if rule == "replicates":
            assert len(names & {"event", "measure", "metric"}) == 1, one["id"]
            assert len(names & {"event", "at_most", "at_least"}) == 1, one["id"]


def test_every_measure_metric_and_event_exists() -> None:
    for one, part in PARTS:
        assert part.get("measure", "rise") in MEASURES, one["id"]
        assert part.get("event", "diverged") == "diverged"
        if "metric" in part:
            assert part["metric"] in [
                metric.name for metric in TASKS[THEIR_TASKS[one["model"]]].metrics
            ]


def test_every_cell_is_one_of_the_default_study_or_the_claim_says_what_would_test_it(
    config: dict[str, Any],
) -> None:
    for one, part in PARTS:
        axes = config["models"][one["model"]]["axes"]
        if part["axis"] not in axes:
            assert one.get("untested"), one["id"]
            continue
        labels = {label(value) for value in axes[part["axis"]]["values"]} | {"every"}
        asked = part.get("cells", [part[name] for name in ("cell", "than") if name in part])
        assert set(asked) <= labels, one["id"]


def test_a_study_without_anything_answers_every_claim_with_not_tested() -> None:
    found = judge_claims(CLAIMS, published.load(), {}, confidence=0.95)
    assert len(found) == 28
    assert {one["answer"] for one in found} == {UNTESTED}
