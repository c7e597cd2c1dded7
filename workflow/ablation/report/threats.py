"""Threats to validity, each said only when a fact of the study supports it."""

from __future__ import annotations

from typing import Any

from ablation.language import numbers as fmt
from ablation.language.metrics import scaled
from ablation.language.verdicts import flags
from ablation.language.words import Words, slug
from ablation.report.cells import differs
from ablation.report.more import share_text
from ablation.statistics.verdicts import Verdict
from ablation.store.document import ModelDocument, StudyDocument

SMALL_TEST = 1000  # test samples below which one network's number is said to be imprecise
MUST_AGREE = ("torch", "device", "gpu", "cpu", "precision", "threads", "python")


def threats(study: StudyDocument, comparisons: dict[str, Any], words: Words) -> list[str]:
    """One paragraph per threat, the study's own first."""
    found: list[str] = []
    for model in study.models:
        compared = comparisons["models"][model.name]
        found += _unlike(model, words)
        found += _fates(model, compared, words)
        found += _small_test(model, compared, words)
    found += _families(comparisons, words)
    found += _commits(study, words)
    return found


def _unlike(model: ModelDocument, words: Words) -> list[str]:
    """Facts of the environment that should be one within a model and are not."""
    own, notes = model.environments(), []
    for name in MUST_AGREE:
        values = sorted({str(each.get(name)) for each in own if each.get(name) is not None})
        if len(values) > 1:
            notes.append(words("threat.unlike", what=words(f"environment.{name}"),
                               model=words.named("model_short", model.name),
                               values=words.join(values)))  # fmt: skip
    return notes


def _fates(model: ModelDocument, compared: dict[str, Any], words: Words) -> list[str]:
    """Failed cells, and cells of which some replicates diverged or learnt nothing."""
    name, notes = words.named("model_short", model.name), []
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
    n_test, name = model.data.get("n_test"), model.name
    if n_test is None:
        return []
    short, notes = words.named("model_short", name), []
    if n_test[0] < SMALL_TEST:
        notes.append(words("threat.small_test", model=short, n=fmt.counts(n_test)))
        noise = _baseline_noise(model, compared)
        share = share_text(noise, words) if noise else None
        if noise and share is not None:
            metric = compared["metric"]
            sd, sd_test = (scaled(metric, noise[each]) or 0.0 for each in ("sd", "sd_test"))
            notes[-1] = words.sentences(
                [
                    notes[-1],
                    words(
                        "threat.noise",
                        sd=words.difference(metric, fmt.significant(sd, 2)),
                        sd_test=words.difference(metric, fmt.significant(sd_test, 2)),
                        share=share,
                    ),
                ]
            )
    key = "threat.fixed" if model.fixed_test_set else "threat.pool"
    notes.append(words(key, model=short, data=words.named("dataset", model.data["dataset"])))
    return notes


def _baseline_noise(model: ModelDocument, compared: dict[str, Any]) -> dict[str, Any] | None:
    """The noise of the cell whose parameters are all the model's baseline, on whatever axis it stands."""
    for axis, cell in model.places():
        if not any(differs(*one, model.parameters) for one in cell.parameters.items()):
            noise: dict[str, Any] | None = compared["axes"][axis.name]["rows"][cell.label]["noise"]
            return noise
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
    return [words("threat.families", n=axes, level=fmt.percent(level),
                  expected=fmt.significant(axes * level, 2))]  # fmt: skip


def _commits(study: StudyDocument, words: Words) -> list[str]:
    """Cells whose sources no commit holds."""
    own = study.environments()
    if not own:
        return []
    notes = []
    dirty = sum(bool(each.get("git_dirty")) for each in own)
    unknown = sum(each.get("git_commit") is None for each in own)
    commits = {each["git_commit"] for each in own if each.get("git_commit")}
    if dirty:
        notes.append(words("threat.dirty", k=dirty, n=len(own)))
    if unknown:
        notes.append(words("threat.no_commit", k=unknown, n=len(own)))
    if len(commits) > 1:
        notes.append(words("threat.commits", n=len(commits)))
    return notes


def verification_view(found: dict[str, Any] | None, words: Words) -> dict[str, str] | None:
    """The badge of the last verification; None where there was none."""
    if not found:
        return None
    outcomes = [cell["outcome"] for cell in found["cells"]]
    counts = [
        words(f"verified.{slug(outcome)}", n=outcomes.count(outcome))
        for outcome in ("identical", "within tolerance", "different")
        if outcome in outcomes
    ]
    kind = "different" if "different" in outcomes else "tolerance"
    return {
        "kind": "" if set(outcomes) == {"identical"} else kind,
        "text": words("verified.text", when=fmt.moment(found["when"]), k=len(outcomes),
                      n=found["n_cells"], counts=words.join(counts)),
    }  # fmt: skip
