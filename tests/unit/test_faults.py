"""An exception in one line, with the line of code that is to blame."""

from __future__ import annotations

import json
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ablation.machine.faults import LONGEST, blamed, sentence
from ablation.study.reading import overrides_of

OWN = """
import json
import torch
from ablation.store.keys import key_of


def parse():
    json.loads("{")


def shapes():
    torch.nn.functional.linear(torch.ones(2, 3), torch.ones(2, 4))


def key():
    key_of({"a": object()})


def chosen(message):
    raise RuntimeError(message)
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A user's own file beside the configuration."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "nets" / "own.py"
    path.parent.mkdir()
    path.write_text(OWN, "utf-8")
    spec = spec_from_file_location("own", path)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def raised(function: Any, *arguments: Any) -> BaseException:
    with pytest.raises(Exception) as caught:
        function(*arguments)
    return caught.value


@pytest.mark.parametrize(("name", "line"), [("parse", 8), ("shapes", 12), ("key", 16)])
def test_the_users_own_line_is_blamed_whoever_raised(own: ModuleType, name: str, line: int) -> None:
    error = raised(getattr(own, name))
    assert blamed(error) == f"nets/own.py:{line}"
    text = sentence(error)
    assert text.startswith(f"{type(error).__name__}: ")
    assert text.endswith(f" (nets/own.py:{line})")


def test_a_message_is_one_line_of_bounded_length(own: ModuleType) -> None:
    place = "(nets/own.py:20)"
    assert sentence(raised(own.chosen, " my\n own  bug ")) == f"RuntimeError: my own bug {place}"
    assert sentence(raised(own.chosen, "")) == f"RuntimeError {place}"
    long = sentence(raised(own.chosen, "x" * 10_000))
    assert long.endswith(f"x… {place}")
    assert len(long) == LONGEST + 1 + len(place)


def test_a_file_elsewhere_has_its_whole_path(
    own: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "study"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert blamed(raised(own.parse)) == f"{tmp_path}/nets/own.py:8"


def test_a_file_that_cannot_be_parsed_is_blamed_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken.py").write_text("x = 1\ndef f(:\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    error = raised(__import__, "broken")
    assert sentence(error) == "SyntaxError: invalid syntax (broken.py:2)"
    sys.modules.pop("broken", None)


def test_without_a_users_line_the_packages_own_is_blamed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ablation.machine.faults._is_own", lambda path: "ablation" in path.parts)
    assert "study/reading.py:" in blamed(raised(overrides_of, ["x"]))


def test_libraries_alone_are_not_blamed() -> None:
    error = raised(json.loads, "{")
    assert error.__traceback__ is not None
    error.__traceback__ = error.__traceback__.tb_next  # without this file
    assert blamed(error) == ""
    assert sentence(error) == f"JSONDecodeError: {error}"
