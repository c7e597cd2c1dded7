"""What must hold of the image. Each check is one line of the result; they run in order, on one output folder."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine import MOUNT_POINT, Done, Engine

CELL = "results/fnn/activation_tanh/metrics.json"
SMOKE = ("--configfile", "config/smoke.yaml")
OWNER, STRANGER = 1000, 1234
COMPILERS = "gcc cc g++ c++ clang make ld as"
IDLE = "Nothing to be done"
# Compares the packages of the image with the pins given as arguments; Debian's venv adds pip.
COMPARE = """
import sys
from importlib.metadata import distributions
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name as plain
wanted = {}
for requirement in map(Requirement, sys.argv[1:]):
    if requirement.marker is None or requirement.marker.evaluate():
        wanted[plain(requirement.name)] = str(requirement.specifier)[2:]
found = {plain(each.name): each.version for each in distributions()}
found.pop("pip")
different = sorted(found.items() ^ wanted.items())
sys.exit("\\n".join(" ".join(pair) for pair in different) or 0)
"""


@dataclass
class Bench:
    """An image under test and the folders that it is tried on.

    Attributes:
        context: a copy of the project to build from.
        output: the output folder of the image's own user.
    """

    engine: Engine
    tag: str
    context: Path
    output: Path
    version: str
    revision: str
    notes: list[str] = field(default_factory=list)

    def build(self) -> None:
        facts = {"VERSION": self.version, "REVISION": self.revision}
        self.engine.build(self.context, self.tag, facts)

    def run(self, *command: str, status: int = 0, **options: Any) -> Done:
        """Run a command in the image and insist on its exit status."""
        done = self.engine.run(self.tag, *command, **options)
        end = "\n".join(done.text.splitlines()[-25:])
        words = " ".join(" ".join(command).split())
        assert done.status == status, f"{words[:80]} ended with {done.status}:\n{end}"
        return done

    def study(self, *words: str, status: int = 0) -> Done:
        """Run Snakemake on the output folder, as the image's own user."""
        return self.run("snakemake", *words, status=status, mount=self.output)

    def clean(self) -> None:
        """Remove what containers made; without root, only they can remove what is another user's."""
        if os.geteuid():
            for path in (self.output, *self.output.parent.glob("stranger")):
                wipe = f"find {MOUNT_POINT} -mindepth 1 -delete"
                self.engine.run(self.tag, "sh", "-c", wipe, mount=path, user="0:0", capable=True)


def folder(path: Path, owner: int) -> Path:
    """A new folder of this owner; without root, one that anybody may write to."""
    path.mkdir()
    if os.geteuid() == 0:
        os.chown(path, owner, owner)
    else:
        path.chmod(0o1777)
    return path


def owners(path: Path) -> set[int]:
    return {each.lstat().st_uid for each in path.rglob("*")}


def builds(bench: Bench) -> None:
    bench.build()
    bench.notes.append(f"image size: {bench.engine.image(bench.tag).size}")


def has_labels(bench: Bench) -> None:
    labels = bench.engine.image(bench.tag).labels
    expected = {"version": bench.version, "revision": bench.revision, "licenses": "MIT"}
    for name, value in expected.items():
        assert labels.get(f"org.opencontainers.image.{name}") == value, labels
    assert labels.get("org.opencontainers.image.title") and labels.get(
        "org.opencontainers.image.description"
    )


def is_not_root(bench: Bench) -> None:
    assert bench.engine.image(bench.tag).user == f"{OWNER}:{OWNER}"
    assert bench.run("id", "-u").text.strip() == str(OWNER)


def has_no_capability(bench: Bench) -> None:
    facts = bench.run("grep", "-E", "^(Cap|NoNewPrivs)", "/proc/self/status").text.split()
    found = dict(zip(facts[::2], facts[1::2], strict=True))
    assert found.pop("NoNewPrivs:") == "1", found
    assert len(found) == 5 and not any(int(each, 16) for each in found.values()), found


