"""Any bytes as a file that is read: its values or an error of ours, in a limited memory."""

from __future__ import annotations

import copy
import gzip
import io
import json
import resource
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ablation.commands.diff import diff
from ablation.commands.dispatch import MistakeError
from ablation.data import images_from_folder, images_from_idx, table_from_csv
from ablation.results import verification
from ablation.results.bundle import BundleError, document, embed, parted, read
from ablation.results.frames import read_csv
from ablation.store.entries import MANIFEST, find
from ablation.store.files import read_json, sealed
from ablation.study.progress import latest
from ablation.training.checkpoint import CheckpointFile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from report.sample import only, sample
from safetensors.numpy import save

ROOM = 1 << 30  # bytes that a reader may take; a file here has a few thousand
DEEP = '{"a":' * 100_000
many = settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module", autouse=True)
def limited() -> Iterator[None]:
    """The memory that this process has now, and some room."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + ROOM, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """A file in which up to four bytes, numbers or stretches are others."""
    found = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, max(0, len(found) - 1)))
        kind = draw(st.sampled_from(["byte", "number", "cut", "end", "more"]))
        if kind == "byte" and found:
            found[place] = draw(st.integers(0, 255))
        elif kind == "number":
            found[place : place + 4] = draw(
                st.sampled_from([b"\xff" * 4, b"\x7f" + b"\xff" * 3, bytes(4)])
            )
        elif kind == "cut":
            del found[place : place + draw(st.integers(1, 20))]
        elif kind == "end":
            del found[place:]
        else:
            found[place:place] = draw(st.binary(max_size=8))
    return bytes(found)


def refused(read: Callable[[], Any], *errors: type[Exception]) -> None:
    """Read, and let nothing through but the errors that are the reader's own, each in one line."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            read()
        except errors as error:
            said = str(error)
            assert said and "\n" not in said


def idx(values: np.ndarray) -> bytes:
    header = struct.pack(">HBB", 0, 8, values.ndim) + struct.pack(f">{values.ndim}I", *values.shape)
    return header + values.tobytes()


IMAGES, LABELS = idx(np.zeros((5, 4, 6), np.uint8)), idx(np.arange(5, dtype=np.uint8))


def idx_pair(folder: Path, images: bytes, packed: str = "") -> None:
    (folder / f"train-images-idx3-ubyte{packed}").write_bytes(images)
    (folder / "train-labels-idx1-ubyte").write_bytes(LABELS)
    refused(lambda: images_from_idx(folder, test=None), ValueError)


@many
@given(damaged(IMAGES))
def test_idx(tmp_path: Path, content: bytes) -> None:
    idx_pair(tmp_path, content)


@many
@given(st.one_of(damaged(gzip.compress(IMAGES)), damaged(IMAGES).map(gzip.compress)))
def test_packed_idx(tmp_path: Path, content: bytes) -> None:
    folder = tmp_path / "packed"
    folder.mkdir(exist_ok=True)
    idx_pair(folder, content, ".gz")


def test_a_packed_idx_file_takes_no_memory_for_what_it_does_not_hold(tmp_path: Path) -> None:
    """Two million bytes may hold two thousand million, so that the header alone does not refuse it."""
    head = struct.pack(">4B3I", 0, 0, 8, 3, 2**21 - 2**14, 32, 32)
    noise = np.random.default_rng(0).integers(0, 256, 2**21, np.uint8).tobytes()
    idx_pair(tmp_path, gzip.compress(head + noise), ".gz")


