"""What a data file is written with: the arrays that its ``load`` returns, and readers of tables and images.

A data file says in literals what its data are, and loads them::

    from ablation.data import Data, table_from_csv

    TITLE, TASK, UNIT = "Leaf area", "regression", "cm²"
    FILES = {"leaves.csv": "…"}

    def load(folder: Path) -> Data:
        return table_from_csv(folder / "leaves.csv", target="area")

Every reader raises ValueError with one sentence that names the file and what is wrong in it. Nothing here imports torch.
"""

from ablation.data.arrays import Data, arrays_digest
from ablation.data.images import images_from_folder, images_from_idx
from ablation.data.tables import table_from_csv

__all__ = [
    "Data",
    "arrays_digest",
    "images_from_folder",
    "images_from_idx",
    "table_from_csv",
]
