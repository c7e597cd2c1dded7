"""Version, licence and date are the same wherever they stand."""

from __future__ import annotations

import re
import tomllib

import yaml
from conftest import REPOSITORY


def text(name: str) -> str:
    return (REPOSITORY / name).read_text("utf-8")


PROJECT = tomllib.loads(text("pyproject.toml"))["project"]
CITATION = yaml.safe_load(text("CITATION.cff"))


def test_the_citation_has_what_its_format_requires() -> None:
    assert CITATION["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= CITATION.keys()
    assert all(author.keys() == {"name"} for author in CITATION["authors"])


def test_the_newest_version_is_the_one_that_is_cited() -> None:
    newest, day = re.findall(r"^## \[(.+)\] - (.+)$", text("CHANGELOG.md"), re.MULTILINE)[0]
    assert newest == CITATION["version"] == PROJECT["version"]
    assert day == CITATION["date-released"]


def test_the_licence_is_one() -> None:
    assert text("LICENSE").startswith(f"{PROJECT['license']} License\n")
    assert CITATION["license"] == PROJECT["license"]
    label = f'org.opencontainers.image.licenses="{PROJECT["license"]}"'
    assert label in text("Dockerfile")
