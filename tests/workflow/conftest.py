"""Runs of the workflow are made beside the tests, as many at once as there are cores.

A test names the function that makes its run with ``@prepared(function)`` and finds what it returned
in ``outcome``. The function gets a copy of a finished tiny study, or with ``fresh=True`` of the
shipped project.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from workflow_project import Project, tiny
from workflow_watch import watched

Futures = dict[Callable[[Project], Any], Future[Any]]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "prepared(function, fresh=False): make the test's run")


def _marked(item: pytest.Item) -> tuple[Callable[[Project], Any], bool] | None:
    mark = item.get_closest_marker("prepared")
    return (mark.args[0], mark.kwargs.get("fresh", False)) if mark else None


@pytest.fixture(scope="session")
def futures(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Futures]:
    """The run of every selected test."""
    folder = tmp_path_factory.mktemp("workflow")
    pool = ThreadPoolExecutor(max(2, os.cpu_count() or 2))

    def make_base() -> Project:
        project = Project.shipped(folder / "base")
        project.configure(tiny)
        project.run(cores=2, environment=watched(project))
        project.repair()
        return project

    def make(function: Callable[[Project], Any], fresh: bool, number: int) -> Any:
        path = folder / f"{number}-{getattr(function, '__name__', 'run')}"
        return function(Project.shipped(path) if fresh else base.result().copy(path))

    base = pool.submit(make_base)
    wanted = dict(filter(None, map(_marked, request.session.items)))
    # The base comes first and with it what does not need it; the many short runs fill up the end.
    runs = list(wanted.items())[::-1]
    runs.sort(key=lambda run: not run[1])
    yield {
        function: pool.submit(make, function, fresh, number)
        for number, (function, fresh) in enumerate(runs)
    }
    pool.shutdown(cancel_futures=True)


@pytest.fixture
def outcome(request: pytest.FixtureRequest, futures: Futures) -> Any:
    """What the test's function returned."""
    marked = _marked(request.node)
    assert marked is not None
    return futures[marked[0]].result()