def has_no_compiler(bench: Bench) -> None:
    search = f"for name in {COMPILERS}; do command -v $name && exit 1; done; exit 0"
    bench.run("sh", "-c", search)


def has_debians_python(bench: Bench) -> None:
    say = "import os, sys; print(*sys.version_info[:2], os.path.realpath(sys.executable))"
    assert bench.run("python", "-c", say).text.split() == ["3", "11", "/usr/bin/python3.11"]


def has_the_locked_packages(bench: Bench) -> None:
    lock = (bench.context / "requirements.txt").read_text(encoding="utf-8")
    pins = re.findall(r"^([a-z0-9][^\\\n]*==[^\\\n]*?) *\\?$", lock, re.MULTILINE)
    assert len(pins) > 50
    bench.run("python", "-c", COMPARE, *pins)
    bench.run("pip", "check")


def makes_a_cell(bench: Bench) -> None:
    bench.study(CELL)
    made = json.loads((bench.output / CELL).read_text(encoding="utf-8"))
    assert made["status"] == {"ok": made["spec"]["replicates"], "diverged": 0}
    assert made["environment"]["git_commit"] == bench.revision.removesuffix("-dirty")
    assert made["environment"]["torch"].startswith("2.")
    assert owners(bench.output) == {OWNER}


def does_nothing_twice(bench: Bench) -> None:
    assert IDLE in bench.study(CELL).text


def makes_a_report(bench: Bench) -> None:
    done = bench.study("--resources", "gpu=1", "--logger", "ablation", *SMOKE)
    assert " configurations trained, " in done.text, done.text[-2000:]
    report = bench.output / "report-smoke.html"
    assert report.stat().st_size > 100_000, done.text[-2000:]
    assert owners(bench.output) == {OWNER}
    assert IDLE in bench.study("--resources", "gpu=1", *SMOKE).text


def serves_another_user(bench: Bench) -> None:
    output = folder(bench.output.with_name("stranger"), STRANGER)
    options: dict[str, Any] = {"mount": output, "user": f"{STRANGER}:{STRANGER}", "read_only": True}
    target = "results/smoke/cnn/kernel_5/metrics.json"
    bench.run("snakemake", target, *SMOKE, **options)
    assert json.loads((output / target).read_text(encoding="utf-8"))["status"]["ok"] == 2
    assert owners(output) == {STRANGER}
    assert IDLE in bench.run("snakemake", target, *SMOKE, **options).text
    write = "! touch /opt/hw1/x /opt/venv/x /usr/x /x 2> /dev/null"
    bench.run("sh", "-c", write, **options)


def has_a_read_only_root(bench: Bench) -> None:
    text = bench.run("touch", "/var/tmp/x", status=1, read_only=True).text
    assert "Read-only file system" in text, text


def uses_settings_of_the_folder(bench: Bench) -> None:
    settings = bench.output / "config.yaml"
    shipped = (bench.context / "config.yaml").read_text(encoding="utf-8")
    settings.write_text(shipped.replace("name: default", "name: own"), encoding="utf-8")
    text = bench.study("--dry-run").text
    settings.unlink()
    assert "report-own.html" in text, text[-2000:]


def uses_a_mounted_project(bench: Bench) -> None:
    # A variant that only the checkout has, and code that only it has. Its owner is no matter of the build cache's.
    checkout = bench.output.with_name("checkout")
    shutil.copytree(bench.context, checkout)
    variant = (checkout / "config" / "smoke.yaml").read_text(encoding="utf-8")
    mine = variant.replace("name: smoke", "name: mounted")
    (checkout / "config" / "mounted.yaml").write_text(mine, encoding="utf-8")
    snakefile = checkout / "Snakefile"
    with snakefile.open("a", encoding="utf-8") as stream:
        stream.write("\n\nonstart:\n    print('mounted code')\n")
    for path in [checkout, *checkout.rglob("*")]:
        if os.geteuid() == 0:
            os.chown(path, STRANGER, STRANGER)
    user = f"{STRANGER if os.geteuid() == 0 else os.geteuid()}:{STRANGER}"
    target = "results/mounted/fnn/depth_2/metrics.json"
    words = ("snakemake", target, "--configfile", "config/mounted.yaml")
    done = bench.run(*words, mount=checkout, user=user)
    assert "mounted code" in done.text
    made = json.loads((checkout / target).read_text(encoding="utf-8"))
    assert made["environment"]["git_commit"] is None, "the image's revision is not the checkout's"
    assert not list(checkout.rglob("__pycache__"))


