"""The catalogues say the same in every language, and nothing is said outside them."""

from __future__ import annotations

import re
import string

import pytest
from ablation.report.messages import FOLDER, LANGUAGES, flatten, load
from ablation.report.words import Words, slug
from report.sample import page, sample


def placeholders(text: str) -> set[str]:
    return {part[1] for part in string.Formatter().parse(text) if part[1]}


def test_catalogues_have_the_same_keys_and_placeholders():
    english = load("en")
    for language in LANGUAGES:
        other = load(language)
        assert set(other) == set(english)
        for key, text in english.items():
            assert placeholders(other[key]) == placeholders(text), key


def test_an_unknown_language_is_refused():
    with pytest.raises(ValueError, match="no messages for the language 'xx'"):
        load("xx")


def test_a_missing_message_or_value_is_an_error():
    words = Words({"a": "{x}"})
    with pytest.raises(KeyError):
        words("b")
    with pytest.raises(KeyError):
        words("a")
    assert words("a", x=1) == "1"


def test_keys_are_joined_by_dots_and_ids_are_plain():
    assert flatten({"a": {"b": 1, "c": {"d": "x"}}}) == {"a.b": "1", "a.c.d": "x"}
    assert slug("fnn_depth_at_0.01") == "fnn-depth-at-0-01"


def test_a_chinese_report_has_no_english_sentence_left():
    html = page(sample(failed=("cnn/kernel_9",)), language="zh")
    assert '<html lang="zh-Hans">' in html
    text = re.sub(r"<(style|script|pre|code)\b.*?</\1>", "", html, flags=re.S)
    english, chinese = load("en"), load("zh")
    for key, message in english.items():
        if message == chinese[key]:
            continue
        for piece in re.split(r"\{\w+\}", message):
            if len(piece.strip()) > 12:
                assert piece.strip() not in text, key


def test_every_key_that_a_template_asks_for_exists():
    known = load("en")
    for path in FOLDER.glob("*.jinja"):
        for key in re.findall(r'\bt\("([\w.-]+)"[,)]', path.read_text(encoding="utf-8")):
            assert key in known, f"{path.name}: {key}"


def test_templates_hold_no_words_of_their_own():
    for path in FOLDER.glob("*.jinja"):
        text = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "", path.read_text("utf-8"), flags=re.S)
        text = re.sub(r"<[^>]*>", " ", text)
        words = set(re.findall(r"[A-Za-z]{3,}", text)) - {"DOCTYPE", "SHA"}
        assert not words, f"{path.name}: {words}"
