"""Further statistics of one axis: checks, noise, what would settle it, and the analysis of a factorial axis."""

from __future__ import annotations

from typing import Any

from ablation.language import numbers as fmt
from ablation.language.metrics import scaled
from ablation.language.words import Words
from ablation.report.axis import Axis, entry, heads, no_difference, no_number, number_entry
from ablation.statistics.verdicts import Verdict


def check_rows(axis: Axis, words: Words) -> list[dict[str, Any]]:
    """Per value: the sign-flip test, how many replicates would settle it, and where the spread comes from."""
    rows = [axis.row(label) for label in axis.labels]
    noises = [row.get("noise") for row in rows]
    sds = [scaled(axis.metric, noise["sd"]) if noise else None for noise in noises]
    tests = [scaled(axis.metric, noise["sd_test"]) if noise else None for noise in noises]
    places = max([fmt.decimals_for(sd) for sd in sds if sd] or [2])
    checks = []
    for i, (label, head) in enumerate(zip(axis.labels, heads(axis, words), strict=True)):
        row, noise = rows[i], noises[i]
        flip, pairs = row.get("sign_flip"), None if row["is_reference"] else row["n_pairs"]
        detectable = scaled(axis.metric, row["detectable"])
        smallest = None if detectable is None else fmt.significant(detectable, 2)
        why_not = no_difference(axis, label, words)
        few = words("none.too_few" if row["n"] < 2 else "none.no_noise")
        no_noise = few if row["n"] else no_number(axis, label, words)
        checks.append(
            {
                **head,
                "pairs": number_entry(pairs, 0, why_not),
                "sign_flip": entry(fmt.p_value(flip["p"]) if flip else None, why_not),
                "smallest": entry(fmt.p_value(flip["smallest_p"]) if flip else None, why_not),
                "settle": _settle(row, why_not, words),
                "sd": number_entry(sds[i], places, no_noise),
                "sd_test": number_entry(tests[i], places, no_noise),
                "share": entry(share_text(noise, words) if noise else None, no_noise),
                "effect": number_entry(row["effect_size"], 2, why_not, sign=True),
                "detectable": entry(smallest, why_not),
            }
        )
    return checks


def share_text(noise: dict[str, Any], words: Words) -> str | None:
    """How much of the variance between replicates the test parts alone would give; no share above all of it."""
    if noise["share"] is None:
        return None
    if noise["share"] >= 1:
        return words("more.at_least_all")
    return fmt.in_percent(fmt.percent(noise["share"], 0))


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
    importance = axis.compared["importance"]
    if not importance:
        return ""
    numbers = {
        "omega2": fmt.fixed(importance["omega2"], 2),
        "level": fmt.percent(importance["level"]),
    }
    interval = fmt.interval(importance["interval"], 2) if importance["interval"] else fmt.DASH
    text = words("more.omega", interval=interval, **numbers)
    if not importance["left_out"]:
        return text
    left = words.listed([words.level(axis.axis, label) for label in importance["left_out"]])
    return words.sentences([text, words("more.omega_left_out", values=left)])


def factorial_view(axis: Axis, words: Words) -> dict[str, Any] | None:
    """Main effects and interactions of a factorial axis; None for other axes."""
    factorial = axis.compared.get("factorial")
    if not factorial:
        return None
    if factorial.get("reason"):
        return {"rows": [], "text": words(f"factorial.{factorial['reason'].replace(' ', '_')}")}
    names = {name: words.named("parameter", name) for name in factorial["factors"]}
    times, too_few = words("factorial.times"), words("none.too_few")
    rows: list[dict[str, Any]] = [
        {
            "text": times.join(names[name] for name in term["factors"]),
            "f": number_entry(term["f"], 2, ""),
            "df": f"{fmt.count(term['df'])}, {fmt.count(term['df_error'])}",
            "p": fmt.Entry(fmt.p_value(term["p"])),
            "p_adjusted": fmt.Entry(fmt.p_value(term["p_adjusted"])),
            "omega2": number_entry(term["omega2"], 2, ""),
            "interval": entry(term["interval"] and fmt.interval(term["interval"], 2), too_few),
        }
        for term in factorial["terms"]
    ]
    alpha = 1 - axis.confidence
    adjusted = [term["p_adjusted"] for term in factorial["terms"]]
    sure = [row["text"] for row, p in zip(rows, adjusted, strict=True) if p < alpha]
    verdict = words("factorial.nothing", alpha=fmt.percent(alpha))
    if sure:
        verdict = words("factorial.found", terms=words.join(sure))
    listed = words.join(list(names.values()))
    parts = [verdict, words("factorial.text", factors=listed, n=factorial["n_replicates"])]
    if factorial["left_out"]:
        left = words.join([str(number) for number in factorial["left_out"]])
        parts.append(words("factorial.left_out", replicates=left))
    return {"rows": rows, "text": words.sentences(parts)}
