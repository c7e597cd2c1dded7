"""Which comparisons a model has, and on which axis each is judged."""

from collections import Counter

from ablation.statistics.families import Comparison, comparisons_of, pair_name
from ablation.store.document import AxisDocument
from unit_document import axis_of, plain_cell


def axis(name: str, reference: str, **keys: str) -> AxisDocument:
    cells = [plain_cell(label=label, key=key) for label, key in keys.items()]
    return axis_of(name, reference=reference, cells=cells)


DEPTH = axis("depth", "two", one="k1", two="base", eight="k8")
KERNEL = axis("kernel", "five", three="k3", five="base")


def test_every_cell_against_the_reference_of_its_axis() -> None:
    found = comparisons_of([DEPTH, KERNEL])
    assert list(found.values()) == [
        Comparison("k1", "base", "depth"),
        Comparison("k8", "base", "depth"),
        Comparison("k3", "base", "kernel"),
    ]
    assert [one.name for one in found.values()] == list(found)
    assert Counter(one.axis for one in found.values()) == {"depth": 2, "kernel": 1}


def test_a_pair_on_two_axes_is_one_comparison_of_the_first() -> None:
    grid = axis("grid", "a", a="base", b="k8", c="k3", d="new")
    found = comparisons_of([DEPTH, KERNEL, grid])
    assert Counter(one.axis for one in found.values()) == {"depth": 2, "kernel": 1, "grid": 1}
    assert found[pair_name("base", "k8")].axis == "depth"
    assert found[pair_name("new", "base")] == Comparison("new", "base", "grid")
    # Who comes first judges.
    assert Counter(one.axis for one in comparisons_of([grid, DEPTH, KERNEL]).values()) == {
        "grid": 3,
        "depth": 1,
    }


def test_a_pair_that_another_axis_has_the_other_way_round_is_the_same() -> None:
    mirrored = axis("mirrored", "eight", two="base", eight="k8", new="k9")
    found = comparisons_of([DEPTH, mirrored])
    assert pair_name("base", "k8") == pair_name("k8", "base")
    assert found[pair_name("base", "k8")] == Comparison("k8", "base", "depth")
    assert found[pair_name("k9", "k8")] == Comparison("k9", "k8", "mirrored")
    assert len(found) == 3


def test_the_reference_under_another_label_is_no_comparison() -> None:
    found = comparisons_of([axis("dropout", "none", none="base", zero="base", half="k5")])
    assert list(found.values()) == [Comparison("k5", "base", "dropout")]


def test_one_cell_under_two_labels_is_compared_once() -> None:
    found = comparisons_of([axis("dropout", "none", none="base", half="k5", also="k5")])
    assert Counter(one.axis for one in found.values()) == {"dropout": 1}


def test_names_do_not_run_into_one_another() -> None:
    assert pair_name("a", "bc") != pair_name("ab", "c")
