"""The forest plot: one row per value; the right words for every verdict; the best setting."""

from __future__ import annotations

import re

import pytest
from ablation.report.summary import ticks
from ablation.statistics.verdicts import Reason, Verdict
from report.sample import Sample, judged_again, lose, only, page, row, sample
from unit_page import text_of


def activation() -> Sample:
    return only(sample(), "fnn", "activation")


def summary_of(html: str) -> str:
    return html[html.index('<table class="effects">') : html.index('<section id="reading">')]


def rows_of(html: str) -> list[str]:
    return re.findall(r'<th scope="row"><a[^>]*>([^<]*)</a>', summary_of(html))


def test_every_value_but_the_reference_is_a_row_under_its_axis():
    made = only(sample(), "cnn", "kernel", "pooling")
    html = page(made)
    assert summary_of(html).count('class="group"') == 2
    assert sorted(rows_of(html)) == ["3", "7", "9", "average"]


def test_rows_stand_by_size_and_those_without_a_number_last():
    made = only(sample(), "fnn", "learning_rate")
    for label, size in {"0.1": None, "0.01": 0.0, "0.001": 0.5, "0.0001": -9.0}.items():
        row(made, "learning_rate", label)["difference"] = size
    assert rows_of(page(made)) == ["0.0001", "0.001", "0.1"]


def test_axes_stand_by_their_largest_effect_and_grids_last():
    made = only(sample(), "cnn", "kernel", "pooling", "depth", "dropout_by_batchnorm")
    order = [one["axis"] for one in made.comparisons["models"]["cnn"]["ranking"]]
    assert order[-1] == "dropout_by_batchnorm"
    sizes = {one["axis"]: one["size"] for one in made.comparisons["models"]["cnn"]["ranking"]}
    assert sizes["dropout_by_batchnorm"] > max(sizes[name] for name in order[:-1])
    found = re.findall(r'rowgroup"[^>]*><a href="#cnn-([\w-]+)"', page(made))
    assert found == [name.replace("_", "-") for name in order]


PLAIN = {"verdict": Verdict.NOT_TESTED, "reason": Reason.FEW_PAIRS, "settle": None, "scored": None,
         "within_margin": False, "below_margin": False, "n_diverged": 0, "n_collapsed": 0,
         "difference": -4.0, "difference_interval": [-6.0, -2.0], "ratio": 0.65,
         "ratio_interval": [0.5, 0.8], "difference_level": 0.975, "p_adjusted": 0.01}  # fmt: skip
