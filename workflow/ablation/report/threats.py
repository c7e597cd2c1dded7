"""Threats to validity, each said only when a fact of the study supports it."""

from __future__ import annotations

from typing import Any

from ablation.language import numbers as fmt
from ablation.language.metrics import scaled
from ablation.language.verdicts import flags
from ablation.language.words import Words, slug
from ablation.report.checks import share_text
from ablation.report.drawers import differs
from ablation.statistics.verdicts import Verdict
from ablation.store.document import ModelDocument, StudyDocument

SMALL_TEST = 1000  # test samples below which one network's number is said to be imprecise


def threats(study: StudyDocument, comparisons: dict[str, Any], words: Words) -> list[str]:
    """One paragraph per threat; those of machines and commits are told with the run."""
    texts: list[str] = []
    for model in study.models:
        compared, model_words = comparisons["models"][model.name], words.about(model)
        texts += _fates(model, compared, model_words)
        texts += _small_test(model, compared, model_words)
    texts += _families(comparisons, words)
    return texts


def _fates(model: ModelDocument, compared: dict[str, Any], words: Words) -> list[str]:
    """Failed cells, and cells of which some replicates diverged or learnt nothing."""
    name, notes = words.short, []
    rows: dict[str, tuple[str, dict[str, Any]]] = {}
    for axis, cell in model.places():
        row = compared["axes"][axis.name]["rows"][cell.label]
        rows.setdefault(cell.key, (words.setting(axis, cell.label), row))
    failed = sum(row["verdict"] == Verdict.FAILED for _, row in rows.values())
    if failed:
        notes.append(words("threat.failed", model=name, k=failed, n=len(rows)))
    touched = [
        words("threat.cell_fates", cell=place, flags=flags(row, words))
        for place, row in rows.values()
        if row["n_diverged"] or row["n_collapsed"]
    ]
    if touched:
        notes.append(words("threat.fates", model=name, cells=words.listed(touched)))
    return notes


def _small_test(model: ModelDocument, compared: dict[str, Any], words: Words) -> list[str]:
    """Small test parts, and how much of the spread between replicates of the baseline they make."""
    n_test = model.data.get("n_test")
    if n_test is None:
        return []
    short, notes = words.short, []
    if n_test[0] < SMALL_TEST:
        notes.append(words("threat.small_test", model=short, n=fmt.counts(n_test)))
        noise, metric = _baseline_noise(model, compared), compared["metric"]
        share = share_text(noise, words) if noise else None
        if noise and share is not None:
            sd, sd_test = (
                words.difference(metric, fmt.significant(scaled(metric, noise[name]) or 0.0, 2))
                for name in ("sd", "sd_test")
            )
            text = words("threat.noise", sd=sd, sd_test=sd_test, share=share)
            notes[-1] = words.sentences([notes[-1], text])
    key = "threat.fixed" if model.data["fixed_test_set"] else "threat.pool"
    notes.append(words(key, model=short, data=words.dataset))
    return notes


def _baseline_noise(model: ModelDocument, compared: dict[str, Any]) -> dict[str, Any] | None:
    """The noise of the cell whose parameters are all the model's baseline, on whatever axis it stands."""
    for axis in model.axes:
        for cell in axis.cells:
            parameters, baseline = cell.parameters, model.parameters
            if parameters and not any(
                differs(name, value, baseline) for name, value in parameters.items()
            ):
                row: dict[str, Any] = compared["axes"][axis.name]["rows"][cell.label]
                return row["noise"]  # type: ignore[no-any-return]
    return None


def _families(comparisons: dict[str, Any], words: Words) -> list[str]:
    """The error level holds per axis, not over the study."""
    axes = sum(
        axis["n_comparisons"] > 0
        for model in comparisons["models"].values()
        for axis in model["axes"].values()
    )
    if axes < 2:
        return []
    level = 1 - float(comparisons["confidence"])
    expected = fmt.significant(axes * level, 2)
    return [words("threat.families", n=axes, level=fmt.percent(level), expected=expected)]


def verification_view(verification: dict[str, Any] | None, words: Words) -> dict[str, str] | None:
    """The badge of the last verification; None where there was none."""
    if not verification:
        return None
    outcomes = [cell["outcome"] for cell in verification["cells"]]
    counts = [
        words(f"verified.{slug(outcome)}", n=outcomes.count(outcome))
        for outcome in ("identical", "within tolerance", "different")
        if outcome in outcomes
    ]
    kind = "different" if "different" in outcomes else "tolerance"
    listed, when = words.join(counts), fmt.moment(verification["when"])
    return {
        "kind": "" if set(outcomes) == {"identical"} else kind,
        "text": words(
            "verified.text", when=when, k=len(outcomes), n=verification["n_cells"], counts=listed
        ),
    }
