"""A reader's own network on their own data: the page says what they say of it, and nothing of any other data."""

from __future__ import annotations

import re

import pytest
from ablation.language.catalogue import LANGUAGES, LOCALES
from ablation.language.numbers import TIED
from ablation.language.words import Words, chosen
from ablation.report.about import what_view
from ablation.store.document import ModelDocument
from ablation.store.places import TEMPLATES
from ablation.study.described import told_apart
from report.own import CLASSES, own_page
from report.sample import only, page, sample
from unit_document import plain_axis, plain_cell, study_of
from unit_page import text_of

# What is said of one network, one data set or one unit, and belongs into their files.
PARTICULAR = re.compile(
    r"\b(boston|mnist|fashion|kmnist|usd|digits?|houses?|housing|prices?|town|mlxtend|scikit-learn|fnn|cnn|relu|kernel size"
    r"|28 ?× ?28|grey images|censored)\b|美元|房价|房屋|数字图像|手写|波士顿|截断|卷积核大小|全连接网络",
    re.IGNORECASE,
)
SHARED = [
    *(path for path in TEMPLATES.rglob("*.jinja")),
    *(path for path in LOCALES.rglob("*.po")),
    *(path for path in (TEMPLATES / "script").iterdir()),
    *(path for path in (TEMPLATES / "captions").iterdir()),
]


def particular(text: str) -> list[str]:
    return [found[0] for found in PARTICULAR.finditer(text)]


@pytest.mark.parametrize("text", ["in 1000 USD", "Accuracy per digit", "28 × 28 pixels", "千美元"])
def test_a_particular_word_is_found(text: str) -> None:
    assert particular(f'msgstr "{text}"')