def picture(kind: str, mode: str) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 255, (8, 8, 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(stream, kind)
    return stream.getvalue()


PICTURES = [picture(kind, mode) for kind, mode in (("PNG", "RGBA"), ("PNG", "P"), ("JPEG", "RGB"))]


def chunk(kind: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def png(width: int, height: int, *more: bytes) -> bytes:
    head = chunk(b"IHDR", struct.pack(">2I5B", width, height, 8, 6, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n"
        + head
        + b"".join(more)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


def one_picture(folder: Path, content: bytes) -> None:
    (folder / "oak").mkdir(exist_ok=True)
    (folder / "oak" / "a.png").write_bytes(content)
    refused(lambda: images_from_folder(folder, side=4), ValueError)


@many
@given(st.sampled_from(PICTURES).flatmap(damaged))
def test_pictures(tmp_path: Path, content: bytes) -> None:
    one_picture(tmp_path, content)


BOMB = zlib.compress(bytes(1 << 26))


@pytest.mark.parametrize(
    "content",
    [
        png(2**31 - 1, 2**31 - 1),
        png(2**31 - 1, 1),
        png(20_000, 20_000),
        png(0, 0),
        png(4, 4, b"\xff\xff\xff\xffIDAT"),
        png(13_000, 13_000),
        png(4, 4, chunk(b"zTXt", b"a\0\0" + BOMB)),
        png(4, 4, chunk(b"iCCP", b"a\0\0" + BOMB)),
    ],
    ids=["2^62 pixels", "one line", "20,000 squared", "none", "long chunk", "13,000 squared", "text bomb", "profile bomb"],
)  # fmt: skip
def test_what_a_png_says_of_itself(tmp_path: Path, content: bytes) -> None:
    one_picture(tmp_path, content)


TABLE = b'a,b,kind\n1,2,x\n3,4e1,y\n"5",-6,x\n'


@many
@given(
    st.one_of(damaged(TABLE), st.text().map(str.encode), st.binary()), st.booleans(), st.booleans()
)
def test_tables(tmp_path: Path, content: bytes, header: bool, packed: bool) -> None:
    path = tmp_path / ("table.csv.gz" if packed else "table.csv")
    path.write_bytes(gzip.compress(content) if packed else content)
    refused(lambda: table_from_csv(path, header=header), ValueError)
    refused(lambda: read_csv(path, ("a",)), ValueError)


@many
@given(damaged(gzip.compress(TABLE)))
def test_a_damaged_packing(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "table.csv.gz"
    path.write_bytes(content)
    refused(lambda: table_from_csv(path), ValueError)


TENSORS = save({"w": np.arange(6.0)}, {"identity": "{}", "cost": "{}", "digest": "x"})
HEADERS = [struct.pack("<Q", size) for size in (2**40, 2**63, 2**64 - 1, 100 << 20)]


@many
@given(st.one_of(damaged(TENSORS), st.sampled_from(HEADERS), st.binary()))
def test_checkpoints(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "checkpoint.safetensors"
    path.write_bytes(content)
    found = CheckpointFile(path, {}, 1.0, dict)
    assert found.load() is None and found.earlier_cost() == {}


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
NAMES = st.sampled_from(["files", "failures", "../x", "/etc/passwd", "a", "digest"])


def seal(value: dict[str, Any]) -> str:
    try:
        return json.dumps(sealed(value))
    except ValueError:  # not finite
        return json.dumps({**value, "digest": "x"})


@many
@given(st.one_of(st.dictionaries(NAMES, JSON | st.dictionaries(NAMES, JSON)).map(seal), JSON.map(json.dumps),
                 st.text(), st.just(DEEP), st.just("9" * 5000)))  # fmt: skip
def test_documents_of_the_store(tmp_path: Path, text: str) -> None:
    for name in (MANIFEST, verification.FILE, "progress.jsonl"):
        (tmp_path / name).write_bytes(text.encode("utf-8", "surrogatepass") + b"\n")
    read_json(tmp_path / MANIFEST)
    entry = find(tmp_path)
    assert entry is None or all(
        (tmp_path / name).resolve().is_relative_to(tmp_path) for name in entry.files
    )
    verification.read(tmp_path)
    latest(tmp_path / "progress.jsonl")


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "a/../../outside"])
def test_a_manifest_names_no_file_outside(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "a" / "entry"
    folder.mkdir(parents=True)
    (folder / "a").mkdir()
    (folder.parent / "outside").touch()
    (folder / MANIFEST).write_text(seal({"files": {name: "0" * 64}, "failures": {}}))
    assert (folder / name).is_file()
    assert find(folder) is None


def report(data: str, run: str = "{}") -> str:
    start = '<script type="application/json" id="{}">{}</script>'
    return start.format("study-data", data) + start.format("run-data", run)


@pytest.mark.parametrize(
    "text",
    [
        "", report(DEEP), report("[]"), report("NaN"), report('{"a": NaN}'), report("9" * 5000), report("{}"),
        report(seal({"format": 4})), report(seal({"format": 4, "study": {"models": 3}})),
        report(seal({"format": 4, "study": {"models": [{"axes": [{"cells": [{"key": "a"}]}]}]}}), seal({"a": "x"})),
        report('{"a":' * 900 + "1" + "}" * 900),
        '<script type="application/json" id="study-data">' * 50_000,
    ],
)  # fmt: skip
def test_what_is_no_report(tmp_path: Path, text: str) -> None:
    path = tmp_path / "report.html"
    path.write_text(text)
    with pytest.raises(BundleError, match=r"^[^\n]+$"):
        read(path)


def test_a_device_is_no_report() -> None:
    with pytest.raises(MistakeError, match="it is no file"):
        diff("/dev/zero", "/dev/zero", Path("x"), language=None)


@cache
def whole() -> dict[str, Any]:
    made = only(sample(), "cnn", "kernel")
    return document(made.study, made.comparisons, made.tables["replicates"], made.config)


def html(bundle: dict[str, Any]) -> str:
    lasting, run = parted(copy.deepcopy(bundle))
    return report(embed(lasting), embed(run))


@settings(max_examples=6, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_reports_whose_parts_do_not_fit(tmp_path: Path, data: st.DataObject) -> None:
    """A sealed report in which something is missing or another value is compared, or refused in one sentence."""
    bundle = copy.deepcopy(whole())
    parent: Any = bundle
    last: Any = data.draw(st.sampled_from(["study", "comparisons", "replicates", "config"]))
    for _ in range(data.draw(st.integers(0, 5))):
        inner = parent[last]
        if not isinstance(inner, dict | list) or not inner:
            break
        names = list(inner) if isinstance(inner, dict) else list(range(len(inner)))
        parent, last = inner, data.draw(st.sampled_from(names))
    if data.draw(st.booleans()):
        del parent[last]
    else:
        parent[last] = data.draw(st.sampled_from([None, 3, "x", [], {}, [[]], True]))
    (tmp_path / "a.html").write_text(html(whole()))
    try:
        (tmp_path / "b.html").write_text(html(bundle))
    except (LookupError, TypeError, AttributeError):
        return  # what cannot even be written
    a, b = (str(tmp_path / name) for name in ("a.html", "b.html"))
    refused(lambda: diff(a, b, tmp_path / "diff.html", language=None), MistakeError)
