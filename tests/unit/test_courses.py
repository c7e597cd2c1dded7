"""What a learning curve says, on curves made by hand."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ablation.results.courses import MEASURES, course, courses_table
from hypothesis import given
from hypothesis import strategies as st

NAN = math.nan


def facts(
    validation: Any, train: Any = None, accuracy: Any = None, rate: Any = None
) -> dict[str, float]:
    """The measures of one curve; what is left out is flat."""
    n = len(validation)
    columns = {
        "epoch": range(1, n + 1),
        "train_loss": [1.0] * n if train is None else train,
        "val_loss": validation,
        "val_accuracy": [NAN] * n if accuracy is None else accuracy,
        "learning_rate": [0.1] * n if rate is None else rate,
    }
    return course({name: np.array(list(own), dtype=float) for name, own in columns.items()})


def swinging(n: int, factor: float = 1.5) -> list[float]:
    """Up and down by a factor, each epoch."""
    return [8.0 if i % 2 else 8.0 * factor for i in range(n)]


def test_oscillation_is_read_before_the_rate_is_first_cut() -> None:
    # Four epochs at the first rate: three changes by log 1.5; then all is calm.
    validation = [*swinging(4), *[8.0] * 36]
    cut = [0.1] * 4 + [0.01] * 20 + [0.001] * 16
    assert facts(validation, rate=cut)["early_change"] == pytest.approx(math.log(1.5))
    # The fifth epoch is the first at the lower rate: its jump by log 10 does not count.
    jump = [*swinging(4), 80.0, *[8.0] * 35]
    assert facts(jump, rate=cut)["early_change"] == pytest.approx(math.log(1.5))
    later = [0.1] * 5 + [0.01] * 35
    expected = (3 * math.log(1.5) + math.log(10)) / 4
    assert facts(jump, rate=later)["early_change"] == pytest.approx(expected)


def test_oscillation_is_read_in_the_first_half_at_most() -> None:
    # Ten of twenty epochs: nine changes by log 1.5.
    calm = [*swinging(10), *[8.0] * 10]
    assert facts(calm)["early_change"] == pytest.approx(math.log(1.5))
    wild = [*[8.0] * 10, *swinging(10)]
    assert facts(wild)["early_change"] == 0
    # A cut in the second half changes nothing, and a rise of the rate is no cut.
    assert facts(calm, rate=[0.1] * 15 + [0.01] * 5)["early_change"] == pytest.approx(math.log(1.5))
    assert facts(calm, rate=[0.01] * 3 + [0.1] * 17)["early_change"] == pytest.approx(math.log(1.5))
    # Of three epochs the half is one: two are looked at.
    assert facts([1.0, 2.0, 9.0])["early_change"] == pytest.approx(math.log(2))


def test_a_change_is_relative_and_has_no_sign() -> None:
    # Up by 1/4, down by 1/2: mean of log 1.25 and log 2, whatever the unit.
    expected = (math.log(1.25) + math.log(2)) / 2
    for unit in (1, 1e-6):
        values = np.array([4.0, 5, 2.5, 2.5, 2.5, 2.5]) * unit
        assert facts(values)["early_change"] == pytest.approx(expected)


def test_a_rate_that_is_cut_at_once_leaves_no_oscillation_to_read() -> None:
    assert math.isnan(facts(swinging(8), rate=[0.1] + [0.01] * 7)["early_change"])
    assert math.isnan(facts([3.0])["early_change"])


def test_epochs_to_within_a_tenth_of_the_final_loss() -> None:
    # 10 % of 2 is 0.2: 2.19 is the first within it, though the loss leaves again.
    assert facts([10.0, 5.0, 2.19, 3.0, 2.21, 2.0])["epochs_to_final"] == 3
    assert facts([10.0, 5.0, 2.21, 3.0, 2.21, 2.0])["epochs_to_final"] == 6
    # Below the final loss is within it as well.
    assert facts([10.0, 1.0, 2.5, 2.0])["epochs_to_final"] == 2
    assert facts([2.0])["epochs_to_final"] == 1


@given(st.floats(1e-4, 0.3), st.integers(15, 200), st.floats(1e-3, 1e3))
def test_the_end_of_an_exponential_decay(rate: float, n: int, start: float) -> None:
    curve = start * np.exp(-rate * np.arange(n))
    assert facts(curve)["end_change"] == pytest.approx(math.exp(-rate * n / 10) - 1, rel=1e-6)


def test_the_end_is_the_last_fifth_and_a_tenth_of_all_its_unit() -> None:
    # 100 epochs: the last 20 fall by 1 % each; per ten epochs that is 0.99¹⁰ − 1 = −0.095618.
    end = 5 * 0.99 ** np.arange(20)
    for before in (np.full(80, 5.0), np.linspace(900, 5, 80)):
        found = facts(np.concatenate([before, end]))["end_change"]
        assert found == pytest.approx(-0.095618, abs=1e-6)
    # Falling by 1 % an epoch, then by 2 %: a line through all twenty lies between the two.
    mixed = np.concatenate([np.ones(80), 0.99 ** np.arange(10), 0.99**9 * 0.98 ** np.arange(1, 11)])
    assert -0.183 + 0.02 < facts(mixed)["end_change"] < -0.0956 - 0.02
    # What still falls in the fifth before and is flat then has settled; a rise is positive.
    flat = np.concatenate([np.full(60, 9.0), 9 * 0.9 ** np.arange(20), np.ones(20)])
    assert facts(flat)["end_change"] == pytest.approx(0, abs=1e-12)
    assert facts(np.concatenate([np.ones(80), 1.01 ** np.arange(20)]))[
        "end_change"
    ] == pytest.approx(1.01**10 - 1)


def test_a_jitter_is_not_taken_for_a_trend() -> None:
    # A line through twenty points, not the last against the first.
    curve = np.concatenate([np.ones(80), [1.5], np.ones(18), [0.8]])
    logs = np.log(curve[80:])
    x = np.arange(20) - 9.5
    slope = float(np.sum(x * logs) / np.sum(x**2))
    found = facts(curve)["end_change"]
    assert found == pytest.approx(math.expm1(10 * slope))
    assert abs(found) < abs((0.8 / 1.5) ** (10 / 19) - 1)


def test_a_short_course_has_an_end_of_three_epochs() -> None:
    # Ten epochs: their fifth is two, three are taken; per tenth of training is per epoch.
    assert facts([*[9.0] * 7, 4.0, 2.0, 1.0])["end_change"] == pytest.approx(-0.5)
    assert math.isnan(facts([2.0, 1.0])["end_change"])


def test_ratios_of_the_last_epoch() -> None:
    found = facts([4.0, 2.0, 1.0, 1.5, 3.0], train=[4.0, 1.0, 0.5, 0.3, 0.2])
    assert found["final_ratio"] == pytest.approx(15)
    assert found["rise"] == pytest.approx(3)
    assert found["train_loss_5"] == pytest.approx(0.2)
    assert found["best_val_loss"] == 1
    assert facts([4.0, 2.0, 1.0])["rise"] == 1
    assert math.isnan(facts([4.0, 2.0, 1.0, 1.0])["train_loss_5"])
    assert facts([1.0] * 7, train=[9, 8, 7, 6, 5, 4, 3])["train_loss_5"] == 5


def test_the_accuracy_is_that_of_the_lowest_loss_and_changes_in_points() -> None:
    found = facts([3.0, 1.0, 2.0, 4.0, 1.0, 5.0], accuracy=[0.5, 0.9, 0.7, 0.99, 0.8, 0.1])
    assert found["best_val_accuracy"] == 0.9  # the first of two lowest, whose parameters are kept
    # The first three of six: up by 0.4, down by 0.2.
    assert found["accuracy_change"] == pytest.approx(0.3)
    # It is not cut short by the schedule.
    found = facts([1.0] * 6, accuracy=[0.5, 0.9, 0.7] * 2, rate=[0.1] + [0.01] * 5)
    assert found["accuracy_change"] == pytest.approx(0.3)


def test_a_regression_has_no_accuracy() -> None:
    found = facts([3.0, 2.0, 1.0])
    assert math.isnan(found["best_val_accuracy"])
    assert math.isnan(found["accuracy_change"])


def test_a_course_that_ends_in_nan() -> None:
    found = facts([4.0, 3.0, NAN, NAN, NAN, NAN], train=[4.0, 3.0, 9.0, NAN, NAN, NAN])
    assert {name for name, value in found.items() if not math.isnan(value)} == set()
    # Of twenty epochs the first ten are sound: what needs no others is there.
    late = facts([*swinging(10), *[NAN] * 10], train=[2.0] * 10 + [NAN] * 10)
    assert late["early_change"] == pytest.approx(math.log(1.5))
    assert late["train_loss_5"] == 2
    for name in ("epochs_to_final", "end_change", "final_ratio", "rise", "best_val_loss"):
        assert math.isnan(late[name]), name


def test_no_accuracy_is_read_where_the_loss_is_none() -> None:
    found = facts([4.0, 3.0, NAN, NAN], accuracy=[0.5, 0.6, 0.1, 0.1])
    assert math.isnan(found["best_val_loss"])
    assert math.isnan(found["best_val_accuracy"])


def test_losses_of_exactly_zero() -> None:
    found = facts([1.0, 0.0, 0.0, 0.0, 0.0], train=[1.0, 0, 0, 0, 0])
    for name in ("early_change", "end_change", "final_ratio", "rise"):
        assert math.isnan(found[name]), name
    assert (found["best_val_loss"], found["train_loss_5"]) == (0, 0)


def history(key: str, replicate: int, validation: Any, model: str = "m") -> pd.DataFrame:
    n = len(validation)
    return pd.DataFrame(
        {"model": model, "key": key, "replicate": replicate, "epoch": range(1, n + 1),
         "train_loss": [1.0] * n, "val_loss": validation, "val_accuracy": [NAN] * n,
         "learning_rate": [0.1] * n}
    )  # fmt: skip


GRADIENTS = pd.DataFrame(
    [
        ("m", "a", 0, epoch, layer, norm)
        for epoch, norms in ((0, [2, *[99] * 9, 5]), (10, [7, *[99] * 9, 1]))
        for layer, norm in enumerate(norms, 1)
    ]
    + [("m", "a", 1, 0, 2, 4.0), ("m", "a", 1, 0, 1, 1.0), ("m", "b", 0, 9, 1, 1.0)],
    columns=["model", "key", "replicate", "epoch", "layer", "norm"],
)


def test_one_row_per_model_cell_and_replicate() -> None:
    epochs = pd.concat(
        [
            history("a", 0, [8.0, 4.0, 2.0]),
            history("a", 1, [8.0, 2.0, 4.0]).iloc[::-1],  # in whatever order
            history("b", 0, [1.0, NAN, NAN]),
            history("a", 0, [1.0, 1.0, 1.0], model="other"),
        ]
    )
    found = courses_table(epochs, GRADIENTS)
    assert list(found.columns) == ["model", "key", "replicate", *MEASURES]
    places = list(found[["model", "key", "replicate"]].itertuples(index=False, name=None))
    assert places == [("m", "a", 0), ("m", "a", 1), ("m", "b", 0), ("other", "a", 0)]
    assert found["rise"].tolist()[:2] == [1, 2]
    assert found["best_val_loss"].tolist()[:2] == [2, 2]
    assert math.isnan(found["rise"][2])


def test_gradients_of_the_first_layer_over_the_last_at_the_initial_weights() -> None:
    epochs = pd.concat([history("a", 0, [1.0]), history("a", 1, [1.0]), history("b", 0, [1.0])])
    found = courses_table(epochs, GRADIENTS)["gradient_ratio"].tolist()
    # Of eleven layers 2/5, not those of later epochs; layers sort by number, in whatever order; none at epoch 0.
    assert found[:2] == pytest.approx([2 / 5, 1 / 4])
    assert math.isnan(found[2])


def test_without_epochs_there_are_no_rows() -> None:
    found = courses_table(history("a", 0, []), GRADIENTS)
    assert len(found) == 0
    assert list(found.columns) == ["model", "key", "replicate", *MEASURES]


def test_every_measure_is_made_and_its_scale_fits() -> None:
    made = set(facts([3.0, 2.0, 1.0])) | {"gradient_ratio"}
    assert made == set(MEASURES)
    # A trend and what accuracies do may be 0 or less; the others are positive.
    linear = {name for name, log in MEASURES.items() if not log}
    assert linear == {"end_change", "best_val_accuracy", "accuracy_change"}