NUMBERS = "test MSE −35 [−50, −20] %, that is −4.0 [−6.0, −2.0] (1000 USD)² (97.5 % CI"
MARGIN = "−17 to +20 %"
CASES: dict[str, tuple[dict, str]] = {
    "better": ({"verdict": Verdict.BETTER}, f"tanh is better than relu: {NUMBERS}, adjusted p 0.0"),
    "worse": ({"verdict": Verdict.WORSE}, f"tanh is worse than relu: {NUMBERS}, adjusted p 0.010)"),
    "within": (
        {"verdict": Verdict.BETTER, "within_margin": True, "below_margin": True},
        f"The whole CI lies within the equivalence margin ({MARGIN}): statistically significant but",
    ),
    "below": (
        {"verdict": Verdict.BETTER, "below_margin": True},
        f"The estimate is smaller than the equivalence margin ({MARGIN}).",
    ),
    "broken": (
        {"verdict": Verdict.WORSE, "difference_interval": None, "ratio_interval": None},
        "tanh is worse than relu: the median of the paired differences in test MSE is −35 %, "
        "that is −4.00 (1000 USD)² (adjusted p 0.010).",
    ),
    "equivalent": (
        {"verdict": Verdict.EQUIVALENT},
        "tanh is practically equivalent to relu: the 97.5 % CI of the difference, −35 [−50, −20] %",
    ),
    "open": (
        {"verdict": Verdict.INCONCLUSIVE, "settle": {"replicates": 48, "as": "difference"}},
        "about 48 replicates would make the comparison of tanh conclusive.",
    ),
    "inconclusive": (
        {"verdict": Verdict.INCONCLUSIVE},
        "tanh against relu: inconclusive (−35 [−50, −20] %, that is −4.0 [−6.0, −2.0]",
    ),
    "hopeless": (
        {"verdict": Verdict.INCONCLUSIVE, "settle": {"replicates": None, "as": None}},
        "more replicates of the same data would not lead to a conclusion on tanh.",
    ),
    "only without": (
        {"verdict": Verdict.INCONCLUSIVE, "reason": Reason.DIVERGED, "n_diverged": 3},
        "tanh against relu: inconclusive, because the conclusion changes when diverged replicates are",
    ),
    "diverged": ({"n_diverged": 3}, "tanh: 3 of 24 replicates diverged."),
    "collapsed": (
        {"n_collapsed": 3},
        "tanh: 3 of 24 replicates do no better than predicting the mean of their own",
    ),
    "scored": (
        {"scored": {"n_scored": 3, "difference": 9.0, "ratio": 1.8, "p_adjusted": 0.2,
                    "verdict": Verdict.INCONCLUSIVE}},
        "scored as predicting the mean of their split: tanh: +9.0 (1000 USD)², inconclusive.",
    ),
    **{
        reason: ({"reason": reason}, sentence)
        for reason, sentence in {
            Reason.NO_REFERENCE: "tanh: not tested, because the reference level, relu, has no replicate to compare with.",
            Reason.IDENTICAL: "tanh and relu are identical: the factor changes nothing.",
            Reason.ZERO: "tanh: not tested, because it or relu has an exact zero, which has no ratio.",
            Reason.NO_SPREAD: "tanh: not tested, because its difference from relu is the same in every",
        }.items()
    },
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_every_verdict_has_its_sentence(case):
    change, sentence = CASES[case]
    made = activation()
    row(made, "activation", "tanh").update({**PLAIN})
    before = text_of(page(made))
    assert "tanh: not tested, because fewer than 5 pairs with relu are complete." in before
    row(made, "activation", "tanh").update(change)
    after = text_of(page(made))
    assert sentence in after, case
    assert sentence not in before


def test_every_verdict_and_reason_has_a_case():
    verdicts = {change.get("verdict", Verdict.NOT_TESTED) for change, _ in CASES.values()}
    assert verdicts == set(Verdict) - {Verdict.FAILED, Verdict.REFERENCE}
    reasons = {change.get("reason", Reason.FEW_PAIRS) for change, _ in CASES.values()}
    assert reasons == set(Reason)


def section(html: str, name: str) -> str:
    start = html.index(f'<section id="{name}" class="axis">')
    return html[start : html.index("</section>", start)]


def test_a_comparison_on_two_axes_says_one_p_one_interval_and_where_it_is_judged():
    made = judged_again(sample())
    html = page(only(made, "cnn", "dropout", "batchnorm", "dropout_by_batchnorm"))
    simple, grid = section(html, "cnn-batchnorm"), section(html, "cnn-dropout-by-batchnorm")
    (own,) = re.findall(r"<tr>(?:(?!</tr>).)*?>on</a>.*?</tr>", simple, re.S)[:1]
    (other,) = re.findall(
        r"<tr>(?:(?!</tr>).)*?>dropout rate 0, with batch normalisation</a>.*?</tr>", grid, re.S
    )[:1]
    numbers = [
        re.findall(r'<td class="num">([^<]*)</td>', each)[-3:] for each in (own, other)
    ]  # difference, interval, p
    assert numbers[0] == numbers[1]
    assert len(numbers[0]) == 3 and numbers[0][1].startswith("[")
    assert "judged under Batch normalisation" in text_of(other)
    assert "judged under" not in text_of(own)
    sentence = re.findall(r"0, with batch normalisation against [^(]*\(([^;]*; the [\d.]+ %)", text_of(grid))  # fmt: skip
    assert sentence[0] in text_of(simple)  # the level too


def test_the_best_setting_comes_first_with_what_cannot_be_told_from_it():
    made = activation()
    (model,) = made.comparisons["models"].values()
    best = model["best"]
    best |= {"cell": "fnn/activation_tanh", "indistinguishable": ["fnn/activation_relu"]}
    text = text_of(page(made))
    assert re.search(r"Lowest mean validation loss \([\d.]+\): activation tanh; test MSE", text)
    assert "Statistically indistinguishable from it: the baseline configuration." in text
    best["indistinguishable"] = ["fnn/activation_relu", "fnn/activation_sigmoid"]
    assert "indistinguishable from it: all other configurations." in text_of(page(made))
    best["indistinguishable"] = []
    assert "It differs significantly from every other configuration." in text_of(page(made))


def test_a_long_list_of_ties_says_how_many_more_and_lists_them():
    made = sample()
    best = made.comparisons["models"]["cnn"]["best"]
    n = len(best["indistinguishable"])
    assert n > 6
    assert f"and {n - 5} others (listed below)." in text_of(page(made))


def test_a_best_setting_that_diverged_at_times_says_so():
    made = lose(only(sample(), "fnn", "activation"), "fnn/activation_relu", 3)
    assert made.comparisons["models"]["fnn"]["best"]["cell"] == "fnn/activation_relu"
    assert "It diverged in 1 of 24 replicates, which are not in these means." in text_of(page(made))


@pytest.mark.parametrize("reach", [0.3, 1.0, 2.4, 18.0, 240.0])
def test_ticks_are_round_symmetric_and_inside(reach):
    found = ticks(reach)
    places = [tick["place"] for tick in found]
    assert places == sorted(places)
    assert 1 < min(places) < 50 < max(places) < 99
    assert {tick["text"] for tick in found} >= {"0"} or {"0.0", "0.00"} & {
        tick["text"] for tick in found
    }
    assert len({tick["text"] for tick in found}) == len(found)
    assert 3 <= len(found) <= 9
    assert all(abs(a + b - 100) < 0.02 for a, b in zip(places, places[::-1], strict=True))
