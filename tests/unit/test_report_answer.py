"""The answer at the top of the page: what matters, what broke, what stays open, in two lines per model."""

from __future__ import annotations

import re

from ablation.claims.rules import Answer
from ablation.statistics.verdicts import Reason, Verdict
from report.sample import Sample, compared, judged_again, lose, only, page, row, sample
from unit_page import text_of


def box_of(made: Sample, language: str = "en") -> str:
    html = page(made, language=language)
    box = html[html.index('<section id="answer">') : html.index("</section>")]
    return text_of(box)


def lines_of(made: Sample) -> list[str]:
    html = page(made)
    box = html[html.index('<section id="answer">') : html.index("</section>")]
    return [text_of(line).strip() for line in re.findall(r"<li>(.*?)</li>", box, re.S)]


def two_lines_of(made: Sample) -> list[str]:
    """The lines that are not folded."""
    html = page(made)
    box = html[html.index('<section id="answer">') : html.index("</section>")]
    open_ = re.sub(r"<details.*?</details>", "", box, flags=re.S)
    return [text_of(line).strip() for line in re.findall(r"<li>(.*?)</li>", open_, re.S)]


def test_the_contradicted_claims_are_named_and_lead_to_their_rows():
    made = sample()
    made.claims["claims"][2]["answer"] = Answer.CONTRADICTED
    html = page(made)
    box = html[html.index('<section id="answer">') : html.index("</section>")]
    named = dict(re.findall(r'<a href="#(claim-\d+)">(.*?)</a>', box))
    assert named["claim-3"] == "“8 layers oscillate strongly”"
    answers = {f"claim-{claim['id']}": claim["answer"] for claim in made.claims["claims"]}
    assert set(named) == {name for name, answer in answers.items() if answer == "contradicted"}
    assert all(html.count(f'<tr id="{name}">') == 1 for name in named)


def test_without_a_contradicted_claim_none_is_named():
    made = sample()
    for claim in made.claims["claims"]:
        claim["answer"] = Answer.INCONCLUSIVE
    assert "ontradicted" not in box_of(made)


def test_the_answer_stands_first_with_two_lines_per_model_and_the_claims():
    html = page(sample())
    assert html.index('<section id="answer">') < html.index('<section id="findings">')
    assert len(two_lines_of(sample())) == 4
    assert re.search(
        r"Of \d+ claims of the course report: [^.]*\. See the table\.", box_of(sample())
    )
    assert '<a href="#claims">' in html


def test_the_largest_significant_effects_are_named_with_their_intervals():
    made = only(sample(), "fnn", "learning_rate", "activation")
    for label in ("tanh", "sigmoid"):
        row(made, "activation", label)["verdict"] = Verdict.INCONCLUSIVE
    own = row(made, "learning_rate", "0.0001")
    own |= {"verdict": Verdict.WORSE, "ratio": 1.5, "ratio_interval": [1.2, 1.9]}
    row(made, "learning_rate", "0.001")["verdict"] = Verdict.EQUIVALENT
    effect = "Learning rate = 0.0001 against 0.01: worse, +50 [+20, +90] %"
    assert lines_of(made)[0] == f"Significant effects on the test MSE: {effect}."
    own["within_margin"] = True
    assert (
        lines_of(made)[0]
        == f"Significant effects on the test MSE: {effect} (practically irrelevant)."
    )


def test_of_many_effects_the_largest_are_named_and_the_others_counted():
    made = only(sample(), "cnn", "dropout", "kernel")
    rows = [row(made, axis, label) for axis, labels in (("dropout", ("0.2", "0.4", "0.6")), ("kernel", ("3", "7")))
            for label in labels]  # fmt: skip
    for size, own in enumerate(rows):
        own |= {"verdict": Verdict.WORSE, "difference": -0.01 * (size + 1), "within_margin": False}
    row(made, "dropout", "0.8")["verdict"] = row(made, "kernel", "9")["verdict"] = (
        Verdict.INCONCLUSIVE
    )
    line = lines_of(made)[0]
    assert line.startswith(
        "Largest significant effects on the test accuracy: Kernel size = 7 against 5: worse, −5.0 ["
    )
    assert line.count(" against ") == 3
    assert line.endswith("; and 2 more.")


def test_what_broke_is_named_once_and_is_no_effect():
    made = only(sample(), "fnn", "depth_at_0.01", "learning_rate", "activation")
    first, second = lines_of(made)
    assert "Training failed in half of the replicates or more: " in second
    assert "Depth (learning rate 0.01) = 8 (4/24 diverged, 12/24 no better than a trivial" in second
    assert second.count("Learning rate = 0.1 (24/24 diverged)") == 1
    assert "= 0.1 " not in first


