"""Where there is no Docker engine: buildah builds the Dockerfile, and a chroot in namespaces of its own runs the image."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine import MOUNT_POINT, Done, EngineError, Image, call, must
from host import apt_install, pip_mounts

BASE = "docker.io/library/debian:bookworm-slim"
PROGRAMS = ("buildah", "crun", "debootstrap")
# Runs as root in mount, process and network namespaces of its own. Like a container: the image's file system, read-only if
# asked for, a /tmp, the mounted folder; no network but the loopback, another user, no capability and no way to gain one.
CONTAINER = f"""
root=$1 mount=$2 user=$3 read_only=$4 capable=$5; shift 5
mount --bind "$root" "$root"
[ "$read_only" = no ] || mount -o remount,bind,ro "$root"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
[ -z "$mount" ] || mount --bind "$mount" "$root{MOUNT_POINT}"
! command -v ip > /dev/null || ip link set lo up
cd /
[ "$capable" = no ] || exec chroot --userspec="$user" --groups= "$root" "$@"
none="--no-new-privs --inh-caps=-all --bounding-set=-all"
exec chroot "$root" setpriv --reuid="${{user%:*}}" --regid="${{user#*:}}" --clear-groups $none "$@"
"""
NAMESPACES = ["unshare", "--mount", "--pid", "--net", "--fork", "--kill-child"]


class Buildah:
    """Buildah with a storage of its own, which ``close`` removes unless the caller named it."""

    name = "buildah"

    def __init__(self, log: Path, storage: Path | None) -> None:
        """Install what is missing and make the base image.

        Args:
            log: gets what the builds print.
            storage: a folder for images and build cache that stays; a temporary one if None.
        """
        if os.geteuid():
            raise EngineError("There is no Docker engine here, and buildah needs root.")
        apt_install(PROGRAMS)
        self._log = log
        self._kept = storage is not None
        self._storage = storage or Path(tempfile.mkdtemp(prefix="hw1-images-"))
        self._storage.mkdir(parents=True, exist_ok=True)
        self._host = Path(tempfile.mkdtemp(prefix="hw1-host-"))
        roots = ["--root", str(self._storage / "root"), "--runroot", str(self._storage / "run")]
        self._buildah = ["buildah", *roots]
        try:
            self._make_base()
        except BaseException:
            self.close()
            raise

    def _make_base(self) -> None:
        """Make Debian's slim image out of Debian's own packages, under the name that the Dockerfile asks for."""
        if call([*self._buildah, "inspect", "--type", "image", BASE]).status == 0:
            return
        container = must([*self._buildah, "from", "scratch"]).strip()
        root = must([*self._buildah, "mount", container]).strip()
        must(["debootstrap", "--variant=minbase", "bookworm", root], self._log)
        for package in Path(root, "var/cache/apt/archives").glob("*.deb"):
            package.unlink()
        must([*self._buildah, "umount", container])
        must([*self._buildah, "commit", "--quiet", "--rm", container, BASE])

    def build(self, context: Path, tag: str, arguments: Mapping[str, str]) -> None:
        options = ["--isolation", "chroot", "--network", "host", "--layers", "--pull-never"]
        for source, target in pip_mounts(self._host).items():
            options += ["--volume", f"{source}:{target}:ro"]
        for pair in arguments.items():
            options += ["--build-arg", "=".join(pair)]
        must([*self._buildah, "bud", *options, "--tag", tag, str(context)], self._log)

    def _inspect(self, tag: str) -> dict[str, Any]:
        found = json.loads(must([*self._buildah, "inspect", "--type", "image", tag]))
        facts: dict[str, Any] = found["OCIv1"]
        return facts

    def image(self, tag: str) -> Image:
        facts = self._inspect(tag)
        config, layers = facts["config"], facts["rootfs"]["diff_ids"]
        size = json.loads(must([*self._buildah, "images", "--json", tag]))[0]["size"]
        return Image(config["User"], config.get("Labels") or {}, size, layers)

    def run(
        self,
        tag: str,
        *command: str,
        mount: Path | None = None,
        user: str | None = None,
        read_only: bool = False,
        capable: bool = False,
    ) -> Done:
        config = self._inspect(tag)["config"]
        words = [*config.get("Entrypoint", []), *(command or config.get("Cmd", []))]
        inside = ["env", "--ignore-environment", f"--chdir={config['WorkingDir']}", *config["Env"]]
        container = must([*self._buildah, "from", "--pull-never", tag]).strip()
        try:
            root = must([*self._buildah, "mount", container]).strip()
            switches = ["yes" if each else "no" for each in (read_only, capable)]
            facts = [root, str(mount or ""), user or config["User"], *switches]
            script = ["sh", "-euc", CONTAINER, "container", *facts]
            return call([*NAMESPACES, *script, *inside, *words])
        finally:
            call([*self._buildah, "rm", container])

    def close(self) -> None:
        shutil.rmtree(self._host, ignore_errors=True)
        call([*self._buildah, "rm", "--all"])
        if not self._kept:
            call([*self._buildah, "rmi", "--all", "--force"])
        # The storage driver mounts its folder on itself.
        call(["umount", str(self._storage / "root" / "overlay")])
        if not self._kept:
            shutil.rmtree(self._storage, ignore_errors=True)
