"""Where the workflow's own files lie: every path that is told from the place of a module."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
WORKFLOW = PACKAGE.parent
PROJECT = WORKFLOW.parent
SCHEMAS = WORKFLOW / "schemas"
TEMPLATES = WORKFLOW / "report"  # templates, catalogues and the course report's numbers
SHIPPED_CONFIG = PROJECT / "config.yaml"