def test_a_grid_is_named_only_where_it_stands_alone():
    """Its largest effect adds up those of the simple axes."""
    both = only(sample(), "cnn", "pooling", "dropout_by_batchnorm")
    rows = both.comparisons["models"]["cnn"]["axes"]["dropout_by_batchnorm"]["rows"].values()
    for own in rows:
        own["verdict"] = Verdict.BETTER
    assert "batch normalisation against" not in lines_of(both)[0]
    alone = only(sample(), "cnn", "dropout_by_batchnorm")
    for own in alone.comparisons["models"]["cnn"]["axes"]["dropout_by_batchnorm"]["rows"].values():
        own |= {"verdict": Verdict.BETTER, "within_margin": False}
    assert "batch normalisation" in lines_of(alone)[0]


def total(made: Sample) -> int:
    """The comparisons that the answer counts."""
    for axis in made.comparisons["models"]["cnn"]["axes"].values():
        for own in axis["rows"].values():
            own["verdict"] = Verdict.REFERENCE if own["is_reference"] else Verdict.INCONCLUSIVE
    total, n = re.findall(r"Of (\d+) comparisons: (\d+) inconclusive\.", lines_of(made)[1])[0]
    assert n == total
    return int(total)


def test_a_comparison_on_two_axes_is_counted_once():
    """The grid repeats two comparisons of the simple axes, and has one of its own."""
    assert total(only(sample(), "cnn", "dropout", "batchnorm", "dropout_by_batchnorm")) == 6
    assert total(only(sample(), "cnn", "dropout_by_batchnorm")) == 3


def test_equivalent_and_inconclusive_comparisons_are_counted_and_named_in_the_fold():
    made = only(sample(), "cnn", "kernel", "pooling")
    row(made, "kernel", "3")["verdict"] = row(made, "kernel", "9")["verdict"] = Verdict.INCONCLUSIVE
    row(made, "kernel", "7")["verdict"] = Verdict.EQUIVALENT
    row(made, "pooling", "average").update(verdict=Verdict.NOT_TESTED, reason=Reason.FEW_PAIRS)
    _, second, names = lines_of(made)
    assert "Of 4 comparisons: 1 practically equivalent, 2 inconclusive, 1 not tested." in second
    assert names == (
        "CNN Practically equivalent: Kernel size = 7 to 5. "
        "Factors with inconclusive comparisons: Kernel size."
    )


def test_a_simple_baseline_model_that_wins_is_named():
    made = only(sample(), "fnn", "activation")
    (model,) = made.comparisons["models"].values()
    for name, own in model["yardsticks"].items():
        verdict = Verdict.WORSE if name == "ridge" else Verdict.BETTER
        own["best_against_it"] = {
            **(own["best_against_it"] or {}),
            "verdict": verdict,
            "reason": None,
        }
        own["best_against_it"] |= {
            "p_adjusted": 0.01,
            "difference": 1.0,
            "difference_interval": None,
        }
    second = lines_of(made)[1]
    assert second.count("is significantly better (test MSE") == 1
    assert "Ridge regression is significantly better" in second


def test_a_study_in_which_everything_failed_says_so():
    made = only(sample(failed=("cnn/pooling_max", "cnn/pooling_average")), "cnn", "pooling")
    for cell in made.study["models"][0]["axes"][0]["cells"]:
        cell["environment"] = None
    made.comparisons = compared(made.study, made.tables)
    first, second = lines_of(made)
    assert first == "No level has enough non-diverged replicates to measure an effect."
    assert "Pooling = max (failed); Pooling = average (failed)" in second


def test_a_study_of_ones_own_has_no_line_on_the_course_report():
    made = only(sample(), "cnn", "kernel")
    made.study["models"][0]["data"] = {**made.study["models"][0]["data"], "dataset": "kmnist"}
    assert "course report" not in box_of(made)


def test_the_answer_is_there_in_chinese():
    made = judged_again(lose(only(sample(), "fnn", "activation"), "fnn/activation_relu", 3))
    assert "主要结果" in box_of(made, "zh")
    assert not re.search(r"[A-Za-z]{6,}", box_of(made, "zh").replace("sigmoid", ""))


def test_a_single_comparison_is_said_in_the_singular():
    made = only(sample(), "cnn", "pooling")
    own = row(made, "pooling", "average")
    own |= {"verdict": Verdict.INCONCLUSIVE, "reason": None}
    assert lines_of(made)[0] == "The effect on the test accuracy is not significant."
    assert "The only comparison is inconclusive." in lines_of(made)[1]
    own |= {"verdict": Verdict.NOT_TESTED, "reason": Reason.FEW_PAIRS}
    assert "The only comparison is not tested." in lines_of(made)[1]
    own |= {"verdict": Verdict.EQUIVALENT, "reason": None}
    assert "The two levels are practically equivalent." in lines_of(made)[1]