@pytest.mark.parametrize("path", SHARED, ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_what_all_studies_share_speaks_of_no_data_and_no_network(path) -> None:
    assert particular(path.read_text(encoding="utf-8")) == []


def words_of(html: str) -> str:
    """What a page says: its text, its descriptions of pictures, the study's data, without parameters by their keys."""
    labels = re.findall(r'(?:aria-label|alt|title)="([^"]*)"', html)
    return "\n".join([text_of(html), *labels])


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_classifier_of_a_table_is_told_in_its_own_words(language: str) -> None:
    html = own_page("cnn", "kernel", "dropout_by_batchnorm", language=language)
    said = words_of(html)
    assert particular(said) == []
    assert "A table goes in, the weather comes out." in said  # in English, as there is no other
    assert "<h2>weather on stations (classification)</h2>" in html or language == "zh"
    assert "<h2>stations 上的 weather（分类）</h2>" in html or language == "en"
    listed = {"en": ", ", "zh": "、"}[language].join(CLASSES)
    assert listed in said
    heads = "".join(f'<th scope="col" class="num">{name}</th>' for name in CLASSES)
    assert html.count(heads) >= 4  # accuracy per class of each axis, a matrix per cell
    assert f'<th scope="row">{CLASSES[2]}</th>' in html
    assert not re.search(r"[(（,，]\s*[)）]", re.sub(r"<code.*?</code>", "", said, flags=re.S))
    assert 'id="claims"' not in html


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_regression_is_told_in_its_unit(language: str) -> None:
    html = own_page("fnn", "activation", "learning_rate", language=language)
    said = words_of(html)
    assert set(particular(said)) == {"relu"}  # a value of its own parameter
    assert "评分网络" in said  # also in English, as there is no other title
    point = {"en": ", ", "zh": "，"}[language]
    for head in ({"en": "Test MSE", "zh": "测试 MSE"}, {"en": "Difference", "zh": "差值"}):
        assert f"{head[language]}{point}(points)²" in said
    assert f"{ {'en': 'Test MAE', 'zh': '测试 MAE'}[language] }{point}points" in said
    assert {"en": "True value, points", "zh": "真实值，points"}[language] in said
    assert re.search(r"\] \(points\)²", said)  # a difference in running text
    assert 'id="claims"' not in html


def model_of(**said: object) -> ModelDocument:
    axes = [
        plain_axis(axis="how_wide", parameter="width"),
        plain_axis(axis="again", parameter="depth"),
        plain_axis(axis="once_more", parameter="depth"),
        plain_axis(axis="at_two", parameter="depth", **{"with": {"width": 2}}),
        plain_axis(axis="both", factors={"width": [1, 2], "depth": [3, 4]},
                   cells=[plain_cell(label="x", levels={"width": 1, "depth": 3})]),
        plain_axis(axis="sets"),
    ]  # fmt: skip
    return study_of(*axes, **said).models[0]


TITLES = {"width": {"en": "Width of a layer"}, "depth": "MLP depth", "skip": {"zh": "跳跃连接"}}


def test_an_axis_without_a_title_is_called_by_what_it_varies_where_that_is_clear() -> None:
    model = model_of(words={"parameters": TITLES, "axes": {"sets": {"de": "Sätze"}}})
    words = Words.of("en").about(model)
    assert [words.title(axis) for axis in model.axes] == [
        "Width of a layer",
        "again",  # two axes vary the depth alone
        "once_more",
        "MLP depth (width of a layer 2)",
        "Width of a layer × MLP depth",
        "Sätze",
    ]
    bare = model_of()
    assert [Words.of("zh").about(bare).title(axis) for axis in bare.axes[:2]] == [
        "how_wide",
        "again",
    ]


def test_settings_that_are_named_like_a_parameter_take_its_title_if_no_axis_varies_it() -> None:
    axes = [plain_axis(axis=name) for name in ("width", "depth", "unheard_of")]
    axes.append(plain_axis(axis="deep", parameter="depth"))
    model = study_of(*axes, words={"parameters": TITLES}).models[0]
    words = Words.of("en").about(model)
    titles = [words.title(axis) for axis in model.axes]
    assert titles == ["Width of a layer", "depth", "unheard_of", "MLP depth"]


def test_models_go_by_their_short_names_where_these_tell_them_apart() -> None:
    def shorts(*names: object) -> list[object]:
        words = [{"title": "x"} | ({"short": name} if name else {}) for name in names]
        return [each["words"].get("short") for each in told_apart({"words": own} for own in words)]

    assert shorts("FNN", {"en": "CNN"}) == ["FNN", {"en": "CNN"}]
    assert shorts("FNN") == ["FNN"]
    assert shorts("FNN", "FNN", "CNN") == [None, None, None]
    assert shorts("FNN", None) == [None, None]


def test_what_no_cell_reads_is_no_parameter_of_the_baseline() -> None:
    made = only(sample(), "fnn", "activation")
    assert "<code>lr_factor</code>" in page(made)
    for cell in made.study["models"][0]["axes"][0]["cells"]:
        del cell["parameters"]["lr_factor"]
    assert "<code>lr_factor</code>" not in page(made)


def test_a_parameter_is_told_with_its_value() -> None:
    words = Words.of("en").about(model_of(words={"parameters": TITLES}))
    assert words.fixed("width", "64") == "width of a layer 64"
    assert words.fixed("depth", "3") == "MLP depth 3"
    assert words.fixed("skip", "on") == "with 跳跃连接"
    assert words.fixed("unheard_of", "off") == "without unheard_of"
    assert words.fixed("learning_rate", "0.1") == "learning rate 0.1"  # of every recipe
    assert words.value("x") == "width of a layer 1, MLP depth 3"
    assert (
        Words.of("zh").about(model_of(words={"parameters": TITLES})).fixed("skip", "on")
        == "使用跳跃连接"
    )


@pytest.mark.parametrize(
    ("words", "language", "text"),
    [
        ("Width", "zh", "Width"),
        ({"en": "Width", "zh": "宽度"}, "zh", "宽度"),
        ({"en": "Width", "de": "Breite"}, "zh", "Width"),
        ({"de": "Breite"}, "zh", "Breite"),
        ({}, "en", None),
        (None, "en", None),
    ],
)
def test_words_are_those_of_the_language_or_what_there_is(words, language, text) -> None:
    assert chosen(words, language) == text


@pytest.mark.parametrize(
    ("unit", "mse", "mae", "said"),
    [
        ("", "Test MSE", "Test MAE", "+1 in MAE"),
        ("points", "Test MSE, (points)²", "Test MAE, points", "+1 points"),
        ("% vol", "Test MSE, (% vol)²", "Test MAE, % vol", "+1 % vol"),
        ("10 m", "Test MSE, (10 m)²", "Test MAE, 10 m", "+1 × 10 m"),
    ],
)
def test_a_unit_stands_at_heads_and_differences_and_none_leaves_nothing(
    unit: str, mse: str, mae: str, said: str
) -> None:
    words = Words.of("en").about(model_of(unit=unit))
    heads = [words.head(metric) for metric in ("mse", "mae", "r2")]
    assert [head.replace(TIED, " ") for head in heads] == [mse, mae, "Test R²"]
    lines = [head.split(" ") for head in heads]  # it can be broken before its unit alone
    assert [len(each) for each in lines] == ([2, 2, 1] if unit else [1, 1, 1])
    assert words.difference("mae", "+1").replace(TIED, " ") == said
    assert words.difference("r2", "+1") == "+1 in R²"


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        ({}, "Training minimises the mean squared error; the parameters with the lowest validation "
             "loss are kept."),
        ({"optimizer": "adamw"}, "The baseline configuration uses the optimiser AdamW."),
        ({"optimizer": "sgd", "schedule": "constant"}, "The baseline configuration uses the optimiser "
         "SGD. In the baseline configuration the learning rate is constant."),
        ({"schedule": "plateau", "lr_factor": 0.5, "lr_patience": 7}, "In the baseline configuration "
         "the learning rate is multiplied by 0.5 whenever the validation loss has not improved for more than 7 epochs."),
    ],
)  # fmt: skip
def test_training_is_told_as_the_recipe_has_it(recipe: dict[str, object], said: str) -> None:
    model = model_of(parameters=recipe, data={"dataset": "d"}, words={"about": "A net."})
    about, text = what_view(model, Words.of("en").about(model))
    assert about == "A net." and text.endswith(said)
    names = {"AdamW", "SGD", "constant", "multiplied"}
    assert {name for name in names if name in text} == {name for name in names if name in said}


@pytest.mark.parametrize(
    ("classes", "said"),
    [
        (["0", "1", "2"], "The network predicts one of 3 classes."),
        (["calm", "windy"], "The network predicts one of 2 classes: calm, windy."),
        ([f"species {i}" for i in range(200)], "The network predicts one of 200 classes."),
    ],
)
def test_classes_are_named_where_they_have_names_and_are_few(classes: list[str], said: str) -> None:
    known = {"task": "classification", "classes": classes, "data": {"dataset": "d"}}
    model = model_of(parameters={}, **known)
    (text,) = what_view(model, Words.of("en").about(model))
    assert text.startswith(f"{said} Training minimises the cross-entropy")
