"""Further statistics of one axis: checks, noise, what would settle it, and the analysis of a factorial axis."""

from __future__ import annotations

from typing import Any

from ablation.language import numbers as fmt
from ablation.language.metrics import scaled
from ablation.language.words import Words
from ablation.report.axis import Axis, entry, heads, no_difference, no_number
from ablation.statistics.verdicts import Verdict


def more_rows(axis: Axis, words: Words) -> list[dict[str, Any]]:
    """Per value: the sign-flip test, how many replicates would settle it, and where the spread comes from."""
    rows = [axis.row(label) for label in axis.labels]
    noises = [row.get("noise") for row in rows]
    sds = [scaled(axis.metric, noise["sd"]) if noise else None for noise in noises]
    tests = [scaled(axis.metric, noise["sd_test"]) if noise else None for noise in noises]
    places = max([fmt.decimals_for(sd) for sd in sds if sd] or [2])
    found = []
    for i, (label, head) in enumerate(zip(axis.labels, heads(axis, words), strict=True)):
        row, noise = rows[i], noises[i]
        flip = row.get("sign_flip")
        why_not = no_difference(axis, label, words)
        no_noise = no_number(axis, label, words) if row["n"] < 2 else words("none.no_noise")
        found.append(
            {
                **head,
                "pairs": entry(None if row["is_reference"] else fmt.count(row["n_pairs"]), why_not),
                "sign_flip": entry(fmt.p_value(flip["p"]) if flip else None, why_not),
                "smallest": entry(fmt.p_value(flip["smallest_p"]) if flip else None, why_not),
                "settle": _settle(row, why_not, words),
                "sd": entry(_fixed(sds[i], places), no_noise),
                "sd_test": entry(_fixed(tests[i], places), no_noise),
                "share": entry(share_text(noise, words) if noise else None, no_noise),
                "effect": entry(_fixed(row["effect_size"], 2, sign=True), why_not),
                "detectable": entry(_significant(scaled(axis.metric, row["detectable"])), why_not),
            }
        )
    return found


def _fixed(value: float | None, places: int, *, sign: bool = False) -> str | None:
    return None if value is None else fmt.fixed(value, places, sign=sign)


def _significant(value: float | None) -> str | None:
    return None if value is None else fmt.significant(value, 2)


def share_text(noise: dict[str, Any], words: Words) -> str | None:
    """How much of the variance between replicates the test parts alone would give; no share above all of it."""
    if noise["share"] is None:
        return None
    if noise["share"] >= 1:
        return words("more.at_least_all")
    return f"{fmt.percent(noise['share'], 0)} %"


def _settle(row: dict[str, Any], why_not: str, words: Words) -> fmt.Entry:
    settle = row.get("settle")
    if settle is None:
        settled = Verdict(row["verdict"]).conclusive
        return fmt.Entry(fmt.DASH, words("none.settled") if settled else why_not)
    if settle["replicates"] is None:
        return fmt.Entry(words("more.never"))
    return fmt.Entry(fmt.count(settle["replicates"]))


def omega_text(axis: Axis, words: Words) -> str:
    """The share of the variance that the levels of an axis account for; empty where there is none."""
    found = axis.compared["importance"]
    if not found:
        return ""
    text = words(
        "more.omega",
        omega2=fmt.fixed(found["omega2"], 2),
        level=fmt.percent(found["level"]),
        interval=fmt.interval(found["interval"], 2) if found["interval"] else fmt.DASH,
    )
    if not found["left_out"]:
        return text
    left = words.join([words.value(label) for label in found["left_out"]])
    return words.sentences([text, words("more.omega_left_out", values=left)])


def factorial_view(axis: Axis, words: Words) -> dict[str, Any] | None:
    """Main effects and interactions of a factorial axis; None for other axes."""
    found = axis.compared.get("factorial")
    if not found:
        return None
    if found.get("reason"):
        return {"rows": [], "text": words(f"factorial.{found['reason'].replace(' ', '_')}")}
    names = [words.named("parameter", name) for name in found["factors"]]
    rows: list[dict[str, Any]] = [
        {
            "text": words("factorial.times").join(
                words.named("parameter", name) for name in term["factors"]
            ),
            "f": entry(fmt.fixed(term["f"], 2), ""),
            "df": f"{fmt.count(term['df'])}, {fmt.count(term['df_error'])}",
            "p": entry(fmt.p_value(term["p"]), ""),
            "p_adjusted": entry(fmt.p_value(term["p_adjusted"]), ""),
            "omega2": entry(fmt.fixed(term["omega2"], 2), ""),
            "interval": entry(
                fmt.interval(term["interval"], 2) if term["interval"] else None,
                words("none.too_few"),
            ),
        }
        for term in found["terms"]
    ]
    alpha = 1 - axis.confidence
    sure = [
        row["text"]
        for row, term in zip(rows, found["terms"], strict=True)
        if term["p_adjusted"] < alpha
    ]
    verdict = (
        words("factorial.found", terms=words.join(sure))
        if sure
        else words("factorial.nothing", alpha=fmt.percent(alpha))
    )
    text = words("factorial.text", factors=words.join(names), n=found["n_replicates"])
    left = [str(number) for number in found["left_out"]]
    parts = [verdict, text]
    if left:
        parts.append(words("factorial.left_out", replicates=words.join(left)))
    return {"rows": rows, "text": words.sentences(parts)}
