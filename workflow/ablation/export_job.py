"""Export a finished study: its tables, its figures, and all of it as an RO-Crate."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from ablation.download import TORCHVISION, sha256
from ablation.export.plan import CRATE, ROOT, TABLES, workflow_files
from ablation.provenance import REVISION, git_state
from ablation.store import read_json, write_json, write_text
from ablation.tables import read_tables, study_fingerprint

log = logging.getLogger("ablation")
IMAGE = {"name": "hw1", "tag": "latest", "registry": "localhost"}
SOFTWARE = ("python", "snakemake", "torch", "numpy")
README = """# {title}

`report.html` is the report, `tables/` and `figures/` are for papers, `results/` holds the numbers of every cell,
`config.yaml` every setting of the run, and `ro-crate-metadata.json` says what each file is and what it was made from.

To run the study again: `pip install --require-hashes -r requirements.txt`, then `snakemake --cores 8`.
"""
MOMENT = (1980, 1, 1, 0, 0, 0)  # of every file in an archive: the same content is the same bytes


def export(spec: dict[str, Any], tables: Path, output: Path) -> None:
    """Make one part of a study's exports, and beside its folder a manifest of what it was made from.

    Args:
        spec: of ``ablation.export.plan``; ``part`` is ``tables``, ``figures`` or ``crate``.
        tables: the folder of ``study.json``.
        output: the part's folder, made anew; its manifest is the same path with ``.json`` at its end.
    """
    makers = {"tables": _tables, "figures": _figures, "crate": _crate}
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    made = makers[spec["part"]](spec, tables, output)
    failed = read_json(tables / "study.json")["fingerprint"].startswith("failed")
    manifest = output.with_name(f"{output.name}.json")
    files = {path.relative_to(manifest.parent).as_posix(): sha256(path) for path in sorted(made)}
    write_json(manifest, {"fingerprint": study_fingerprint(spec, failed), "files": files})


def _below(folder: Path) -> Iterable[Path]:
    """All files below a folder but Snakemake's own."""
    return sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.startswith("."))


def _tables(spec: dict[str, Any], tables: Path, output: Path) -> Iterable[Path]:
    from pyarrow import parquet

    from ablation.export import latex
    from ablation.export import tables as tidy
    from ablation.report.messages import load
    from ablation.report.words import Words

    study, comparisons, frames, _ = read_tables(tables)
    fingerprint, name = study["fingerprint"], study["study"]["name"]
    compared = tidy.comparisons_frame(study, comparisons)
    frames = {**frames, "comparisons": compared}
    for kind, frame in frames.items():
        _write_csv(tidy.typed(frame), output / f"{kind}.csv")
        table = tidy.parquet_table(kind, frame, {"study": name, "fingerprint": fingerprint})
        parquet.write_table(table, output / f"{kind}.parquet")
    _write_csv(tidy.summary_frame(compared), output / "summary.csv")
    words = Words(load(spec["language"]))
    note = f"Study {name}, made from {fingerprint}. Needs \\usepackage{{booktabs}}"
    note += " and, for its Chinese words, XeLaTeX with ctex." if spec["language"] == "zh" else "."
    for entry in study["models"]:
        model = entry["model"]
        place = latex.Place(model, comparisons["confidence"], words)
        for axis in entry["axes"]:
            stem = f"{model}_{axis['axis']}"
            rows = tidy.axis_frame(compared, model, axis["axis"])
            _write_csv(rows, output / f"{stem}.csv")
            text = latex.axis_table(comparisons["models"][model], axis, place, note)
            write_text(output / f"{stem}.tex", text)
    summary = latex.summary_table(study, comparisons, words, note)
    write_text(output / "summary.tex", summary)
    return _below(output)


def _write_csv(frame: pd.DataFrame, path: Path) -> None:
    write_text(path, frame.to_csv(index=False, lineterminator="\n"))


