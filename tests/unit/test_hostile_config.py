"""Any text as a configuration: one sentence, or a grid whose paths are safe, distinct and below ``results/``."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ablation.study.config import ConfigError
from ablation.study.plan import Plan, read_plan
from ablation.study.texts import MOST
from conftest import REPOSITORY
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SMALL = """
study: {name: mine, seed: 1}
report: {title: {en: A title}, palette: ["#000000", "#111111", "#222222"]}
statistics: {confidence: 0.9}
data: {mirrors: {mnist: ["https://example.org/"]}}
models:
  fnn:
    replicates: 6
    margin: {metric: mse, margin_ratio: 1.2}
    recipe: {epochs: 2, learning_rate: 0.01}
    parameters: {width: 8}
    axes:
      width: {values: [8, 16], title: Width}
      wide: {values: {base: {}, more: {width: 32}}, reference: base}
      grid: {factorial: {width: [8, 16], epochs: [2, 3]}, with: {batch_size: 16}}
"""
NAMES = [
    "..", "../x", "a/b", "/etc/passwd", "a..", ".", "", " ", "$(touch x)", "`touch x`", "a\nb", "a\0b", "con", "store", "A",
    "x" * 256, "研究", "😀", "\u202ea", "<script>", "=1+1", "-rf", "~", "*", "a_b", "a.b", "__use_yte__", "\ud800", "\x1b[31m",
    "a", "__proto__", "width", "tables", "my/net.py", "../../net.py:Net", "/dev/zero", "x.py" * 2000,
]  # fmt: skip
ODD = [
    *(0, -1, 1e308, -0.0, 5e-324, 2**64, 10**400, 10**4000, float("nan"), float("inf")),
    *(True, None, [], {}, [[]], {"": ""}, "1e999", "9" * 5000, "2020-99-99", "[" * 200, "&a [*a]"),
]
# What no value can be dumped as.
TEXTS = [
    *("&a [*a]", "&a {b: *a}", "*b", "!!python/object/apply:os.system [touch x]", "!!int x", "!!binary a"),
    *("2020-99-99", "2020-01-01T99:99:99", "0x" + "f" * 6000, "9" * 5000, ".nan", "!!set {a, b}", "!!bool x"),
    *("[" * 400, "{a: 1, a: 2}", "{.nan: 1}", "{<<: 3}", "{? [a] : b}", "!!timestamp x", "0b_", "1:99:99", "=", "'", "|"),
]  # fmt: skip
PATH = re.compile(r"results/[A-Za-z0-9][A-Za-z0-9._/-]*|report(-[a-z0-9_-]+)?\.html")

scalars = st.one_of(
    st.sampled_from(NAMES), st.sampled_from(ODD), st.text(max_size=8), st.integers(), st.floats()
)
keys = st.one_of(
    st.sampled_from(NAMES),
    st.text(max_size=5),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.none(),
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=5,
)


def places(value: Any, *path: Any) -> list[tuple[Any, ...]]:
    """The path of everything inside a value."""
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    return [found for name, item in items for found in [(*path, name), *places(item, *path, name)]]


@st.composite
def documents(draw: st.DrawFn) -> str:
    """The text of a small configuration in which up to three things are replaced, renamed, copied or removed."""
    config = yaml.safe_load(SMALL)
    written: dict[str, str] = {}
    for number in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(places(config)))
        holder = config
        for name in path[:-1]:
            holder = holder[name]
        what = draw(st.sampled_from(["value", "text", "name", "remove"]))
        if what == "remove":
            del holder[path[-1]]
        elif what == "text":
            mark = f"TEXT{number}"
            written[mark] = draw(st.sampled_from(TEXTS))
            holder[path[-1]] = mark
        elif what == "name" and isinstance(holder, dict):
            holder[draw(keys)] = holder.pop(path[-1])
        else:
            holder[path[-1]] = draw(values)
        if not places(config):
            break
    text = dumped(config, as_json=draw(st.booleans()))
    for mark, instead in written.items():
        text = text.replace(f'"{mark}"', instead).replace(mark, instead)
    return text


def dumped(config: Any, *, as_json: bool) -> str:
    if as_json:
        try:
            return json.dumps(config)
        except (TypeError, ValueError):
            pass
    try:
        return yaml.safe_dump(config, allow_unicode=True)
    except ValueError:  # an integer of too many digits
        return "a: 1"


def outcome(text: str | bytes, *, alone: bool) -> Plan | str:
    """The plan of a configuration, or the sentence that refuses it."""
    content = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    Path("mine.yaml").write_bytes(content)
    try:
        return read_plan(["mine.yaml"], alone=alone)
    except ConfigError as error:
        return str(error)


def check(found: Plan | str) -> bool:
    """Whether it is a plan; what is neither a safe plan nor a sentence fails."""
    if isinstance(found, str):
        assert found.endswith(".") and "\n" not in found and len(found) < 2_000
        return False
    names = [cell.name.lower() for cell in found.study.cells]
    assert names and len(set(names)) == len(names)
    paths = [*found.copies, *found.export_copies]
    assert len({path.lower() for path in paths}) == len(paths)
    for path in paths:
        assert PATH.fullmatch(path), path
        assert os.path.normpath(path) == path
        assert all(len(part) <= 255 for part in path.split("/"))
    return True


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


many = settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def test_the_small_configuration_is_one() -> None:
    assert check(outcome(SMALL, alone=True)) and check(outcome(SMALL, alone=False))


@many
@given(documents(), st.booleans())
def test_a_changed_configuration(text: str, alone: bool) -> None:
    check(outcome(text, alone=alone))


@many
@given(st.one_of(st.text(), st.binary(), st.text("[]{}&*!:-?|>'\"#%@, \n\tab0.<=").filter(bool)))
def test_any_text(text: str | bytes) -> None:
    check(outcome(text, alone=True))


@many
@given(st.dictionaries(st.sampled_from(["study", "models", "report", "inherit", "data"]), values))
def test_any_values(config: dict[str, Any]) -> None:
    check(outcome(dumped(config, as_json=False), alone=False))


@many
@given(st.sampled_from(["", "models.", "models.fnn.", "study."]), scalars, scalars)
def test_any_override(prefix: str, name: Any, value: Any) -> None:
    Path("mine.yaml").write_text(SMALL)
    try:
        check(read_plan(["mine.yaml"], [f"{prefix}{name}={value}"]))
    except ConfigError as error:
        check(str(error))


BOMB = "a0: &a0 [x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 40)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("study: &a {name: mine, seed: *a}", "mine.yaml is nested too deeply."),
        (BOMB, f"mine.yaml holds more than {MOST:,} values."),
        ('{"a":' * 900 + "1" + "}" * 900, "mine.yaml is nested too deeply."),
        ("study:\n  seed: 2020-99-99", "mine.yaml is not valid YAML in line 2."),
        ("study: {seed: " + "9" * 5000 + "}", "mine.yaml is not valid YAML in line 1."),
        (
            "study: {name: mine, seed: 0x" + "f" * 5000 + "}",
            "study.seed holds an integer of 20,000 bits: allowed are 64.",
        ),
        ("study: {name: mine}\nmodels: {.nan: 1}", "models has the name nan: allowed is a text."),
        ("a: '" + "x" * 2**22 + "'", "mine.yaml has more than 4,194,304 bytes: allowed is a smaller file."),
        (
            "study: {name: mine}\nmodels: {fnn: {network: " + "n" * 300 + ".py}}",
            "models.fnn.network is '" + "n" * 56 + "…: it cannot be read: File name too long.",
        ),
        (
            "study: {name: mine}\nmodels: {fnn: {axes: {a: {factorial: {"
            + ", ".join(f"{name}: {list(range(1, 500))}" for name in ("width", "epochs", "batch_size"))
            + "}}}}}",
            "models.fnn.axes.a.factorial makes 124,251,499 configurations: allowed are at most 1,000,000.",
        ),
        ("__use_yte__: true\n__definitions__: ['x = 1']\nstudy: {name: mine}", "__definitions__ is not"),
    ],
)  # fmt: skip
def test_what_would_take_all_memory_or_end_in_a_traceback(text: str, said: str) -> None:
    found = outcome(text, alone=False)
    assert isinstance(found, str) and found.startswith(said)


def test_deep_overrides() -> None:
    Path("mine.yaml").write_text(SMALL)
    for entry in (
        "a" + ".a" * 3000 + "=1",
        "models={fnn" + ".a" * 300 + ": 1}",
        "study=" + "[" * 300 + "]" * 300,
    ):
        with pytest.raises(ConfigError, match="is nested too deeply"):
            read_plan(["mine.yaml"], [entry])


def test_every_shipped_configuration_passes_the_same_check() -> None:
    for path in sorted((REPOSITORY / "config").glob("*.yaml")):
        assert check(read_plan([path]))
