"""Numbers as they are printed: single runs, published runs, checks and medians."""

from __future__ import annotations

import re
from html import unescape

import numpy as np
import pytest
from ablation.language.metrics import columns, possible_pair
from report.sample import Sample, judged_again, only, page, row, sample
from unit_page import text_of

RUN = r"between ([\d.]+)(?: %)? and ([\d.]+)(?: %)? with"


def summary(made: Sample, axis: str, label: str) -> dict:
    """The tested metric of one cell, as compared."""
    (model,) = made.study["models"]
    compared = made.comparisons["models"][model["model"]]
    (own,) = (one for one in model["axes"] if one["axis"] == axis)
    (key,) = (cell["key"] for cell in own["cells"] if cell["label"] == label)
    found: dict = compared["cells"][key][compared["metric"]]
    return found


def table_beside(made: Sample) -> str:
    """The table beside the course report."""
    html = page(made)
    table = html[html.index('<table class="published data">') :]
    return table[: table.index("</table>")]


def published(made: Sample, head: str) -> str:
    """The first line of a value in that table."""
    rows = re.findall(r"<tr.*?</tr>", table_beside(made), re.S)
    return text_of(next(row for row in rows if f">{head}</a>" in row))


@pytest.mark.parametrize(
    ("model", "axis", "reference", "kind", "scale"),
    [("fnn", "activation", "relu", "same_data", 1), ("cnn", "kernel", "5", "other_data", 100)],
)
def test_one_run_is_predicted_as_beside_the_course_report(model, axis, reference, kind, scale):
    """The course report's images are not of our pool of 5,000, its rows of Boston are ours."""
    made = only(sample(), model, axis)
    prediction = summary(made, axis, reference)["prediction"]
    bounds = [scale * end for end in prediction[kind]]
    other = [scale * end for end in prediction[{"same_data": "other_data"}.get(kind, "same_data")]]
    said = [float(end) for end in re.findall(RUN, text_of(page(made)))[0]]
    assert said == pytest.approx(bounds, abs=0.051)
    assert said != pytest.approx(other, abs=0.051)
    beside = re.findall(r"\[([\d.]+), ([\d.]+)\]", published(made, reference))[0]
    assert [float(end) for end in beside] == pytest.approx(bounds, abs=0.006)


def test_no_interval_of_a_metric_leaves_what_the_metric_can_be():
    outside = [(0.943, 1.004), (-0.1, 0.2), None]
    assert columns("accuracy", [0.97, 0.05, None], outside, [""] * 3)[1][0].text == "[94.3, 100.0]"
    assert possible_pair("accuracy", outside[1]) == (0, 20)
    assert possible_pair("mse", (3, 400)) == (3, 400)
    assert possible_pair("r2", (-0.5, 1.2)) == (-0.5, 1)
    assert possible_pair("accuracy", None) is None
    gap = columns("accuracy", [0.9], [(0.8, 1.02)], [""], sign=True)[1][0].text
    assert gap == "[+80, +102]"  # a difference may


def test_on_data_that_the_course_report_did_not_have_one_run_is_predicted_for_ours():
    made = only(sample(), "cnn", "kernel")
    made.study["models"][0]["data"]["dataset"] = "kmnist"
    said = [float(end) for end in re.findall(RUN, text_of(page(made)))[0]]
    bounds = summary(made, "kernel", "5")["prediction"]["same_data"]
    assert said == pytest.approx([100 * end for end in bounds], abs=0.051)


def learning_rate() -> Sample:
    return only(sample(), "fnn", "learning_rate")


