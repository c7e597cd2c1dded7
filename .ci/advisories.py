"""Whether a locked package has a known vulnerability; where no source of advisories answers, a line says so.

Status 1 for a vulnerability, or for a lock file that cannot be read.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("requirements.txt", "requirements-dev.txt")
SERVICES: tuple[tuple[str, ...], ...] = ((), ("--vulnerability-service", "osv"))  # (): its default
LIMIT = 20  # seconds for a service to answer about one lock file
UNHEARD = "No source of advisories answers here: the lock files were not compared with any."


def asked(lock: str, service: tuple[str, ...]) -> list[dict[str, Any]] | None:
    """What a service says of the packages of a lock file; None if it does not answer."""
    words = ["--requirement", lock, "--require-hashes", "--disable-pip", "--no-deps"]
    options = ["--format", "json", "--progress-spinner", "off", "--timeout", "5"]
    command = [sys.executable, "-P", "-m", "pip_audit", *words, *options]
    try:
        done = subprocess.run(
            [*command, *service],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        return list(json.loads(done.stdout)["dependencies"])
    except (subprocess.TimeoutExpired, ValueError, LookupError, TypeError):
        return None


def findings(packages: list[dict[str, Any]]) -> list[str]:
    """A line for each known vulnerability of audited packages."""
    return [
        f"{package['name']} {package['version']}: {found['id']}, mended in "
        + (", ".join(found["fix_versions"]) or "no version yet")
        for package in packages
        for found in package.get("vulns", [])
    ]


def main() -> int:
    """Ask about every lock file, of the first service that knows its packages."""
    lines: list[str] = []
    for lock in LOCKS:
        answers = (asked(lock, service) or [] for service in SERVICES)
        audited = next(
            (known for packages in answers if (known := [p for p in packages if "vulns" in p])), []
        )
        if not audited:
            print(UNHEARD)
            return 0
        lines += findings(audited)
        print(f"{lock}: {len(audited)} packages compared with the known advisories")
    print("\n".join(sorted(set(lines))) or "None is known to be vulnerable.")
    return int(bool(lines))


if __name__ == "__main__":
    sys.exit(main())
