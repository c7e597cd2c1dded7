"""Export a finished study: its tables, its figures, and all of it as an RO-Crate."""

from __future__ import annotations

import logging
import os
import re
import tempfile
import zipfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from ablation.machine.provenance import REVISION, git_state
from ablation.results.frames import read_tables
from ablation.stages.job import Inputs, Spec, entry_of
from ablation.store.document import StudyDocument
from ablation.store.download import TORCHVISION
from ablation.store.entries import Entry, read_spec
from ablation.store.files import write_text
from ablation.store.keys import key_of
from ablation.store.places import PROJECT
from ablation.study.parts import workflow_files

log = logging.getLogger("ablation")
IMAGE = {"name": "hw1", "tag": "latest", "registry": "localhost"}
SOFTWARE = ("python", "snakemake", "torch", "numpy")
README = """# {title}

`report.html` is the report, `tables/` and `figures/` are for papers, `results/` holds the numbers of every configuration,
`config.yaml` is the resolved configuration file, and `ro-crate-metadata.json` says what each file is and what it was made from.

To run the study again: `pip install --require-hashes -r requirements.txt`, then `snakemake --cores 8`.
"""
MOMENT = (1980, 1, 1, 0, 0, 0)  # of every file in an archive: the same content is the same bytes


def export_tables(spec: Spec, inputs: Inputs, draft: Path, facts: dict[str, Any]) -> None:
    """Write every table as CSV and Parquet, and every comparison as LaTeX."""
    from pyarrow import parquet

    from ablation.export import latex
    from ablation.export import tables as tidy
    from ablation.language.words import Words

    collected = entry_of(inputs, "collect")
    study, comparisons, frames = read_tables(collected.folder)
    name = study.name
    compared = tidy.comparisons_frame(study, comparisons)
    frames = {**frames, "comparisons": compared}
    for kind, frame in frames.items():
        _write_csv(tidy.typed(frame), draft / f"{kind}.csv")
        table = tidy.parquet_table(
            kind, frame, tidy.metric_units(study), {"study": name, "key": collected.key}
        )
        parquet.write_table(table, draft / f"{kind}.parquet")
    _write_csv(tidy.summary_frame(compared), draft / "summary.csv")
    words = Words.of(spec["language"])
    note = f"% Study {name}, made from {collected.key}. Needs \\usepackage{{booktabs}}"
    note += " and, for its Chinese words, XeLaTeX with ctex." if spec["language"] == "zh" else "."
    note += "\n"
    for model in study.models:
        place = latex.Place(model.name, comparisons["confidence"], words.about(model))
        for axis in model.axes:
            stem = f"{model.name}_{axis.name}"
            rows = tidy.axis_frame(compared, model.name, axis.name)
            _write_csv(rows, draft / f"{stem}.csv")
            text = latex.axis_table(comparisons["models"][model.name], axis, place)
            write_text(draft / f"{stem}.tex", note + text)
    summary = latex.summary_table(study, comparisons, words)
    write_text(draft / "summary.tex", note + summary)


def _write_csv(frame: pd.DataFrame, path: Path) -> None:
    write_text(path, frame.to_csv(index=False, lineterminator="\n"))


def export_figures(spec: Spec, inputs: Inputs, draft: Path, facts: dict[str, Any]) -> None:
    """Draw the figures of a model once more, as files of their own."""
    from ablation.export.figures import files
    from ablation.figures.model import draw
    from ablation.language.words import Words
    from ablation.stages.plot import read_predictions

    logging.getLogger("fontTools").setLevel(logging.WARNING)  # it tells of every glyph
    study, comparisons, frames = read_tables(entry_of(inputs, "collect").folder)
    predictions = read_predictions(study.model(spec["model"]), inputs)
    draws = entry_of(inputs, "draws").read("draws.json")["models"][spec["model"]]

    def drawn(language: str, serialise: Any) -> dict[str, Any]:
        return draw(
            study,
            comparisons,
            frames,
            predictions,
            model=spec["model"],
            palette=spec["palette"],
            words=Words.of(language, "figure"),
            draws=draws,
            serialise=serialise,
        )

    for name, content in files(drawn, spec["language"]).items():
        (draft / name).write_bytes(content)


