"""The summary: one row per value, the right words for every verdict, and which axis matters most."""

from __future__ import annotations

import re

import pytest
from ablation.report.summary import ticks
from report.sample import Sample, only, page, sample
from unit_page import text_of


def activation() -> Sample:
    return only(sample(), "fnn", "activation")


def row(made: Sample, label: str) -> dict:
    (model,) = made.comparisons["models"].values()
    (axis,) = model["axes"].values()
    return axis["rows"][label]


def summary_of(html: str) -> str:
    return html[html.index('<table class="effects">') : html.index('<section id="reading">')]


def test_every_value_but_the_reference_is_a_row_under_its_axis():
    made = only(sample(), "cnn", "kernel", "pooling")
    html = summary_of(page(made))
    assert html.count('class="group"') == 2
    assert re.findall(r'<th scope="row"><a[^>]*>([^<]*)</a>', html).sort() == [
        "3", "7", "9", "average"].sort()  # fmt: skip
    assert "max" not in re.findall(r'<th scope="row"><a[^>]*>([^<]*)</a>', html)


def test_rows_stand_by_size_and_diverged_ones_last():
    made = only(sample(), "fnn", "learning_rate")
    sizes = {"0.1": None, "0.01": 0.0, "0.001": 0.5, "0.0001": -9.0}
    for label, size in sizes.items():
        row(made, label)["difference"] = size
    html = summary_of(page(made))
    assert re.findall(r'<th scope="row"><a[^>]*>([^<]*)</a>', html) == ["0.0001", "0.001", "0.1"]


def test_axes_stand_by_their_share_of_variance():
    made = only(sample(), "cnn", "kernel", "pooling", "depth")
    shares = {"kernel": 0.1, "pooling": 0.8, "depth": 0.4}
    for name, share in shares.items():
        found = made.comparisons["models"]["cnn"]["axes"][name]
        found["importance"] = {**found["importance"], "omega2": share, "interval": [share / 2, 0.9]}
    html = page(made)
    assert re.findall(r'rowgroup"[^>]*><a href="#cnn-(\w+)"', html) == [
        "pooling", "depth", "kernel"]  # fmt: skip
    text = text_of(html)
    assert "Pooling moves the test accuracy most: it accounts for ω² = 0.80" in text
    for share in made.comparisons["models"]["cnn"]["axes"].values():
        share["importance"]["interval"] = [0.0, 0.9]
    assert "No axis surely moves the test accuracy" in text_of(page(made))


PLAIN = {"verdict": "cannot tell", "reason": "few pairs", "settle": None, "sensitivity": None,
         "within_margin": False, "n_diverged": 0}  # fmt: skip
CASES = {
    "better": ({"verdict": "better", "difference": -4.0, "difference_interval": [-6.0, -2.0],
                "p_adjusted": 0.01}, "tanh is better than relu: its test MSE is lower by 4.0"),
    "within": ({"verdict": "better", "difference": -1.0, "difference_interval": [-1.5, -0.5],
                "p_adjusted": 0.01, "within_margin": True},
               "The whole interval lies within the margin of ± 3.0 (1000 USD)²"),
    "worse": ({"verdict": "worse", "difference": 4.0, "difference_interval": [2.0, 6.0],
               "p_adjusted": 0.01}, "tanh is worse than relu: its test MSE is higher by 4.0"),
    "equivalent": ({"verdict": "equivalent", "difference": 0.2, "effect_size": 0.1,
                    "difference_interval": [-1.0, 1.4]},
                   "tanh: equivalent to relu within the margin of ± 3.0 (1000 USD)²"),
    "nothing": ({"verdict": "no detectable difference"},
                "No difference to relu could be detected for: tanh. A difference of"),
    "open": ({"verdict": "cannot tell", "reason": "wide interval",
              "settle": {"replicates": 48, "as": "difference"}},
             "About 48 replicates in all would settle tanh."),
    "hopeless": ({"verdict": "cannot tell", "reason": "wide interval",
                  "settle": {"replicates": None, "as": None}},
                 "No number of replicates would settle tanh"),
    "diverged": ({"verdict": "diverged", "n_diverged": 3}, "tanh diverged in 3 of 24 replicates."),
    "counted": ({"verdict": "diverged", "n_diverged": 3, "sensitivity": {
        "counted_as": "predict_mean", "n_counted": 3, "difference": 9.0, "interval": [1.0, 17.0],
        "p": 0.03}}, "the differences are: tanh +9.0 (1000 USD)² [+1.0, +17.0]."),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_every_verdict_has_its_sentence(case):
    change, sentence = CASES[case]
    made = activation()
    row(made, "tanh").update(PLAIN)
    before = text_of(page(made))
    row(made, "tanh").update(change)
    after = text_of(page(made))
    assert sentence in after, case
    assert sentence not in before


def test_the_best_setting_comes_first_with_what_cannot_be_told_from_it():
    made = activation()
    (model,) = made.comparisons["models"].values()
    best = model["best"]
    best |= {"cell": "fnn/activation_tanh", "indistinguishable": ["fnn/activation_relu"]}
    text = text_of(page(made))
    assert "Best setting by validation: activation tanh, with a test MSE of" in text
    assert "It cannot be told from: the baseline." in text
    best["indistinguishable"] = []
    assert "Every other setting without divergence can be told from it." in text_of(page(made))


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