def refuses_a_folder_of_another_user(bench: Bench) -> None:
    if os.geteuid():
        return  # only root can give a folder away
    closed = folder(bench.output.with_name("closed"), OWNER)
    closed.chmod(0o755)
    user = f"{STRANGER}:{STRANGER}"
    done = bench.run("snakemake", status=1, mount=closed, user=user)
    assert f"/study cannot be written by user {STRANGER}" in done.text, done.text


def documented_commands(root: Path) -> list[tuple[str, ...]]:
    """What the README and the how-to pages let run in the image: the words after its name, each command once."""
    pages = [root / "README.md", *sorted((root / "docs" / "how-to").glob("*.md"))]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    lines = "".join(re.findall(r"^```docker\n(.*?)^```$", text, re.DOTALL | re.MULTILINE))
    calls = (shlex.split(line.partition(" hw1 ")[2], comments=True) for line in lines.splitlines())
    return list(dict.fromkeys(map(tuple, calls)))


def plans_the_documented_commands(bench: Bench) -> None:
    commands = documented_commands(bench.context)
    assert len(commands) > 2
    for words in commands:
        bench.run(*words, "--dry-run", mount=bench.output)


def passes_failures_on(bench: Bench) -> None:
    bench.run("sh", "-c", "exit 7", status=7)
    done = bench.study("results/cnn/kernel_99/metrics.json", status=1)
    assert "kernel_99 is no configuration of study default" in done.text, done.text


def keeps_packages_on_an_edit(bench: Bench) -> None:
    module = bench.context / "workflow" / "ablation" / "results" / "evaluation.py"
    module.write_text(module.read_text(encoding="utf-8") + "\n# Edited.\n", encoding="utf-8")
    before = bench.engine.image(bench.tag).layers
    bench.build()
    after = bench.engine.image(bench.tag).layers
    changed = [layer for layer in after if layer not in before]
    assert len(after) == len(before) and len(changed) == 1, (before, after)
    inside = f"/opt/hw1/{module.relative_to(bench.context)}"
    assert "# Edited." in bench.run("tail", "-n", "1", inside).text


CHECKS: dict[str, Callable[[Bench], None]] = {
    "the image builds": builds,
    "labels carry version and revision": has_labels,
    "its user is not root": is_not_root,
    "it needs no capability, and can gain none": has_no_capability,
    "there is no compiler in it": has_no_compiler,
    "Python is Debian's 3.11": has_debians_python,
    "the locked packages, and no others, are in it": has_the_locked_packages,
    f"snakemake {CELL}, in an empty output folder": makes_a_cell,
    "the second run does nothing": does_nothing_twice,
    "snakemake --resources gpu=1: the smoke study to its report": makes_a_report,
    "the root can be read-only": has_a_read_only_root,
    "--user of no name, read-only root": serves_another_user,
    "a config.yaml in the output folder is used": uses_settings_of_the_folder,
    "a mounted checkout is used": uses_a_mounted_project,
    "a folder that cannot be written is one sentence": refuses_a_folder_of_another_user,
    "the documented commands can be planned": plans_the_documented_commands,
    "the status of a command that fails comes through": passes_failures_on,
    "a code edit keeps the layers of the packages": keeps_packages_on_an_edit,
}
