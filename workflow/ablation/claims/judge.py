"""Every claim of the course report beside a study's numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ablation.claims import rules
from ablation.claims.rules import Answer, Evidence
from ablation.results import published as pub
from ablation.results.courses import MEASURES
from ablation.store.document import ModelDocument

EVENTS = ("diverged",)


def judge_claims(
    claims: dict[str, Any],
    published: dict[str, Any],
    evidence: Mapping[str, Evidence],
    *,
    confidence: float,
) -> list[dict[str, Any]]:
    """The answer to every claim, with the evidence of each of its parts.

    Args:
        claims: the content of ``claims.yaml``.
        published: the content of ``reference.yaml``.
        evidence: by model; a claim about a model that the study does not have is not tested.
        confidence: of all tests of a claim together.

    Raises:
        ValueError: if a claim names a rule, a measure or an event that does not exist.
    """
    for claim in claims["claims"]:
        for part in claim["parts"]:
            _check(part, claim["id"])
    return [
        _judged(claim, published, evidence, confidence, claims["share"])
        for claim in claims["claims"]
    ]


def _judged(
    claim: dict[str, Any],
    published: dict[str, Any],
    evidence: Mapping[str, Evidence],
    confidence: float,
    share: float,
) -> dict[str, Any]:
    measured, theirs = evidence.get(claim["model"]), published["models"].get(claim["model"])
    level = rules.part_level(confidence, claim["parts"])
    parts = []
    for part in claim["parts"]:
        asked = part.get("data", claim.get("data", "any"))
        if measured is None or theirs is None or not _about(measured.model, theirs, asked):
            parts.append({**part, "answer": Answer.NOT_TESTED})
            continue
        same = bool(theirs["same_data"][measured.model.data["dataset"]])
        parts.append(rules.RULES[part["rule"]](part, measured, rules.Terms(level, share, same)))
    answer = rules.combined([Answer(part["answer"]) for part in parts])
    return {"id": claim["id"], "model": claim["model"], "answer": answer, "parts": parts}


def _check(part: dict[str, Any], claim: int) -> None:
    for name, allowed in (("rule", rules.RULES), ("measure", MEASURES), ("event", EVENTS)):
        if name in part and part[name] not in allowed:
            raise ValueError(
                f"claim {claim} has the {name} {part[name]!r}: allowed are {', '.join(allowed)}"
            )


def _about(model: ModelDocument, published: dict[str, Any], asked: str) -> bool:
    """Whether a model learns what a claim speaks of, on the data that it speaks of."""
    if asked == "part":
        return pub.comparable(published, model)
    if asked == "whole":
        return pub.is_whole(published, model)
    return pub.same_kind(published, model)
