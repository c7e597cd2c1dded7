"""The catalogues say the same in every language, and nothing is said outside them."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import ablation
import pytest
from ablation.language import numbers as fmt
from ablation.language.catalogue import LANGUAGES, catalogue, load, translations
from ablation.language.words import Words, slug
from ablation.store.places import TEMPLATES
from babel.messages.extract import extract_from_dir
from report.sample import page, sample


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"%\((\w+)\)s", text))


def test_catalogues_have_the_same_keys_and_placeholders():
    english = load("en")
    for language in LANGUAGES:
        other = load(language)
        assert set(other) == set(english)
        for key, text in english.items():
            assert placeholders(other[key]) == placeholders(text), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_words_of_figures_are_in_a_file_of_their_own(language):
    """A name that its file lacked would stand in a figure as it is."""
    groups = ("figure.", "value.", "fixed.", "parameter.")
    assert {key for key in load(language) if key.startswith(groups)} < set(load(language, "figure"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_message_is_missing_empty_or_doubtful(language):
    for message in catalogue(language):
        if message.id:
            assert message.string, message.id
            assert not message.fuzzy, message.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_can_be_filled_in(language):
    for key, text in load(language).items():
        values = dict.fromkeys(placeholders(text), "x")
        assert "%(" not in text % values, key  # a lone percent sign raises


def test_an_unknown_language_is_refused():
    with pytest.raises(ValueError, match="no messages for the language 'xx'"):
        load("xx")


def test_a_missing_message_or_value_is_an_error():
    words = Words({"a": "%(x)s"})
    with pytest.raises(KeyError):
        words("b")
    with pytest.raises(KeyError):
        words("a")
    assert words("a", x=1) == "1"


def test_templates_get_an_error_for_a_message_that_is_missing():
    found = translations({"a": "b"})
    assert found.gettext("a") == "b"
    with pytest.raises(KeyError):
        found.gettext("c")


def test_ids_are_plain():
    assert slug("fnn_depth_at_0.01") == "fnn-depth-at-0-01"


def test_a_date_is_written_as_in_the_language():
    with fmt.locale("en"):
        assert "November 23, 2026" in fmt.moment("2026-11-23T08:30:00+00:00")
    with fmt.locale("zh"):
        assert "2026年11月23日" in fmt.moment("2026-11-23T08:30:00+00:00")


def test_a_chinese_report_has_no_english_sentence_left():
    html = page(sample(failed=("cnn/kernel_9",)), language="zh")
    assert '<html lang="zh-Hans">' in html
    text = re.sub(r"<(style|script|pre|code)\b.*?</\1>", "", html, flags=re.S)
    english, chinese = load("en"), load("zh")
    for key, message in english.items():
        if message == chinese[key]:
            continue
        for piece in re.split(r"%\(\w+\)s", message.replace("%%", "%")):
            if len(piece.strip()) > 12:
                assert piece.strip() not in text, key


def test_every_message_that_a_template_asks_for_exists():
    """Babel's own extraction, with Jinja's extractor; keys that are put together are left to the pages."""
    options = {"encoding": "utf-8", "extensions": "jinja2.ext.i18n", "silent": "false"}
    known, asked = load("en"), set()
    found = extract_from_dir(
        TEMPLATES, method_map=[("**.jinja", "jinja2")], options_map={"**.jinja": options}
    )
    for _, _, message, _, _ in found:
        asked.add(message)
    assert len(asked) > 50
    assert {key for key in asked if key not in known} == set()


def test_every_message_that_the_code_asks_for_exists():
    known, asked = load("en"), set()
    for path in Path(ablation.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and node.args):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            name = node.func.id if isinstance(node.func, ast.Name) else name
            first = node.args[0]
            if name in ("words", "t") and isinstance(first, ast.Constant):
                asked.add(first.value)
    assert len(asked) > 50
    assert {key for key in asked if key not in known} == set()


def test_templates_hold_no_words_of_their_own():
    for path in TEMPLATES.glob("*.jinja"):
        text = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "", path.read_text("utf-8"), flags=re.S)
        text = re.sub(r"<[^>]*>", " ", text)
        words = set(re.findall(r"[A-Za-z]{3,}", text)) - {
            "DOCTYPE",
            "SHA",
            "document",
            "documentElement",
            "classList",
            "add",
        }
        assert not words, f"{path.name}: {words}"