def test_a_run_of_theirs_where_ours_diverged_is_counted():
    """Each published run counts once, by the tested metric, the diverged ones too."""
    text = text_of(page(learning_rate()))
    k = re.findall(r"Of 8 published runs, (\d) are compatible with ours: their test MSE", text)
    assert k == [str(text_of(table_beside(learning_rate())).count("yes") // 3)]
    assert "Runs that trained where half of our replicates or more diverged: 1." in text
    assert "Runs that diverged as ours did: 1." in text
    assert "diverged where ours trained" not in text
    assert "both diverged" in text and "only ours diverged" in text


def test_a_run_of_theirs_that_diverged_where_ours_did_not_is_counted():
    made = learning_rate()
    rows = made.tables["replicates"]
    numbers = ["status", *rows.columns[rows.columns.get_loc("mse") :]]
    source = rows.loc[rows["label"] == "0.01", numbers].to_numpy()
    rows.loc[rows["label"] == "0.1", numbers] = source
    cells = made.tables["cells"]
    cells.loc[cells["label"] == "0.1", ["n_ok", "n_diverged"]] = [24, 0]
    text = text_of(page(judged_again(made)))
    assert "Of 8 published runs," in text
    assert "Runs that diverged where ours trained: 1." in text
    assert "trained where all of our" not in text
    assert "as ours did" not in text
    assert "only theirs diverged" in text


def test_medians_are_not_rounded_to_the_even_number():
    made = only(sample(), "cnn", "kernel")
    rows = made.tables["replicates"]
    rows.loc[rows["label"] == "3", "best_epoch"] = [8.0] * 6 + [9.0] * 6
    rows.loc[rows["label"] == "7", "best_epoch"] = [9.0] * 6 + [10.0] * 6
    found = table_of(made, "other metrics, training and cost")
    assert (found["3"][-3], found["7"][-3]) == ("8.5", "9.5")


def table_of(made: Sample, caption: str) -> dict[str, list[str]]:
    """Value → the numbers of its row, in the table with that caption."""
    html = page(made)
    table = html[html.index(f"{caption}</caption>") :]
    table = table[: table.index("</table>")]
    rows = re.findall(r"<tr>.*?</tr>", table[table.index("<tbody>") :], re.S)
    return {
        re.findall(r">([^<]*)</a>", each)[0]: [
            unescape(text) for text in re.findall(r'<td class="num">([^<]*)</td>', each)
        ]
        for each in rows
    }


def test_every_p_has_one_format():
    made = only(sample(), "fnn", "activation")
    row(made, "activation", "tanh")["sign_flip"] |= {"p": 0.00049, "smallest_p": 0.0002}
    row(made, "activation", "sigmoid")["sign_flip"] |= {"p": 0.0124, "smallest_p": 0.00051}
    found = table_of(made, "checks and noise")
    assert found["tanh"][3:5] == ["<0.001", "<0.001"]
    assert found["sigmoid"][3:5] == ["0.012", "0.001"]


def test_what_could_have_been_detected_is_said_per_row():
    """Rows of one factor differ in spread, so one number per factor would be wrong of most."""
    made = only(sample(), "cnn", "dropout")
    sizes = {"0.2": 0.0103, "0.4": 0.0211, "0.6": 0.0067, "0.8": 0.0145}
    own = {label: row(made, "dropout", label)["detectable"] for label in sizes}
    assert len(set(own.values())) == 4
    for label, size in sizes.items():
        row(made, "dropout", label)["detectable"] = size
    found = {label: numbers[2] for label, numbers in table_of(made, "checks and noise").items()}
    assert found == {"0.2": "1.0", "0.4": "2.1", "0.6": "0.67", "0.8": "1.5"}
    assert "this axis could be expected to detect" not in text_of(page(made))


def test_the_detectable_difference_follows_the_spread_of_its_row():
    """In the tested metric's unit, at the level of the family and with 80 % power."""
    made = only(sample(), "cnn", "dropout")
    rows = [row(made, "dropout", label) for label in ("0.2", "0.4", "0.6", "0.8")]
    ratios = [found["detectable"] / found["spread"]["used"] for found in rows]
    assert ratios == pytest.approx([ratios[0]] * 4)
    assert np.ptp([found["detectable"] for found in rows]) > 0
