"""A stand-in for the API server of Kubernetes: jobs of batch/v1 in one namespace, run on this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any

from jsonschema import Draft202012Validator

Json = dict[str, Any]
SCHEMA = Path(__file__).resolve().parents[1] / "data" / "kubernetes-1.36-job.json"
JOBS = "/apis/batch/v1/namespaces/default/jobs"
JOB = {
    "name": "jobs",
    "singularName": "job",
    "namespaced": True,
    "kind": "Job",
    "verbs": ["create", "delete", "get"],
}
BATCH = {"groupVersion": "batch/v1", "version": "v1"}
DISCOVERY: dict[str, Json] = {
    "/version": {"major": "1", "minor": "36", "gitVersion": "v1.36.0"},
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": []},
    "/apis": {
        "kind": "APIGroupList",
        "apiVersion": "v1",
        "groups": [{"name": "batch", "versions": [BATCH], "preferredVersion": BATCH}],
    },
    "/apis/batch/v1": {"kind": "APIResourceList", "groupVersion": "batch/v1", "resources": [JOB]},
}


def status(code: int, message: str = "", reason: str = "") -> tuple[int, Json]:
    """What the server answers in place of an object."""
    outcome = "Success" if code < 400 else "Failure"
    facts = {"status": outcome, "message": message, "reason": reason, "code": code}
    return code, {"kind": "Status", "apiVersion": "v1", **facts}


class Cluster:
    """The jobs that were asked for and their processes.

    Attributes:
        asked: every job as it was sent.
        refused: why jobs were not taken, by the schema.
    """

    def __init__(self, log: Path) -> None:
        self.asked: list[Json] = []
        self.refused: list[str] = []
        self._log, self._lock = log, Lock()
        self._jobs: dict[str, Json] = {}
        self._pods: dict[str, subprocess.Popen[bytes]] = {}
        self._schema = Draft202012Validator(json.loads(SCHEMA.read_text("utf-8")))

    def create(self, job: Json) -> tuple[int, Json]:
        """Take a job that is valid, and start it."""
        errors = [error.message for error in self._schema.iter_errors(job)]
        if errors:
            self.refused += errors
            return status(422, "; ".join(errors), "Invalid")
        with self._lock:
            self.asked.append(job)
            name = f"{job['metadata']['generateName']}{len(self.asked):05}"
            self._jobs[name] = {**job, "metadata": {**job["metadata"], "name": name}}
            container = job["spec"]["template"]["spec"]["containers"][0]
            with self._log.open("ab") as log:
                self._pods[name] = subprocess.Popen(
                    container["command"],
                    cwd=container["workingDir"],
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
        return 201, self._jobs[name]

    def get(self, name: str) -> tuple[int, Json]:
        """A job with its state, or that there is none."""
        if name not in self._jobs:
            return status(404, f'jobs.batch "{name}" not found', "NotFound")
        ended = self._pods[name].poll()
        found = {None: {"active": 1}, 0: {"succeeded": 1}}.get(ended, {"failed": 1})
        return 200, {**self._jobs[name], "status": found}

    def delete(self, name: str) -> tuple[int, Json]:
        """Forget a job and end its process, with all that it has started."""
        if name not in self._jobs:
            return self.get(name)
        del self._jobs[name]
        pod = self._pods[name]
        if pod.poll() is None:
            os.killpg(pod.pid, signal.SIGKILL)
            pod.wait()
        return status(200)

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Json]:
        """Code and document of a request."""
        if method == "GET" and path in DISCOVERY:
            return 200, DISCOVERY[path]
        if method == "POST" and path == JOBS:
            return self.create(json.loads(body))
        if path.startswith(f"{JOBS}/") and method in ("GET", "DELETE"):
            name = path.removeprefix(f"{JOBS}/")
            return self.get(name) if method == "GET" else self.delete(name)
        return status(404, f"{method} {path} is not here", "NotFound")


@contextmanager
def serving(log: Path, config: Path) -> Iterator[Cluster]:
    """Serve a cluster whose pods print into a log, and write the configuration for kubectl."""
    cluster = Cluster(log)

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            code, document = cluster.answer(self.command, self.path.partition("?")[0], body)
            content = json.dumps(document).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def do_DELETE(self) -> None:
            self._answer()

        def log_message(self, format: str, *args: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        here = {"cluster": "here", "user": "me", "namespace": "default"}
        address = {"server": f"http://127.0.0.1:{server.server_port}"}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "here", "cluster": address}],
            "users": [{"name": "me", "user": {}}],
            "contexts": [{"name": "here", "context": here}],
            "current-context": "here",
        }
        config.write_text(json.dumps(document), "utf-8")
        Thread(target=server.serve_forever, daemon=True).start()
        yield cluster
        server.shutdown()
