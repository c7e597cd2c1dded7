"""Every answer to a claim of the course report, and every number of its evidence, by the oracle."""

from __future__ import annotations

from oracle.stat_claims import check_claims, claims
from oracle.study import Study, read_json

NUMBERS, WORDS = 50, 380  # of the small study, which can test two claims and parts of two


def test_every_answer_is_the_oracles(study: Study) -> None:
    tally = check_claims(read_json(study.tables / "claims.json"), claims(study))
    print(f"claims.json: {tally}")
    assert tally.numbers >= NUMBERS and tally.words >= WORDS, tally
