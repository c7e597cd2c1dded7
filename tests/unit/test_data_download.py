"""Raw files are there whole and as pinned, or not at all."""

import hashlib
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from ablation.data import boston, mnist
from ablation.store.download import (
    TORCHVISION,
    DownloadError,
    copy_embedded,
    fetch_official,
    mirror_variable,
    sha256,
    verify,
)
from ablation.study.config import schema

OFFICIAL = tuple(name for name, origin in mnist.FROM.items() if origin == "torchvision")
CONTENT = {"images.gz": b"many images " * 99, "labels.gz": b"many labels"}
PINNED = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENT.items()}


@pytest.fixture(autouse=True)
def no_other_mirrors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here leaves the machine."""
    from torchvision.datasets import MNIST

    monkeypatch.setattr(MNIST, "mirrors", [])


def mirror(folder: Path, changes: dict[str, bytes | None] | None = None) -> str:
    """A mirror on disk: the pinned content with some files changed or left out."""
    folder.mkdir()
    for name, content in {**CONTENT, **(changes or {})}.items():
        if content is not None:
            (folder / name).write_bytes(content)
    return folder.as_uri()


class Answer(BaseHTTPRequestHandler):
    """Under /lost/ every file is a page that says 404; elsewhere a page that pretends to be the file."""

    def do_GET(self) -> None:
        self.send_response(404 if self.path.startswith("/lost/") else 200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<html><h1>Not found</h1></html>")

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    httpd.server_close()
    thread.join()


def left(folder: Path) -> list[str]:
    """Everything in the download's surroundings, drafts included."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_good_files(tmp_path: Path) -> None:
    good = mirror(tmp_path / "mirror")
    folder = tmp_path / "resources" / "mnist"
    assert fetch_official("mnist", PINNED, folder, [good]) == good
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == CONTENT
    assert left(tmp_path / "resources") == ["mnist", "mnist/images.gz", "mnist/labels.gz"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"labels.gz": CONTENT["labels.gz"][:5]}, "labels.gz has SHA-256"),
        ({"labels.gz": CONTENT["labels.gz"] + b"\0"}, "12 bytes"),
        ({"images.gz": b"other bytes."}, "images.gz has SHA-256"),
        ({"images.gz": b""}, "0 bytes"),
        ({"labels.gz": None}, "labels.gz"),
    ],
    ids=["truncated", "too long", "wrong", "empty", "missing"],
)
def test_bad_files_are_refused(tmp_path: Path, changes: dict[str, bytes | None], said: str) -> None:
    bad = mirror(tmp_path / "mirror", changes)
    resources = tmp_path / "resources"
    with pytest.raises(DownloadError) as refused:
        fetch_official("mnist", PINNED, resources / "mnist", [bad])
    message = str(refused.value)
    assert message.startswith(
        "no mirror gave the files of mnist in 1 rounds (set MNIST_MIRROR or data.mirrors.mnist): "
    )
    assert bad in message
    assert said in message
    assert "\n" not in message
    assert left(resources) == []


@pytest.mark.parametrize(("path", "said"), [("lost", "404"), ("page", "SHA-256")])
def test_web_pages_are_refused(tmp_path: Path, server: str, path: str, said: str) -> None:
    resources = tmp_path / "resources"
    with pytest.raises(DownloadError, match=said) as refused:
        fetch_official("mnist", PINNED, resources / "mnist", [f"{server}/{path}/"], timeout=5)
    assert "\n" not in str(refused.value)
    assert left(resources) == []


def test_no_answer_is_refused(tmp_path: Path, server: str) -> None:
    nobody = "http://127.0.0.1:9/"
    with pytest.raises(DownloadError, match="no mirror gave"):
        fetch_official("mnist", PINNED, tmp_path / "resources" / "mnist", [nobody], timeout=5)
    assert left(tmp_path / "resources") == []


def test_the_next_mirror_serves(tmp_path: Path, server: str) -> None:
    bad = mirror(tmp_path / "bad", {"labels.gz": b"wrong"})
    good = mirror(tmp_path / "good") + "/"
    folder = tmp_path / "resources" / "mnist"
    assert fetch_official("mnist", PINNED, folder, [f"{server}/lost", bad, good], timeout=5) == good
    assert {path.name: sha256(path) for path in folder.iterdir()} == PINNED
    assert left(tmp_path / "resources") == ["mnist", "mnist/images.gz", "mnist/labels.gz"]


def test_the_message_names_every_mirror(tmp_path: Path) -> None:
    mirrors = [mirror(tmp_path / name, {"images.gz": None}) for name in ("one", "two")]
    with pytest.raises(DownloadError) as refused:
        fetch_official("mnist", PINNED, tmp_path / "mnist", mirrors)
    assert all(each in str(refused.value) for each in mirrors)


