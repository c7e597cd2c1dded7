"""A finished study as a Workflow Run RO-Crate (https://w3id.org/ro/wfrun/workflow/0.5): what ran, on what, what came out.

Pure but for reading the files that go into the crate: plain values in, a crate out that can be written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from rocrate.model.contextentity import ContextEntity
from rocrate.model.entity import Entity
from rocrate.rocrate import ROCrate

from ablation.language.words import slug
from ablation.store.download import sha256

VERSION = "1.1"  # of RO-Crate, which the profiles below extend
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
LICENCE = "https://spdx.org/licenses/MIT"
TERMS = "https://w3id.org/ro/terms/workflow-run#"
# What the context of RO-Crate 1.1 lacks, in the crate itself: to read it takes no second document.
OWN_TERMS = ("sha256", "ContainerImage", "DockerImage", "containerImage", "registry", "tag")
BIOSCHEMAS = "https://bioschemas.org/profiles"
FORMATS = {
    ".html": "text/html", ".json": "application/json", ".csv": "text/csv", ".css": "text/css",
    ".svg": "image/svg+xml", ".pdf": "application/pdf", ".yaml": "application/yaml",
    ".py": "text/x-python", ".js": "text/javascript", ".gz": "application/gzip",
    ".tex": "application/x-tex", ".parquet": "application/vnd.apache.parquet",
    ".md": "text/markdown", ".po": "text/x-gettext-translation", ".rst": "text/x-rst",
}  # fmt: skip
HOME = "https://www.python.org/"  # of a package whose own is not listed
HOMES = {
    "python": "https://www.python.org/",
    "snakemake": "https://snakemake.github.io/",
    "torch": "https://pytorch.org/",
}


@dataclass(frozen=True)
class Raw:
    """A raw file: in the crate by its path, or else on the web by its address."""

    dataset: str
    name: str
    sha256: str
    source: str = ""  # in words
    path: Path | None = None
    url: str | None = None


@dataclass(frozen=True)
class Contents:
    """All that a crate says. Files are pairs of where they lie and what they are called in the crate.

    Attributes:
        title: the report's.
        study: the study's name.
        key: the fingerprint of what the crate was made from.
        ended: when the run ended, ISO 8601.
        snakemake: Snakemake file and configuration first, then the rest of the workflow.
        readme: what whoever opens the crate reads first, in Markdown.
        config: the resolved configuration.
        outputs: folder in the crate → what it is, and its files.
        software: package → version that the run used; several if cells were trained under several.
        version: of the workflow: its commit, or what stands for it.
        image: name, tag and registry of the container image that runs the workflow.
        in_image: whether this run was made in it.
        agent: ``name``, ``orcid``, ``affiliation`` and ``affiliation_url`` of who ran it, each perhaps empty.
    """

    title: str
    study: str
    key: str
    ended: str
    workflow: Sequence[tuple[Path, str]]
    readme: Path
    config: Path
    raw: Sequence[Raw]
    report: Path
    outputs: dict[str, tuple[str, Sequence[tuple[Path, str]]]]
    software: Mapping[str, Sequence[str]]
    version: str
    image: dict[str, str]
    in_image: bool = False
    agent: Mapping[str, str] = field(default_factory=dict)


def place_of(path: Path, elsewhere: str) -> str:
    """Where a file of the user's lies in a crate: at its own path, or elsewhere where that leads out of the study's folder."""
    return elsewhere if path.is_absolute() or ".." in path.parts else path.as_posix()


def build(contents: Contents) -> ROCrate:
    """The crate of a finished run; ``crate.write(folder)`` makes it."""
    crate = ROCrate(version=VERSION)
    crate.metadata.extra_terms.update({name: TERMS + name for name in OWN_TERMS})
    workflow = _workflow(crate, contents)
    _root(crate, contents)
    readme = _file(crate, contents.readme, "README.md", "What is in this crate")
    readme["about"] = crate.root_dataset
    config = _file(
        crate,
        contents.config,
        "config.yaml",
        "Configuration file of the study, resolved",
        description="All that the run was configured with, defaults filled in.",
    )
    inputs = [config, *(_raw(crate, raw) for raw in contents.raw)]
    report = _file(crate, contents.report, "report.html", f"Report of the study {contents.study}")
    folders = [
        _folder(crate, name, description, files)
        for name, (description, files) in contents.outputs.items()
    ]
    workflow["input"] = [_parameter(crate, "input", entity) for entity in inputs]
    workflow["output"] = [_parameter(crate, "output", entity) for entity in (report, *folders)]
    metrics = [
        part
        for folder in folders
        for part in folder.get("hasPart", [])
        if part.id.endswith(".json")
    ]
    _action(crate, contents, workflow, inputs, [report, *folders, *metrics])
    for entity in crate.get_entities():  # RO-Crate 1.1 wants a list of one written as the one
        written = entity.properties()
        written |= {
            name: value[0]
            for name, value in written.items()
            if isinstance(value, list) and len(value) == 1
        }
    return crate


def _root(crate: ROCrate, contents: Contents) -> None:
    crate.name = contents.title
    crate.description = (
        f"The study {contents.study}: an ablation study of neural networks with replicated runs, with its "
        "configuration file, workflow, numbers, tables and figures."
    )
    crate.datePublished = contents.ended
    crate.license = _context(
        crate,
        LICENCE,
        "CreativeWork",
        name="MIT License",
        identifier="MIT",
        url=LICENCE,
        description="Free use, change and sharing, with the licence text kept.",
    )
    crate.root_dataset["conformsTo"] = [
        _context(crate, uri, "CreativeWork", name=name, version=version)
        for uri, (name, version) in PROFILES.items()
    ]
    if contents.agent.get("name"):
        agent = _agent(crate, contents.agent)
        crate.root_dataset["author"] = agent
        if contents.agent.get("affiliation"):
            crate.publisher = agent["affiliation"]


def _workflow(crate: ROCrate, contents: Contents) -> Entity:
    (source, name), *parts = contents.workflow
    main = crate.add_workflow(
        source,
        name,
        main=True,
        lang="snakemake",
        lang_version=", ".join(contents.software["snakemake"]),
        properties=_facts(source),
    )
    main["name"] = "Ablation studies with Snakemake and PyTorch"
    main["description"] = "Download, prepare, train, evaluate, compare, draw and report."
    main["conformsTo"] = {"@id": f"{BIOSCHEMAS}/ComputationalWorkflow/1.0-RELEASE"}
    main["version"] = contents.version
    main["license"] = {"@id": LICENCE}
    main["encodingFormat"] = "text/x-python"
    main["hasPart"] = [_file(crate, path, name, name) for path, name in parts]
    main["softwareRequirements"] = [
        _application(crate, name, version)
        for name, versions in contents.software.items()
        for version in versions
    ]
    return main


def _application(crate: ROCrate, name: str, version: str) -> Entity:
    plain = version.replace(".", "")
    address = (
        f"https://www.python.org/downloads/release/python-{plain}/"
        if name == "python"
        else f"{HOMES.get(name, HOME)}#{name}-{version}"
    )
    home = HOMES.get(name, address)
    return _context(crate, address, "SoftwareApplication", name=name, version=version, url=home)


def _raw(crate: ROCrate, raw: Raw) -> Entity:
    name = f"{raw.dataset}: {raw.name}"
    description = ", ".join(filter(None, (f"Raw data of {raw.dataset}", raw.source)))
    description = f"{description}; the run verified its SHA-256."
    if raw.path is not None:
        place = place_of(raw.path, f"resources/{raw.dataset}/{raw.name}")
        if raw.path.is_dir():  # its files are there, but not listed one by one
            about = {"name": name, "sha256": raw.sha256, "description": description}
            return crate.add_dataset(raw.path, place, properties=about)
        return _file(crate, raw.path, place, name, description=description)
    about = {
        "name": name,
        "sha256": raw.sha256,
        "description": description,
        "encodingFormat": FORMATS[".gz"],
    }
    return crate.add_file(raw.url, properties=about)


def _folder(
    crate: ROCrate, name: str, description: str, files: Sequence[tuple[Path, str]]
) -> Entity:
    entity = crate.add_dataset(
        dest_path=name, properties={"name": name, "description": description}
    )
    entity["hasPart"] = [_file(crate, source, dest, dest) for source, dest in files]
    return entity


def _file(crate: ROCrate, source: Path, dest: str, name: str, **about: Any) -> Entity:
    return crate.add_file(source, dest, properties={"name": name, **_facts(source), **about})


def _facts(source: Path) -> dict[str, str]:
    """What a file in the crate says of its bytes."""
    return {
        "contentSize": str(source.stat().st_size),
        "encodingFormat": FORMATS.get(source.suffix, "text/plain"),
        "sha256": sha256(source),
    }


def _parameter(crate: ROCrate, kind: str, entity: Entity) -> Entity:
    """What a file or folder is to the workflow."""
    folder = "Dataset" in entity.type
    uri = address = f"#{kind}-{slug(entity['name'])}"
    for number in count(2):  # names in Chinese may leave the same letters
        if crate.get(address) is None:
            break
        address = f"{uri}-{number}"
    parameter = _context(
        crate,
        address,
        "FormalParameter",
        name=slug(entity["name"]),
        description=entity.get("description") or entity["name"],
        additionalType="Dataset" if folder else "File",
        conformsTo={"@id": f"{BIOSCHEMAS}/FormalParameter/1.0-RELEASE"},
    )
    parameter["workExample"] = entity
    entity["exampleOfWork"] = parameter
    return parameter


def _action(
    crate: ROCrate,
    contents: Contents,
    workflow: Entity,
    inputs: Sequence[Entity],
    results: Sequence[Entity],
) -> None:
    image = _context(
        crate,
        f"#image-{slug(contents.image['name'])}",
        "ContainerImage",
        additionalType={"@id": f"{TERMS}DockerImage"},
        **contents.image,
    )
    action = _context(
        crate,
        f"#run-{contents.key}",
        "CreateAction",
        name=f"Run of the study {contents.study}",
        description="Every configuration was trained and evaluated, or taken from the store if it had been trained before.",
        endTime=contents.ended,
        actionStatus="http://schema.org/CompletedActionStatus",
    )
    action["instrument"] = workflow
    action["object"] = list(inputs)
    action["result"] = list(results)
    if contents.agent.get("name"):
        action["agent"] = _agent(crate, contents.agent)
    if contents.in_image:
        action["containerImage"] = image
    workflow.append_to("softwareRequirements", image)
    crate.root_dataset["mentions"] = action


def _agent(crate: ROCrate, agent: Mapping[str, str]) -> Entity:
    address = agent.get("orcid") or f"#person-{slug(agent['name'])}"
    if crate.get(address):
        return crate.get(address)
    person = _context(crate, address, "Person", name=agent["name"])
    if agent.get("affiliation"):
        home = agent.get("affiliation_url") or None
        person["affiliation"] = _context(
            crate,
            home or f"#organization-{slug(agent['affiliation'])}",
            "Organization",
            name=agent["affiliation"],
            url=home,
        )
    return person


def _context(crate: ROCrate, uri: str, kind: str, /, **properties: Any) -> Entity:
    known_properties = {name: value for name, value in properties.items() if value is not None}
    return crate.add(ContextEntity(crate, uri, properties={"@type": kind, **known_properties}))
