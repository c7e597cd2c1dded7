"""What stands first in a model: counts of distinct comparisons, and axes in the order of what matters."""

import numpy as np
import pytest
from scipy import stats
from test_statistics_compare import (
    BASE,
    DEPTH,
    NOISE,
    TRIVIAL,
    VALUES,
    WIDTH,
    J,
    lost,
    make_axis,
    make_study,
    run,
    yardstick,
)

GRID = {
    **make_axis("grid", "a", _a="base", _b="far", _c="wide", _d="both"),
    "factors": {"x": [0, 1], "y": [0, 1]},
}
for _cell, _levels in zip(GRID["cells"], [(0, 0), (0, 1), (1, 0), (1, 1)], strict=True):
    _cell["levels"] = dict(zip("xy", _levels, strict=True))
BOTH = VALUES | {"both": BASE * 2.5 * NOISE[2]}


def test_every_comparison_is_counted_once() -> None:
    # Eight rows that are no reference, of which the grid repeats two and another axis one turned round.
    turned = make_axis("turned", "8", _2="base", _8="far")
    model = run(make_study(DEPTH, WIDTH, GRID, turned), BOTH)
    assert model["counts"] == {"worse": 2, "practically equivalent": 1, "inconclusive": 2}
    assert list(model["counts"]) == ["worse", "practically equivalent", "inconclusive"]
    rows = [row for axis in model["axes"].values() for row in axis["rows"].values()]
    assert sum(not row["is_reference"] for row in rows) == 8


def test_untested_and_failed_comparisons_are_counted_too() -> None:
    same = make_axis("same", "0", _0="base", _none="base", _5="few", _9="gone")
    values = VALUES | {"few": lost(BASE, *range(8))}
    assert run(make_study(same), values)["counts"] == {"not tested": 1, "failed": 1}


def test_axes_come_by_their_largest_effect_in_the_unit_and_grids_last() -> None:
    ranking = run(make_study(WIDTH, DEPTH, GRID), BOTH)["ranking"]
    assert [one["axis"] for one in ranking] == ["depth", "width", "grid"]
    assert [one["factorial"] for one in ranking] == [False, False, True]
    assert [one["largest"] for one in ranking] == ["1", "512", "d"]
    gaps = {name: stats.gmean(own) - stats.gmean(BASE) for name, own in BOTH.items()}
    assert ranking[0]["size"] == pytest.approx(gaps["far"])
    assert ranking[1]["size"] == pytest.approx(max(abs(gaps["wide"]), abs(gaps["wider"])))
    assert ranking[2]["size"] == pytest.approx(gaps["both"])
    assert ranking[2]["size"] > ranking[0]["size"]


def test_the_order_is_by_size_and_not_by_surety() -> None:
    # Of the width 1.4 times with a wide spread, of the depth 1.2 times with none to speak of.
    values = VALUES | {"far": BASE * 1.2 * NOISE[0], "wide": BASE * 1.4 * NOISE[7] ** 4}
    model = run(make_study(DEPTH, WIDTH), values)
    sure, unsure = model["axes"]["depth"]["rows"]["1"], model["axes"]["width"]["rows"]["9"]
    assert (sure["verdict"], unsure["verdict"]) == ("worse", "inconclusive")
    assert abs(unsure["difference"]) > abs(sure["difference"])
    assert [one["axis"] for one in model["ranking"]] == ["width", "depth"]
    # Nor is it by the sign: what lowers the error by as much matters as much.
    values["wide"] = BASE / 1.4 * NOISE[0]
    assert run(make_study(DEPTH, WIDTH), values)["ranking"][0]["axis"] == "width"


def test_axes_with_broken_cells_come_first() -> None:
    learnt_nothing = {"predict_mean": yardstick(TRIVIAL)}
    study = make_study(DEPTH, WIDTH, GRID, yardsticks=learnt_nothing)
    # Half of one cell learnt nothing; its median is still nearer to the reference than a cell of six times the error.
    half = np.where(np.arange(J) < 6, np.array(TRIVIAL), BASE * 0.5)
    ranking = run(study, BOTH | {"wider": half, "far": BASE * 6 * NOISE[0]})["ranking"]
    assert [(one["axis"], one["broken"]) for one in ranking] == [
        ("width", ["512"]),
        ("depth", []),
        ("grid", []),
    ]
    assert ranking[0]["size"] < ranking[1]["size"]
    # Of two axes with broken cells the larger effect comes first; grids stay last.
    ranking = run(study, BOTH | {"wider": half, "far": BASE * 9 * NOISE[0]})["ranking"]
    assert [(one["axis"], one["broken"]) for one in ranking] == [
        ("depth", ["1"]),
        ("width", ["512"]),
        ("grid", ["b"]),
    ]


def test_a_cell_that_always_diverged_is_broken_without_a_size() -> None:
    model = run(make_study(DEPTH, WIDTH), VALUES | {"wide": [None] * J})
    assert model["ranking"][0]["axis"] == "width"
    assert model["ranking"][0]["broken"] == ["9"]
    assert model["ranking"][0]["largest"] == "512"
    alone = run(make_study(DEPTH), {"base": BASE, "far": [None] * J, "near": [None] * J})
    assert alone["ranking"] == [
        {"axis": "depth", "factorial": False, "broken": ["1", "3"], "largest": None, "size": 0}
    ]


def test_an_axis_whose_reference_is_broken_comes_first() -> None:
    study = make_study(DEPTH, WIDTH, yardsticks={"predict_mean": yardstick(TRIVIAL)})
    model = run(study, BOTH | {"base": lost(BASE, *range(J))})
    broken = {one["axis"]: one["broken"] for one in model["ranking"]}
    for axis in (DEPTH, WIDTH):
        assert broken[axis["axis"]] == [axis["reference"]]
        rows = model["axes"][axis["axis"]]["rows"]
        reasons = {row["reason"] for row in rows.values() if not row["is_reference"]}
        assert reasons == {"no reference"}
