"""Downloads that go wrong, from a server of our own: killed, refused, short, long, slow, a web page, damaged later."""

from __future__ import annotations

import gzip
import hashlib
import random
import signal
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from workflow_project import Done, Project

from faults.bench import Bench, Fault, Outcome, last_line
from faults.damage import flip

SIZES = {"train": 1000, "t10k": 200}
PAGE = b"<html><h1>Please log in</h1></html>"


@cache
def files() -> dict[str, bytes]:
    """Images and labels in the form of MNIST: name → content."""
    rng, found = random.Random(0), {}
    for name, count in SIZES.items():
        images = struct.pack(">4I", 2051, count, 28, 28) + rng.randbytes(count * 784)
        labels = struct.pack(">2I", 2049, count) + bytes(i % 10 for i in range(count))
        found[f"{name}-images-idx3-ubyte.gz"] = gzip.compress(images, mtime=0)
        found[f"{name}-labels-idx1-ubyte.gz"] = gzip.compress(labels, mtime=0)
    return found


class Server(ThreadingHTTPServer):
    """Serves the files, the first answers with a fault."""

    def __init__(self, fault: str, bad: float = float("inf")) -> None:
        self.fault, self.bad, self.asked = fault, bad, 0
        super().__init__(("127.0.0.1", 0), Answer)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a download that was killed leaves a broken pipe."""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


class Answer(BaseHTTPRequestHandler):
    """One answer."""

    server: Server

    def do_GET(self) -> None:
        content, fault = files()[self.path.strip("/")], self.server.fault
        self.server.asked += 1
        if self.server.asked > self.server.bad:
            fault = ""
        if fault == "a web page":
            content = PAGE
        length = len(content) + (7 if fault == "long" else 0)
        self.send_response(200)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        if fault == "short":
            content = content[: len(content) // 2]
        if fault == "long":
            content += b"further"
        if fault == "slow":
            for start in range(0, len(content), len(content) // 4 + 1):
                self.wfile.write(content[start : start + len(content) // 4 + 1])
                self.wfile.flush()
                time.sleep(0.3)
        else:
            self.wfile.write(content)
        if fault == "short":
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def _serving(server: Server) -> Iterator[Server]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


RAW = tuple(f"resources/kmnist/{name}" for name in files())


def _project(bench: Bench) -> Project:
    """A study whose data set is what our server has."""
    project = bench.copy()
    source = project.source("data/mnist")
    text = source.read_text("utf-8")
    begin = text.index('"kmnist": {', text.index("FILES = "))
    pins = "".join(f'"{n}": "{hashlib.sha256(c).hexdigest()}",' for n, c in files().items())
    text = f'{text[:begin]}"kmnist": {{{pins}{text[text.index("}", begin) :]}'
    text = text.replace('"kmnist": 70_000', f'"kmnist": {sum(SIZES.values())}')
    text = text.replace('"kmnist": [60_000, 10_000]', f'"kmnist": {list(SIZES.values())}')
    source.write_text(text, "utf-8")

    def configure(config: dict[str, Any]) -> None:
        config["models"]["cnn"]["parameters"]["dataset"] = "kmnist"

    project.configure(configure)
    return project


def _from(server: Server | None) -> dict[str, str]:
    """What tells the command where to fetch from; nothing leaves this machine."""
    nowhere = "http://127.0.0.1:9"
    address = server.address if server else nowhere
    return {"KMNIST_MIRROR": address, "no_proxy": "127.0.0.1"} | dict.fromkeys(
        ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), nowhere
    )


def _are_right(project: Project) -> bool:
    found = {Path(name).name: project.path / name for name in RAW}
    return all(p.is_file() and p.read_bytes() == files()[n] for n, p in found.items())


def _ended(bench: Bench, project: Project, remark: str = "", *, first: bool = True) -> Outcome:
    """Give the command again, from a server that does nothing wrong."""
    with _serving(Server("")) as server:
        done = bench.again(project, *RAW, **_from(server))
    right = _are_right(project)
    bench.drop(project)
    if done.status:
        remark = f"{remark} status {done.status}: {last_line(done.text)}".strip()
    return Outcome(done.status == 0, right and first, remark)


def _wrong(bench: Bench, rng: random.Random, *, fault: str) -> Outcome:
    """A server of which the first answer or all are wrong: tried again, or told in one sentence and nothing kept."""
    project = _project(bench)
    bad = rng.choice([1, float("inf")])
    with _serving(Server(fault, bad)) as server:
        done = bench.again(project, *RAW, **_from(server))
    if bad == 1 or fault == "slow":
        fine = done.status == 0 and _are_right(project)
        remark = "by the first command" if fine else f"status {done.status}"
    else:
        fine, remark = _told(done, project), "told, then fetched"
    remark = remark if fine else f"{remark}: {last_line(done.text)}"
    return _ended(bench, project, remark, first=fine)


def _told(done: Done, project: Project) -> bool:
    """Whether a download ended in one sentence and left nothing."""
    said = "no mirror gave the files of kmnist" in done.text and "Traceback" not in done.text
    return done.status == 1 and said and not any((project.path / name).exists() for name in RAW)


def _not_served(bench: Bench, rng: random.Random) -> Outcome:
    """Nobody listens."""
    project = _project(bench)
    done = bench.again(project, *RAW, **_from(None))
    fine = _told(done, project)
    return _ended(bench, project, "" if fine else last_line(done.text), first=fine)


def _killed(bench: Bench, rng: random.Random) -> Outcome:
    """SIGKILL to all in mid-download."""
    project = _project(bench)
    with _serving(Server("slow")) as server:
        run = bench.start(project, *RAW, **_from(server))
        while not server.asked and not run.ended():
            time.sleep(0.02)
        time.sleep(rng.uniform(0, 3))
        run.send(signal.SIGKILL, group=True)
        run.done()
    left = [name for name in RAW if (project.path / name).exists()]
    fine = not left or _are_right(project)
    return _ended(bench, project, "" if fine else f"left {left}", first=fine)


def _damaged_later(bench: Bench, rng: random.Random) -> Outcome:
    """A bit flips on disk: found before data are made of it, and fetched again."""
    project = _project(bench)
    with _serving(Server("")) as server:
        bench.again(project, *RAW, **_from(server))
        path = project.path / rng.choice(RAW)
        flip(path, rng)
        target = _prepared(project)
        done = bench.again(project, target, **_from(server))
    made = (project.path / target).is_file()
    named = any(path.name in line and "is damaged" in line for line in done.text.splitlines())
    remark = "" if made and named else f"made: {made}, named: {named}, {last_line(done.text)}"
    return _ended(bench, project, remark, first=made and named)


def _prepared(project: Project) -> str:
    """The manifest of the data set's prepared data."""
    project.plan()  # writes the specifications
    for path in project.path.glob("results/store/specs/*.json"):
        text = path.read_text("utf-8")
        if '"stage":"prepare"' in text and '"dataset":"kmnist"' in text:
            return f"results/store/prepare/{path.stem}/manifest.json"
    raise RuntimeError("no specification of prepared data")


FAULTS = [
    Fault("downloads", "download killed", _killed),
    Fault("downloads", "download refused", _not_served),
    *(
        Fault("downloads", f"download {name}", partial(_wrong, fault=name), short=name == "short")
        for name in ("short", "long", "slow")
    ),
    Fault("downloads", "download of a web page", partial(_wrong, fault="a web page")),
    Fault("downloads", "downloaded file damaged later", _damaged_later),
]