def _figures(spec: dict[str, Any], tables: Path, output: Path) -> Iterable[Path]:
    from ablation.export.figures import files
    from ablation.figures import draw_model
    from ablation.plot_job import read_predictions
    from ablation.report.messages import load

    logging.getLogger("fontTools").setLevel(logging.WARNING)  # it tells of every glyph
    study, comparisons, frames, _ = read_tables(tables)
    predictions = read_predictions(study, spec["model"])
    draws = read_json(tables / "draws.json")["models"][spec["model"]]

    def draw(language: str, fonts: list[str], serialise: Any) -> dict[str, Any]:
        return draw_model(
            study, comparisons, frames, predictions, model=spec["model"],
            style={"palette": spec["palette"], "fonts": fonts}, messages=load(language),
            draws=draws, serialise=serialise,
        )  # fmt: skip

    for name, content in files(draw, spec["language"]).items():
        (output / name).write_bytes(content)
    return _below(output)


def _crate(spec: dict[str, Any], tables: Path, output: Path) -> Iterable[Path]:
    from ablation.export.crate import Contents, build

    exports = output.parent
    report = Path(spec["report"]["path"])
    study = read_json(tables / "study.json")
    views = {cell: Path(path) for cell, path in spec["cells"].items()}
    environments = [
        cell["environment"]
        for model in study["models"]
        for axis in model["axes"]
        for cell in axis["cells"]
        if cell["environment"]
    ]
    software = {
        name: sorted({found[name] for found in environments if found.get(name)})
        for name in SOFTWARE
    }
    state = git_state(ROOT)
    commit = state["git_commit"] or f"sha256:{spec['workflow']}"
    drawn = [name for name in spec["exports"]["names"] if name != TABLES]
    with tempfile.TemporaryDirectory(dir=exports, prefix=".crate-") as draft:
        config = Path(draft) / "config.yaml"
        text = yaml.safe_dump(spec["config"], sort_keys=False, allow_unicode=True)
        config.write_text(text, encoding="utf-8")
        readme = Path(draft) / "README.md"
        readme.write_text(README.format(title=spec["config"]["report"]["title"]), encoding="utf-8")
        contents = Contents(
            title=spec["config"]["report"]["title"],
            study=study["study"]["name"],
            key=study["fingerprint"].rpartition(" ")[2],
            ended=datetime.fromtimestamp(int(report.stat().st_mtime), UTC).isoformat(),
            workflow=[(ROOT / path, path.as_posix()) for path in workflow_files()],
            readme=readme,
            config=config,
            raw=[_raw(raw) for raw in spec["raw"]],
            report=report,
            outputs={
                "tables": ("Tables of the comparisons: CSV, LaTeX and Parquet",
                           _packed(exports / TABLES, exports)),
                "figures": ("Figures: SVG and PDF",
                            [file for name in drawn for file in _packed(exports / name, exports)]),
                "results": ("The numbers of every cell",
                            [(path, f"results/{cell}/metrics.json") for cell, path in views.items()]),
            },
            software=software,
            version=f"{commit}-dirty" if state["git_dirty"] else commit,
            image=IMAGE,
            in_image=REVISION in os.environ,
            agent=spec["config"]["export"]["agent"],
        )  # fmt: skip
        build(contents).write(output)
    archive = output.with_name(f"{CRATE}.zip")
    pack(output, archive)
    return [*_below(output), archive]


def _packed(folder: Path, exports: Path) -> list[tuple[Path, str]]:
    return [(path, path.relative_to(exports).as_posix()) for path in _below(folder)]


def _raw(raw: dict[str, Any]) -> Any:
    from ablation.export.crate import Raw

    facts = {name: raw[name] for name in ("dataset", "name", "sha256")}
    if raw["embedded"]:
        return Raw(**facts, path=Path(raw["path"]))
    import torchvision.datasets

    mirror = getattr(torchvision.datasets, TORCHVISION[raw["dataset"]]).mirrors[0]
    return Raw(**facts, url=mirror.rstrip("/") + "/" + raw["name"])


def pack(folder: Path, archive: Path) -> None:
    """Put a folder into a zip archive beside it, whole or not at all; the same files give the same bytes."""
    handle, draft = tempfile.mkstemp(dir=archive.parent, prefix=f".{archive.name}-")
    try:
        with os.fdopen(handle, "wb") as stream, zipfile.ZipFile(stream, "w") as made:
            for path in _below(folder):
                entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), MOMENT)
                entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
                made.writestr(entry, path.read_bytes())
        os.chmod(draft, 0o644)
        os.replace(draft, archive)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
