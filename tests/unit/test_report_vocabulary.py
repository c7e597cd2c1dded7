"""One vocabulary wherever a reader reads: factor, level, configuration; and numbers with their signs in one way."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from ablation.commands import quick
from ablation.language.catalogue import LANGUAGES, load
from ablation.language.numbers import TIED, in_percent, locale, tied
from ablation.language.words import Words, spaced
from ablation.store.places import TEMPLATES
from conftest import REPOSITORY

WORKFLOW = REPOSITORY / "workflow"
PLUGIN = "plugins/snakemake_logger_plugin_ablation"
# What prints for a reader by itself: the plan, the commands, the logger, the exports.
TELLERS = [
    *(f"ablation/commands/{name}.py" for name in ("plan", "reasons", "quick", "verify")),
    *("ablation/study/progress.py", "ablation/stages/failures.py", "ablation/stages/export.py"),
    *("ablation/export/crate.py", "ablation/export/latex.py", "ablation/diff/page.py"),
    *(f"{PLUGIN}/{name}.py" for name in ("handler", "screen", "settings", "study")),
]
BANNED = {
    "en": re.compile(
        r"(?i:(?<![-\w])(axis|axes|settings?|cells?|drawers?|fates?|yardsticks?|verdicts?|surviv\w+|lucky|cannot tell|test part"
        r"|(?<!confidence )(?<!prediction )intervals?|(every|each|all|no|a|an|its|of) values?)\b|^values?$)|\bsd\b|\bs\.d\."
    ),
    "zh": re.compile(
        "界限|(?<!等效)界值|轴|因子|单元|抽屉|结局|幸存|幸运|变量|判断|(?<!实验)设置|代价|对照模型|做了什么|测试部分|参照值|单项运行"
    ),
}
ALLOWED = {"table.parameter_value"}  # of a parameter, which is no factor


def banned(text: str, language: str = "en") -> list[str]:
    """The words of a text that the vocabulary has others for."""
    return [found[0] for found in BANNED[language].finditer(text)]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Cells that failed: 2"), ("en", "every value against the reference"),
        ("en", "Axis"), ("en", "95 % interval"), ("en", "no survivors"), ("en", "Value"),
        ("en", "6.4 (s.d.)"), ("zh", "各轴的结论"), ("zh", "位于界值之内"), ("zh", "最佳设置"),
    ],
)  # fmt: skip
def test_a_banned_word_is_found(language: str, text: str) -> None:
    assert banned(text, language)


def test_what_is_meant_otherwise_is_none() -> None:
    assert banned("95 % confidence interval of the true value, prediction interval, SD") == []
    assert banned("整个置信区间位于等效界值之内，实验设置", "zh") == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_catalogues_use_the_vocabulary(language: str) -> None:
    texts = {key: re.sub(r"%\(\w+\)s", "…", text) for key, text in load(language).items()}
    found = {key: words for key, text in texts.items() if (words := banned(text, language))}
    assert {key: words for key, words in found.items() if key not in ALLOWED} == {}
    assert language == "zh" or set(found) >= ALLOWED


def said(path: Path) -> Iterator[str]:
    """The texts of a module that are sentences or parts of them: with a space in them, and no documentation."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        text = node.value if isinstance(node, ast.Constant) and id(node) not in alone else None
        if isinstance(text, str) and " " in text:
            yield text


@pytest.mark.parametrize("name", TELLERS)
def test_what_code_prints_uses_the_vocabulary(name: str) -> None:
    assert [text for text in said(WORKFLOW / name) if banned(text)] == []


def test_the_heads_of_the_quick_table_use_the_vocabulary() -> None:
    assert [head for head in quick.HEAD if banned(head)] == []


@pytest.mark.parametrize("path", sorted((WORKFLOW / "rules").glob("*.smk")), ids=lambda p: p.name)
def test_rules_use_the_vocabulary(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    messages = re.findall(r'message:\s+"(.*)"', text)
    labels = re.findall(r'(?:category=|"[\w ]+": ?)"([^"]*)"|"([\w ]+)": PLAN', text)
    shown = {*messages, *(part for pair in labels for part in pair)} - {"cells"}  # cells.csv
    assert [each for each in shown if banned(re.sub(r"\{.*?\}", "", each))] == []


@pytest.mark.parametrize(
    "path", sorted((TEMPLATES / "captions").iterdir()), ids=lambda path: path.name
)
def test_captions_use_the_vocabulary(path: Path) -> None:
    assert banned(re.sub(r"\{\{.*?\}\}", "", path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_claims_use_the_vocabulary(language: str) -> None:
    claims = yaml.safe_load((TEMPLATES / "claims.yaml").read_text(encoding="utf-8"))["claims"]
    texts = [each[part][language] for each in claims for part in ("text", "note", "untested") if part in each]  # fmt: skip
    assert len(texts) > len(claims)
    assert [text for text in texts if banned(text, language)] == []


def test_a_number_and_its_percent_sign_stand_in_one_line() -> None:
    with locale("en"):
        assert in_percent("95") == f"95{TIED}%"
    with locale("zh"):
        assert in_percent("95") == "95%"
    assert {key for key, text in load("en").items() if re.search(r"[\w)] ?%%", text)} == set()
    assert {key for key, text in load("zh").items() if re.search(r"\s%%", text)} == set()
    assert Words.of("en")("table.interval", level="95") == f"95{TIED}% CI"
    assert tied("reaches 99 % and more") == f"reaches 99{TIED}% and more"
    assert Words.of("zh")("table.interval", level="95") == "95% 置信区间"


def test_chinese_has_a_space_beside_latin_letters_and_none_between_its_own() -> None:
    words = Words.of("zh")
    assert spaced("测试 MSE为 深度 1和 %") == "测试 MSE 为深度 1 和 %"
    assert spaced("深度（学习率 0.01） = 8 ，共 5 次") == "深度（学习率 0.01）= 8，共 5 次"
    metric = words("metric.mse")
    text = words("flag.diverged_sentence", k=2, n=24)
    assert (metric, text) == ("测试 MSE", "24 次重复中有 2 次发散。")
    texts = {key: re.sub(r"%\(\w+\)s", "…", text) for key, text in load("zh").items()}
    plain = {key: text.replace("%%", "%") for key, text in texts.items()}
    assert {key for key, text in plain.items() if spaced(text) != text} == set()


@pytest.mark.parametrize(
    ("language", "sides"),
    [
        ("en", ("batch normalisation", "no batch normalisation")),
        ("zh", ("使用批归一化", "不使用批归一化")),
    ],
)
def test_a_level_that_only_says_on_or_off_is_named(language: str, sides: tuple[str, str]) -> None:
    from report.sample import only, sample

    (model,) = only(sample(), "cnn", "batchnorm").document.models
    words, (axis,) = Words.of(language).about(model), model.axes
    assert (words.level(axis, "on"), words.level(axis, "off")) == sides
    assert words.level(axis, "off", begins=True) == sides[1][0].upper() + sides[1][1:]
    assert (
        words.level(axis, "none") == {"en": "no batch normalisation", "zh": "无批归一化"}[language]
    )
    assert words.level(axis, "5") == "5"
