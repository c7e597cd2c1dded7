"""A finished study for Python: its tables as data frames, its networks as plain modules.

Every table and file is compared with its digest before it is read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from ablation.export.tables import comparisons_frame
from ablation.results.bundle import BundleError, checked_tables
from ablation.results.frames import read_tables
from ablation.store.document import StudyDocument
from ablation.store.entries import RESULTS
from ablation.store.places import PROJECT
from ablation.tasks.task import METRICS

if TYPE_CHECKING:
    from torch import Tensor, nn

PLACE = ["cell", "model", "axis", "label", "key"]
HISTORY = ["train_loss", "val_loss", "val_accuracy", "learning_rate"]


@dataclass(frozen=True, repr=False)
class FinishedStudy:
    """A finished study.

    Each table begins with ``cell``, ``model``, ``axis`` and ``label`` and ends with the cell's parameters; a parameter whose
    name the table has already is called ``parameter_<name>``. A cell that stands on two axes is there twice, under its two
    names. What a cell has no number for is missing (NaN or NA).

    Attributes:
        name: of the study.
        folder: of its results.
        cells: a row per cell: mean, standard deviation and interval of every metric, sizes, cost.
        replicates: a row per cell and replicate: its metrics.
        epochs: a row per cell, replicate and epoch: losses, validation figures, learning rate.
        comparisons: a row per cell: its difference to the reference of its axis, with interval and verdict.
    """

    name: str
    folder: Path
    cells: pd.DataFrame = field(compare=False)
    replicates: pd.DataFrame = field(compare=False)
    epochs: pd.DataFrame = field(compare=False)
    comparisons: pd.DataFrame = field(compare=False)

    def __repr__(self) -> str:
        return f"<study {self.name!r} in {self.folder}: {len(self.cells)} cells>"

    def network(self, cell: str, replicate: int) -> nn.Module:
        """A trained network in evaluation mode; it takes the inputs of :meth:`test_part`.

        Raises:
            ValueError: if there is no such cell.
            IndexError: if there is no such replicate.
            StoreError: if the cell failed, or its files are missing or damaged.
        """
        from ablation.replicate import load_replicate

        return load_replicate(self._checked_name(cell), replicate, self.folder)

    def test_part(self, cell: str, replicate: int) -> tuple[Tensor, Tensor]:
        """The standardised inputs and the targets that a replicate was tested on. Raises as :meth:`network` does."""
        from ablation.replicate import load_test_part

        self._require_replicate(cell, replicate)
        return load_test_part(cell, replicate, self.folder)

    def history(self, cell: str, replicate: int) -> pd.DataFrame:
        """What a training told after each epoch: epoch → losses, validation figures and learning rate; empty if it failed.

        Raises:
            ValueError: if there is no such cell.
            IndexError: if there is no such replicate.
        """
        self._require_replicate(cell, replicate)
        of_cell = self.epochs[self.epochs["cell"] == cell]
        told = [name for name in HISTORY if of_cell[name].notna().any()]
        of_replicate = of_cell[of_cell["replicate"] == replicate]
        return of_replicate.set_index("epoch")[told].sort_index()

    def _checked_name(self, cell: str) -> str:
        names = list(self.cells["cell"])
        if cell not in names:
            near = get_close_matches(cell, names, n=3) or names[:3]
            raise ValueError(
                f"{cell} is no cell of study {self.name}; the nearest are {', '.join(near)}."
            )
        return cell

    def _require_replicate(self, cell: str, replicate: int) -> None:
        count = int((self.replicates["cell"] == self._checked_name(cell)).sum())
        if count and not 0 <= replicate < count:
            raise IndexError(f"replicate {replicate} of {cell}: there are 0 to {count - 1}")


def load(study: str | Path = "default") -> FinishedStudy:
    """A finished study.

    Args:
        study: its name, as in ``study.name``; or its folder, ``results`` or ``results/<name>``. A name is looked for in
            the working directory's ``results`` and then in those of the project.

    Raises:
        BundleError: one sentence, if there is no such study, or its tables are damaged.
    """
    folder = _folder(study)
    document, comparisons, frames = read_tables(checked_tables(folder))
    places = _places(document)
    compared = comparisons_frame(document, comparisons)
    metrics = dict.fromkeys(compared["metric"])
    for metric in metrics:
        _clip(compared, compared["metric"] == metric, metric, "")
    for metric in METRICS:
        _clip(frames["cells"], slice(None), metric, f"{metric}_")
    tables = {**frames, "comparisons": _of_numpy(compared)}
    joined = {
        name: _joined(tables[name], places)
        for name in ("cells", "replicates", "epochs", "comparisons")
    }
    return FinishedStudy(document.name, folder, **joined)


def _folder(study: str | Path) -> Path:
    """The folder of results of a study."""
    path = Path(study)
    if (path / "tables").is_dir():
        return path
    roots = dict.fromkeys((RESULTS, PROJECT / RESULTS))
    for root in roots:
        folder = root if str(study) == "default" else root / study
        if (folder / "tables" / "study.json").is_file():
            return folder
    names = dict.fromkeys(name for root in roots for name in _names(root))
    there = f"there are {', '.join(names)}" if names else "none is finished"
    raise BundleError(f"{study} is no finished study and no folder of one: {there}.")


def _names(root: Path) -> list[str]:
    """The names of the finished studies in a folder of results."""
    default = ["default"] if (root / "tables" / "study.json").is_file() else []
    return default + sorted(path.parents[1].name for path in root.glob("*/tables/study.json"))


def _places(study: StudyDocument) -> pd.DataFrame:
    """A row per cell in the order of the study: its names, and its parameters as ``parameter_<name>``."""
    places = [
        (model.name, axis.name, cell) for model in study.models for axis, cell in model.places()
    ]
    parameters = dict.fromkeys(name for *_, cell in places for name in cell.parameters)
    names = [(cell.name, model, axis, cell.label, cell.key) for model, axis, cell in places]
    columns = {
        f"parameter_{name}": _column([cell.parameters.get(name) for *_, cell in places])
        for name in parameters
    }
    return pd.DataFrame(names, columns=PLACE).assign(**columns)


def _column(values: list[Any]) -> Any:
    """The values of a parameter; whole numbers and flags stay what they are where some cells have no such parameter."""
    kinds = {type(value) for value in values}
    for kind, name in ((int, "Int64"), (bool, "boolean")):
        if kinds == {kind, type(None)}:
            return pd.array(values, dtype=name)
    return pd.Series(values)


def _joined(table: pd.DataFrame, places: pd.DataFrame) -> pd.DataFrame:
    """A table with the names of the cells first and their parameters last; a row per key becomes one per cell."""
    on = ["cell"] if "cell" in table else ["model", "key"]
    own_columns = table.drop(columns=[name for name in PLACE if name in table and name not in on])
    joined = places.merge(own_columns, on=on)
    parameters = [name for name in places if name not in PLACE]
    columns = [*PLACE, *(name for name in own_columns if name not in PLACE), *parameters]
    short = {n: n.removeprefix("parameter_") for n in parameters}
    return joined[columns].rename(columns={n: s for n, s in short.items() if s not in own_columns})


def _clip(frame: pd.DataFrame, rows: Any, metric: str, prefix: str) -> None:
    """Move the bounds of a metric's intervals to the nearest value that it can take, as the report does."""
    definition = METRICS[metric]
    for bound in ("low", "high"):
        column = f"{prefix}{bound}"
        frame.loc[rows, column] = frame.loc[rows, column].clip(
            definition.lowest, definition.highest
        )


def _of_numpy(frame: pd.DataFrame) -> pd.DataFrame:
    """Real numbers as NumPy's, which every plotting library takes; whole ones and flags keep their missing values."""
    return frame.astype(dict.fromkeys(frame.select_dtypes("Float64"), float))
