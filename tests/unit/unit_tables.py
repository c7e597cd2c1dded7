"""The tables of an invented study in a folder of results, as a run shows them."""

from pathlib import Path

from ablation.store.entries import write_manifest
from ablation.store.files import sha256, write_json
from report.sample import Sample


def tables_of(made: Sample, results: Path) -> Path:
    """Write every table of a study below its folder of results; the folder of the tables."""
    tables = results / "tables"
    tables.mkdir(parents=True)
    for name, content in (("study", made.study), ("comparisons", made.comparisons)):
        write_json(tables / f"{name}.json", content)
    for name, table in made.tables.items():
        table.to_csv(tables / f"{name}.csv", index=False)
    write_manifest(tables, {path.name: sha256(path) for path in tables.iterdir()})
    return tables