def _below(folder: Path) -> Iterable[Path]:
    """All files below a folder but Snakemake's own."""
    return sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.startswith("."))


def export_crate(spec: Spec, inputs: Inputs, draft: Path, facts: dict[str, Any]) -> None:
    """Pack the study as an RO-Crate, as a folder and as a zip of it."""
    from ablation.export.crate import Contents, build, place_of
    from ablation.language.words import chosen

    study = StudyDocument.from_plain(entry_of(inputs, "collect").read("study.json"))
    software = {
        name: sorted({facts[name] for facts in study.environments() if facts.get(name)})
        for name in SOFTWARE
    }
    report = entry_of(inputs, "report").folder / "report.html"
    ended = datetime.fromtimestamp(int(report.stat().st_mtime), UTC).isoformat()
    state = git_state(PROJECT)
    commit = state["git_commit"] or f"sha256:{spec['workflow']}"
    evaluated = inputs["evaluate"]
    title = chosen(spec["config"]["report"]["title"], "en") or ""  # a crate is described in English
    sources = {
        model.data["dataset"]: chosen(model.words.get("source"), "en") or ""
        for model in study.models
    }
    crate = draft / "ro-crate"
    with tempfile.TemporaryDirectory(prefix="ablation-crate-") as scratch:
        config = Path(scratch) / "config.yaml"
        text = yaml.safe_dump(spec["config"], sort_keys=False, allow_unicode=True)
        config.write_text(text, encoding="utf-8")
        readme = Path(scratch) / "README.md"
        heading = re.sub(
            r"[\\`*_\[\]<>&]", r"\\\g<0>", title
        )  # a text, whatever Markdown makes of its signs
        readme.write_text(README.format(title=heading), encoding="utf-8")
        contents = Contents(
            title=title,
            study=study.name,
            key=key_of(spec),
            ended=ended,
            workflow=[
                *((PROJECT / path, path.as_posix()) for path in workflow_files()),
                *(
                    (Path(file), place_of(Path(file), f"own/{Path(file).name}"))
                    for file in spec["own"]
                ),
            ],
            readme=readme,
            config=config,
            raw=[_raw(raw, sources) for raw in spec["raw"]],
            report=report,
            outputs={
                "tables": (
                    "Tables of the comparisons: CSV, LaTeX and Parquet",
                    _packed(entry_of(inputs, "export_tables"), "tables"),
                ),
                "figures": (
                    "Figures: SVG and PDF",
                    [
                        file
                        for key, entry in inputs["export_figures"].items()
                        for file in _packed(entry, f"figures/{read_spec(key)['model']}")
                    ],
                ),
                "results": (
                    "The numbers of every configuration",
                    [
                        (evaluated[key].folder / "metrics.json", f"results/{cell}/metrics.json")
                        for cell, key in spec["cells"].items()
                    ],
                ),
            },
            software=software,
            version=f"{commit}-dirty" if state["git_dirty"] else commit,
            image=IMAGE,
            in_image=REVISION in os.environ,
            agent=spec["config"]["export"]["agent"],
        )
        build(contents).write(crate)
    pack(crate, draft / f"{crate.name}.zip")


def _packed(entry: Entry, place: str) -> list[tuple[Path, str]]:
    return [(entry.folder / name, f"{place}/{name}") for name in entry.files]


def _raw(raw: dict[str, Any], sources: dict[str, str]) -> Any:
    from ablation.export.crate import Raw

    facts = {name: raw[name] for name in ("dataset", "name", "sha256")}
    facts["source"] = sources.get(raw["dataset"], "")
    if raw["embedded"]:
        return Raw(**facts, path=Path(raw["path"]))
    import torchvision.datasets

    mirror = getattr(torchvision.datasets, TORCHVISION[raw["dataset"]]).mirrors[0]
    return Raw(**facts, url=mirror.rstrip("/") + "/" + raw["name"])


def pack(folder: Path, archive: Path) -> None:
    """Put a folder into a zip archive; the same files give the same bytes."""
    with zipfile.ZipFile(archive, "w") as zipped:
        for path in _below(folder):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), MOMENT)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            zipped.writestr(entry, path.read_bytes())
