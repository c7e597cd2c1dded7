"""The comparison of two studies as one HTML file."""

from __future__ import annotations

from typing import Any

from ablation.language import numbers as fmt
from ablation.language.metrics import scaled, scaled_pair
from ablation.language.verdicts import worded
from ablation.language.words import Words, chosen, slug
from ablation.report.axis import MARKS, entry
from ablation.report.axis_tables import forest, forest_reach
from ablation.report.prose import margin_words
from ablation.report.provenance import commits
from ablation.report.render import environment, joined
from ablation.results.bundle import study_of
from ablation.statistics.verdicts import Verdict
from ablation.store.keys import canonical_json

STYLE = ("style/page.css", "style/drawers.css", "style/looks.css")
LONG = 400  # characters of a value, such as a list of digests, before it is cut


def page(
    compared: dict[str, Any],
    bundles: dict[str, dict[str, Any]],
    names: dict[str, str],
    language: str,
) -> str:
    """The whole page.

    compared: what :func:`ablation.diff.compare` gave. bundles, names: the documents and what they were asked for by, under
    ``a`` and ``b``. The same input gives the same bytes.
    """
    words = Words.of(language)
    words_of = {
        model.name: words.about(model)
        for bundle in bundles.values()  # B after A: where both have a model, its words are B's
        for model in study_of(bundle).models
    }
    with fmt.locale(language):
        context = {
            "language": {"en": "en", "zh": "zh-Hans"}[language],
            "studies": [_study(side, bundles[side], names[side], words) for side in ("a", "b")],
            "summary": _summary(compared, words, words_of),
            "settings": [_setting(row, words, words_of) for row in compared["settings"]],
            "compute_known": compared["compute_known"],
            "models": [
                _model(name, model, words_of[name]) for name, model in compared["models"].items()
            ],
            "verdicts": [_flip(row, words_of[row["model"]]) for row in compared["verdicts"]],
            "environments": [_environment(row, words) for row in compared["environments"]],
        }
        template = environment(words).get_template("diff.html.jinja")
        return template.render(**context, style=joined(*STYLE))


def _study(side: str, bundle: dict[str, Any], name: str, words: Words) -> dict[str, Any]:
    study, config = study_of(bundle), bundle["config"] or {}
    return {
        "side": side.upper(),
        "given": name,
        "title": chosen(config.get("report", {}).get("title"), words.language) or "",
        "name": study.name,
        "seed": study.seed,
        "cells": len(study.distinct()),
        "commits": words.join(commits(study)) if commits(study) else "",
    }


def _summary(compared: dict[str, Any], words: Words, words_of: dict[str, Words]) -> list[str]:
    """What differs, in a sentence each; one sentence where nothing does."""
    sentences = []
    if compared["settings"]:
        sentences.append(words("diff.summary.settings", n=len(compared["settings"])))
    for name, model in compared["models"].items():
        rows, short = model["cells"], words_of[name].short
        tested = [row for row in rows if row["kind"] != "same key"]
        if tested:
            verdicts = [row["verdict"] for row in tested]
            counts = {word: verdicts.count(word) for word in ("better", "worse")}
            sentences.append(words("diff.summary.cells", model=short, n=len(tested), **counts))
        if any(row["moved"] for row in rows):
            sentences.append(words("diff.summary.moved", model=short))
        for which in ("new", "gone"):
            if model[which]:
                sentences.append(words(f"diff.summary.{which}", model=short, n=len(model[which])))
    if compared["verdicts"]:
        sentences.append(words("diff.summary.verdicts", n=len(compared["verdicts"])))
    if compared["environments"]:
        sentences.append(words("diff.summary.environments", n=len(compared["environments"])))
    return sentences or [words("diff.summary.same")]


def _setting(row: dict[str, Any], words: Words, words_of: dict[str, Words]) -> dict[str, Any]:
    place, inside, last = row["name"].rpartition(".parameters.")
    model_words = words_of.get(place.removeprefix("models."), words)
    meaning = model_words.named("parameter", last) if inside else ""
    sides = {side: entry(_text(row[side], words), words("diff.absent")) for side in ("a", "b")}
    return {"name": row["name"], "meaning": meaning if meaning != last else "", **sides}


def _text(value: Any, words: Words) -> str | None:
    """A value of the configuration as text; None where there is none."""
    if value is None:
        return None
    if isinstance(value, bool):
        return words("value.yes" if value else "value.no")
    if isinstance(value, dict):
        return canonical_json(value)
    if isinstance(value, list):
        value = ", ".join(str(_text(item, words)) for item in value) or "[]"
    text = words.plain(value)
    return text if len(text) <= LONG else text[: LONG - 1] + "…"


