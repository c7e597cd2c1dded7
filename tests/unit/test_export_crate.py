"""The crate is what its profile demands, and the validator sees it when it is not."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ablation.export.crate import Contents, Raw, build, place_of
from ablation.stages.export import pack
from conftest import REPOSITORY

PROFILE = "workflow-run-crate-0.5"
CONTEXT = "https://w3id.org/ro/crate/1.1/context"
# A workflow that lies in the crate has no address of its own: the file is what there is.
UNREACHABLE = {"process-run-crate-0.5_3.2", "process-run-crate-0.5_5.1"}
AGENT = {
    "name": "Ada Example",
    "orcid": "https://orcid.org/0000-0002-1825-0097",
    "affiliation": "Example University",
    "affiliation_url": "https://example.org/",
}


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """The validator's cache of the web, with the one document that it asks for; it runs offline."""
    from requests.adapters import HTTPAdapter
    from requests_cache import CachedSession
    from urllib3 import HTTPResponse

    class Shipped(HTTPAdapter):
        def send(self, request: Any, *args: Any, **options: Any) -> Any:
            text = (REPOSITORY / "tests" / "data" / "ro-crate-1.1-context.jsonld").read_bytes()
            raw = HTTPResponse(
                io.BytesIO(text), status=200, headers={"Content-Type": "application/ld+json"},
                preload_content=False, request_url=request.url,
            )  # fmt: skip
            return self.build_response(request, raw)

    path = tmp_path / "web"
    with CachedSession(cache_name=str(path), backend="sqlite", expire_after=-1) as session:
        session.mount("https://w3id.org/", Shipped())
        assert session.get(CONTEXT).status_code == 200
    return path


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A small crate with one file of each sort."""
    sources = {
        "Snakefile": "rule all:\n", "workflow/a.py": "A = 1\n", "README.md": "# Read me\n",
        "config.yaml": "study: {}\n", "boston.csv": "1,2\n", "report.html": "<p>Report</p>",
        "tables/summary.csv": "a\n", "figures/fnn/a.svg": "<svg/>",
        "results/fnn/depth_1/metrics.json": "{}", "pictures/oak/1.png": "oak",
    }  # fmt: skip
    source = tmp_path / "source"
    for name, text in sources.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(text, "utf-8")

    def of(*names: str) -> list[tuple[Path, str]]:
        return [(source / name, name) for name in names]

    contents = Contents(
        title="A study", study="default", key="0123456789abcdef",
        ended="2026-11-23T08:00:00+00:00", workflow=of("Snakefile", "workflow/a.py"),
        readme=source / "README.md", config=source / "config.yaml",
        raw=[
            Raw("boston", "boston.csv", "0" * 64, path=source / "boston.csv"),
            Raw("leaves", "pictures", "2" * 64, path=source / "pictures"),
            Raw("mnist", "train.gz", "1" * 64, url="https://example.org/train.gz"),
        ],
        report=source / "report.html",
        outputs={
            "tables": ("Tables", of("tables/summary.csv")),
            "figures": ("Figures", of("figures/fnn/a.svg")),
            "results": ("Numbers", of("results/fnn/depth_1/metrics.json")),
        },
        software={"python": ["3.11.7"], "snakemake": ["9.27.1"], "torch": ["2.14.1"]},
        version="c" * 40, image={"name": "hw1", "tag": "latest", "registry": "localhost"},
        in_image=True, agent=AGENT,
    )  # fmt: skip
    folder = tmp_path / "crate"
    build(contents).write(folder)
    return folder


def issues(crate: Path, cache: Path) -> dict[str, set[str]]:
    """Severity → the checks that fail."""
    from rocrate_validator import services
    from rocrate_validator.models import Severity
    from rocrate_validator.utils.http import HttpRequester

    HttpRequester._instance = None  # else it keeps the cache of the test before
    result = services.validate(
        {
            **{"rocrate_uri": str(crate), "profile_identifier": PROFILE},
            **{"requirement_severity": Severity.RECOMMENDED, "skip_availability_check": True},
            **{"offline": True, "cache_path": cache},
        }
    )
    found: dict[str, set[str]] = {}
    for issue in result.get_issues():
        found.setdefault(issue.severity.name, set()).add(issue.check.identifier)
    return found


def graph(crate: Path) -> dict[str, dict[str, Any]]:
    document = json.loads((crate / "ro-crate-metadata.json").read_text("utf-8"))
    return {entity["@id"]: entity for entity in document["@graph"]}


def test_the_crate_is_valid(made: Path, cache: Path) -> None:
    found = issues(made, cache)
    assert "REQUIRED" not in found
    web = {
        f"ro-crate-1.1_{check}" for check in ("28.1", "29.1", "29.2")
    }  # of the file that is none here
    assert found.get("RECOMMENDED", set()) <= UNREACHABLE | web, found


def without(*kinds: str) -> Callable[[list[dict[str, Any]]], Any]:
    def change(entities: list[dict[str, Any]]) -> None:
        entities[:] = [e for e in entities if e["@type"] not in kinds]

    return change


def blank(identifier: str, name: str) -> Callable[[list[dict[str, Any]]], Any]:
    def change(entities: list[dict[str, Any]]) -> None:
        del next(e for e in entities if e["@id"] == identifier)[name]

    return change


@pytest.mark.extended
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(without("CreateAction"), id="no run"),
        pytest.param(blank("#run-0123456789abcdef", "instrument"), id="a run of nothing"),
        pytest.param(blank("./", "mainEntity"), id="no workflow"),
        pytest.param(blank("./", "license"), id="no licence"),
        pytest.param(blank("./", "conformsTo"), id="no profile"),
        pytest.param(without("ComputerLanguage"), id="no language"),
    ],
)
def test_the_validator_sees_what_is_missing(
    change: Callable[[list[dict[str, Any]]], Any], made: Path, cache: Path
) -> None:
    path = made / "ro-crate-metadata.json"
    document = json.loads(path.read_text("utf-8"))
    change(document["@graph"])
    path.write_text(json.dumps(document), "utf-8")
    assert issues(made, cache).get("REQUIRED")


def test_the_run_says_what_it_was_made_of(made: Path) -> None:
    found = graph(made)
    (run,) = (entity for entity in found.values() if entity["@type"] == "CreateAction")
    assert run["instrument"] == {"@id": "Snakefile"} == found["./"]["mainEntity"]
    assert {each["@id"] for each in run["object"]} == {
        "config.yaml", "resources/boston/boston.csv", "resources/leaves/pictures/",
        "https://example.org/train.gz",
    }  # fmt: skip
    results = {each["@id"] for each in run["result"]}
    assert results == {"report.html", "tables/", "figures/", "results/", "results/fnn/depth_1/metrics.json"}  # fmt: skip
    assert run["endTime"] == "2026-11-23T08:00:00+00:00"
    assert found[run["agent"]["@id"]]["name"] == "Ada Example"
    assert found[run["containerImage"]["@id"]]["name"] == "hw1"
    assert found["https://example.org/train.gz"]["sha256"] == "1" * 64
    assert found["Snakefile"]["version"] == "c" * 40
    needs = [found[each["@id"]] for each in found["Snakefile"]["softwareRequirements"]]
    assert {"torch": "2.14.1", "python": "3.11.7"}.items() <= {
        each["name"]: each.get("version") for each in needs
    }.items()


def test_a_folder_of_raw_files_is_in_the_crate(made: Path) -> None:
    assert (made / "resources/leaves/pictures/oak/1.png").read_text("utf-8") == "oak"
    folder = graph(made)["resources/leaves/pictures/"]
    assert (folder["@type"], folder["sha256"]) == ("Dataset", "2" * 64)


@pytest.mark.parametrize(
    ("path", "place"),
    [("my/net.py", "my/net.py"), ("../net.py", "own/net.py"), ("/home/net.py", "own/net.py")],
)
def test_a_readers_file_keeps_its_place_below_the_study(path: str, place: str) -> None:
    assert place_of(Path(path), "own/net.py") == place


def test_an_archive_of_the_same_files_is_the_same_bytes(made: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first.zip", tmp_path / "second.zip"
    pack(made, first)
    for path in made.rglob("*"):
        path.touch()
    pack(made, second)
    assert first.read_bytes() == second.read_bytes()