def test_torchvisions_mirrors_come_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision.datasets import MNIST

    monkeypatch.setattr(MNIST, "mirrors", [mirror(tmp_path / "own")])
    bad = mirror(tmp_path / "bad", {"labels.gz": None})
    assert fetch_official("mnist", PINNED, tmp_path / "mnist", [bad]) == MNIST.mirrors[0]
    good = mirror(tmp_path / "good")
    assert fetch_official("mnist", PINNED, tmp_path / "mnist", [good]) == good


def test_a_bad_download_leaves_good_files_alone(tmp_path: Path) -> None:
    folder = tmp_path / "mnist"
    fetch_official("mnist", PINNED, folder, [mirror(tmp_path / "good")])
    with pytest.raises(DownloadError):
        fetch_official("mnist", PINNED, folder, [mirror(tmp_path / "bad", {"labels.gz": b"wrong"})])
    assert {path.name: sha256(path) for path in folder.iterdir()} == PINNED


@pytest.mark.parametrize("files", [boston.FILES, mnist.FILES["mnist-5k"]])
def test_embedded_files(tmp_path: Path, files: dict[str, str]) -> None:
    copy_embedded(files, tmp_path / "resources")
    assert {path.name: sha256(path) for path in (tmp_path / "resources").iterdir()} == files


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"boston_housing.csv": "0" * 64}, r"boston_housing\.csv has SHA-256 8594f084258e"),
        ({"wine.tar": "0" * 64}, r"wine\.tar is missing"),
    ],
)
def test_embedded_files_are_verified(tmp_path: Path, files: dict[str, str], said: str) -> None:
    with pytest.raises(DownloadError, match=said):
        copy_embedded(files, tmp_path / "resources" / "boston")
    assert left(tmp_path / "resources") == []


def test_verify(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    verify(path, hashlib.sha256(b"abc").hexdigest())
    with pytest.raises(DownloadError, match=r"^file has SHA-256 ba7816bf8f01… and 3 bytes"):
        verify(path, "0" * 64)


def test_torchvision_serves_no_other_data_set(tmp_path: Path) -> None:
    with pytest.raises(
        DownloadError, match="torchvision does not serve leaves: allowed is one of mnist"
    ):
        fetch_official("leaves", PINNED, tmp_path / "leaves", [])


def test_every_download_has_mirrors_in_the_schema_and_in_torchvision() -> None:
    import torchvision.datasets

    declared = schema()["properties"]["data"]["properties"]["mirrors"]["properties"]
    assert set(declared) == set(OFFICIAL) == set(TORCHVISION)
    for name in TORCHVISION.values():
        assert issubclass(getattr(torchvision.datasets, name), torchvision.datasets.MNIST)


def test_the_variable_of_each_data_set() -> None:
    assert [mirror_variable(name) for name in OFFICIAL] == [
        *("MNIST_MIRROR", "FASHION_MNIST_MIRROR", "KMNIST_MIRROR"),
    ]


def test_half_a_file_is_refused(tmp_path: Path) -> None:
    """A server that promises more bytes than it sends."""

    class Half(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = CONTENT[self.path.rsplit("/", 1)[-1]]
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2])

        def log_message(self, format: str, *args: object) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Half)
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        address = f"http://127.0.0.1:{httpd.server_port}/"
        with pytest.raises(DownloadError, match=r"images\.gz has SHA-256"):
            fetch_official("mnist", PINNED, tmp_path / "resources" / "mnist", [address], timeout=5)
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join()
    assert left(tmp_path / "resources") == []


def test_a_known_repackaging_serves_and_no_other(tmp_path: Path) -> None:
    other = mirror(tmp_path / "other", {"labels.gz": b"the same in another wrapping"})
    packed = {PINNED["labels.gz"]: hashlib.sha256(b"the same in another wrapping").hexdigest()}
    folder = tmp_path / "resources" / "mnist"
    with pytest.raises(DownloadError):
        fetch_official("mnist", PINNED, folder, [other])
    assert fetch_official("mnist", PINNED, folder, [other], repacked=packed) == other
    verify(folder / "labels.gz", PINNED["labels.gz"], packed)


def test_a_host_that_comes_back_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    def come_back(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 2:
            mirror(tmp_path / "late")

    monkeypatch.setattr(time, "sleep", come_back)
    late, folder = (tmp_path / "late").as_uri(), tmp_path / "resources" / "mnist"
    assert fetch_official("mnist", PINNED, folder, [late], pauses=(1, 2, 4)) == late
    assert waited == [1, 2]
    assert {path.name: sha256(path) for path in folder.iterdir()} == PINNED


def test_it_gives_up_after_the_last_pause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    bad = mirror(tmp_path / "bad", {"labels.gz": b"wrong"})
    with pytest.raises(DownloadError, match="in 3 rounds") as refused:
        fetch_official("mnist", PINNED, tmp_path / "mnist", [bad], pauses=(1, 2))
    assert waited == [1, 2]
    assert str(refused.value).count(bad) == 1