def _model(name: str, model: dict[str, Any], words: Words) -> dict[str, Any]:
    metric = model["metric"]
    levels = sorted({row["level"] for row in model["cells"] if row["level"]})
    return {
        "id": slug(f"model-{name}"),
        "title": words.short,
        "metric_head": words.head(metric),
        "difference_head": words.difference_head(metric),
        "levels": words.join([fmt.percent(level) for level in levels]) if levels else "",
        "n_compared": model["n_compared"],
        "margin": margin_words(metric, model["margin"], words, log=model["log"]),
        "rows": _rows(model, words),
        "lone": [
            {
                "setting": words.setting(row["axis"], row["label"]),
                "cell": row["cell"],
                "where": words(f"diff.only_in_{side}"),
                "mean": entry(_number(metric, row["mean"]), words("none.failed")),
            }
            for side, group in (("a", "gone"), ("b", "new"))
            for row in model[group]
        ],
    }


def _rows(model: dict[str, Any], words: Words) -> list[dict[str, Any]]:
    metric, rows = model["metric"], model["cells"]
    bounds = [scaled_pair(metric, row["interval"]) for row in rows]
    gaps = [scaled(metric, row["difference"]) for row in rows]
    places = fmt.column_decimals(bounds, [gap for gap in gaps if gap is not None])
    margins = [_margin(model, row) for row in rows]
    largest = max((high for _, high in margins), default=1.0)
    reach = forest_reach(bounds, largest)
    texts = fmt.intervals(bounds, places, sign=True)
    shown_rows = []
    for row, margin, gap, pair, text in zip(rows, margins, gaps, bounds, texts, strict=True):
        same = row["kind"] == "same key"
        why = words("diff.same_key" if same else "diff.no_difference")
        difference = None if gap is None else fmt.fixed(gap, places, sign=True)
        p = None if row["p_adjusted"] is None else fmt.p_value(row["p_adjusted"])
        shown_rows.append(
            {
                "setting": words.setting(row["axis"], row["label"]),
                "cell": row["cell"],
                "a": entry(_number(metric, row["a"]), words("none.failed")),
                "b": entry(_number(metric, row["b"]), words("none.failed")),
                "difference": entry(difference, why),
                "interval": entry(text, why),
                "p": entry(p, why),
                "forest": forest(gap, pair, reach, margin),
                "verdict": _verdict(row, words),
                "how": _how(row, metric, words),
            }
        )
    return shown_rows


def _margin(model: dict[str, Any], row: dict[str, Any]) -> tuple[float, float]:
    """The equivalence margin around A, as shown; on the logarithm it is a ratio."""
    metric, margin = model["metric"], float(model["margin"])
    if not model["log"]:
        reach = scaled(metric, margin) or 1.0
        return -reach, reach
    centre = scaled(metric, row["a"]) or 1.0
    return centre * (1 / margin - 1), centre * (margin - 1)


def _number(metric: str, value: float | None) -> str | None:
    shown = scaled(metric, value)
    return None if shown is None else fmt.significant(shown, 4)


def _verdict(row: dict[str, Any], words: Words) -> dict[str, Any]:
    """A verdict with its mark; of a same key, that there is nothing to compare."""
    same = row["kind"] == "same key"
    verdict = Verdict.REFERENCE if same else Verdict(row["verdict"])
    return {
        "verdict": slug(verdict),
        "mark": MARKS[verdict],
        "verdict_text": words("diff.same_key") if same else worded(verdict, row["reason"], words),
        "flags": "",
        "notes": [],
    }


def _how(row: dict[str, Any], metric: str, words: Words) -> str:
    """Which replicates were compared, and why not in pairs; what diverged."""
    if row["kind"] == "same key":
        if not row["moved"]:
            return words("diff.same_numbers")
        moved = fmt.significant(scaled(metric, row["moved"]) or 0.0)
        return words("diff.other_numbers", moved=words.difference(metric, moved))
    if row["kind"] == "paired":
        parts = [words("diff.paired", n=row["n_pairs"])]
    else:
        why = words.join([words(f"diff.why.{reason}") for reason in row["reasons"]])
        parts = [words("diff.unpaired", a=row["n_a"], b=row["n_b"], why=why)]
    for side in ("a", "b"):
        if row[f"diverged_{side}"]:
            parts.append(words(f"diff.diverged_{side}", n=row[f"diverged_{side}"]))
    return "; ".join(parts)


def _flip(row: dict[str, Any], words: Words) -> dict[str, Any]:
    return {
        "setting": words.setting(row["axis"], row["label"]),
        "model": words.short,
        **{side: _verdict({"kind": "", **row[side]}, words) for side in ("a", "b")},
    }


def _environment(row: dict[str, Any], words: Words) -> dict[str, Any]:
    def text(values: list[tuple[Any, int]]) -> str | None:
        plain = [(_text(value, words) or words("none.word"), n) for value, n in values]
        if len(plain) == 1:
            return plain[0][0]
        counted = [words("provenance.counted", value=value, n=n) for value, n in plain]
        return words.join(counted) if counted else None

    sides = {side: entry(text(row[side]), words("diff.absent")) for side in ("a", "b")}
    return {"name": words.named("environment", row["fact"]), **sides}
