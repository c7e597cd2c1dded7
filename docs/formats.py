"""Writes docs/formats.md out of the schemas, so that the page and what the program checks are one.

python docs/formats.py           write the page
python docs/formats.py --check   say whether the page is what the schemas give, and end with 1 if not
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml
from pages import formatted

DOCS = Path(__file__).resolve().parent
SCHEMAS, PAGE = DOCS.parent / "workflow" / "schemas", DOCS / "formats.md"
NAMES = {"array": "list", "object": "mapping", "string": "text"}
PLURALS = {name: f"{name}s" for name in ("integer", "number", "text", "mapping", "list", "boolean")}
BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
Schema = dict[str, Any]
Row = tuple[str, ...]


def main() -> int:
    """Write the page, or check it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    text = formatted(page(read("config"), read("metrics")))
    if parser.parse_args().check:
        stale = PAGE.read_text("utf-8") != text
        print("docs/formats.md is stale: run python docs/formats.py" if stale else "In step.")
        return int(stale)
    PAGE.write_text(text, encoding="utf-8")
    return 0


def read(name: str) -> Schema:
    """One of the schemas."""
    found: Schema = yaml.safe_load((SCHEMAS / f"{name}.schema.yaml").read_text("utf-8"))
    return found


def page(config: Schema, produced: Schema) -> str:
    """The page as Markdown."""
    about, files = produced["about"], produced["about"]["documents"]
    documents = Fields(produced["$defs"])
    parts = [name for name in produced["$defs"] if name not in files and documents.is_part(name)]
    return "\n\n".join(
        [
            "# File formats",
            "What the configuration may hold and what the workflow writes. `python docs/formats.py` generates this page from "
            "the schemas in `workflow/schemas/`, which check both. `x[].y` is the field y of each entry of the list x, "
            "`x.<name>.y` that of each value of the mapping x. Arrays lie in safetensors files, which are listed in "
            "[Every number by hand](by-hand.md#10-where-it-is-stored).",
            produced["description"],
            "## Configuration",
            f"`config.yaml`, and every variant of it. {config['description']}",
            Fields(config["$defs"], linked=False).settings(config),
            "## Tables",
            *(
                _columns(produced["tables"][name], about["columns"], told)
                for name, told in about["tables"].items()
            ),
            "## Documents",
            *(documents.section(name, title) for name, title in files.items()),
            "## Parts of documents",
            *(documents.section(name, name) for name in parts),
        ]
    )


def _columns(names: list[str], meanings: dict[str, str], told: Schema) -> str:
    """A table's columns; those of one meaning share a row.

    Args:
        names: of the columns.
        meanings: of columns of any table.
        told: ``file``, ``description``, and the meanings of ``columns`` that this table alone has.
    """
    shared: dict[str, list[str]] = {}
    for name in names:
        meaning = _meaning(name, meanings | told.get("columns", {}))
        shared.setdefault(meaning, []).append(f"`{name}`")
    rows = [(", ".join(group), meaning) for meaning, group in shared.items()]
    table = _table(("column", "meaning"), rows)
    return "\n\n".join([f"### {told['file']}", told["description"], table])


def _meaning(name: str, meanings: dict[str, str]) -> str:
    """What a column is: of its own name, else of the first pattern that it fits."""
    fitting = (text for pattern, text in meanings.items() if fnmatch(name, pattern))
    return meanings[name] if name in meanings else next(fitting)


def _table(heads: Row, rows: Iterable[Row]) -> str:
    lines = [heads, ("---",) * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _value(value: Any) -> str:
    """A value as a configuration would have it."""
    text = (
        yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=math.inf)
        .removesuffix("...\n")
        .strip()
    )
    return f"`{text}`"


class Fields:
    """The fields of schemas, as rows of tables.

    Args:
        definitions: what their references mean.
        linked: whether definitions with fields have sections of their own.
    """

    def __init__(self, definitions: dict[str, Schema], *, linked: bool = True) -> None:
        self.definitions, self.linked = definitions, linked

    def is_part(self, name: str) -> bool:
        """Whether a definition has a section of its own."""
        return self.linked and "properties" in self.definitions[name]

    def section(self, name: str, title: str) -> str:
        """A definition with all its fields."""
        schema = self.definitions[name]
        told = [schema["description"]] if "description" in schema else []
        more = [f"With the fields of {self._type(part)}." for part in schema.get("allOf", ())]
        rows = [
            (f"`{path}`", self._type(field), self._about(field, optional))
            for path, field, optional in self._walk(schema)
        ]
        table = _table(("field", "type", "meaning"), rows)
        return "\n\n".join([f"### {title}", *told, *more, table])

    def settings(self, schema: Schema) -> str:
        """All keys of a configuration, each with its default."""
        rows = [
            (
                f"`{path}`",
                self._type(field),
                _value(field["default"]) if field.get("default", {}) != {} else "",
                self._about(field),
            )
            for path, field, _ in self._walk(schema)
        ]
        return _table(("key", "type", "default", "meaning"), rows)

    def _about(self, schema: Schema, optional: bool = False) -> str:
        # A part says what it is in its own section.
        known = schema if self._is_link(schema) else {**self._referred(schema), **schema}
        open_ones = ", ".join(f"`{name}`" for name in _open_ones(schema))
        texts = [
            known.get("description", ""),
            f"With {open_ones}." if open_ones else "",
            "(optional)" if optional else "",
        ]
        return " ".join(filter(None, texts))

    def _is_link(self, schema: Schema) -> bool:
        return "$ref" in schema and self.is_part(schema["$ref"].rsplit("/", 1)[-1])

    def _referred(self, schema: Schema) -> Schema:
        return self.definitions.get(schema.get("$ref", "").rsplit("/", 1)[-1], {})

    def _walk(self, schema: Schema, path: str = "") -> Iterator[tuple[str, Schema, bool]]:
        """Path, schema and whether it may be missing, of every field of an object."""
        fields = schema.get("properties", {})
        required = schema.get("required", fields)
        for name, field in fields.items():
            place = f"{path}{name}"
            yield place, field, name not in required
            yield from self._inside(field, place)

    def _inside(self, field: Schema, place: str) -> Iterator[tuple[str, Schema, bool]]:
        resolved = field if self._is_link(field) else {**self._referred(field), **field}
        items, values = resolved.get("items"), resolved.get("additionalProperties")
        if isinstance(items, dict):
            yield from self._inside(items, f"{place}[]")
        if isinstance(values, dict):
            yield from self._inside(values, f"{place}.<{_key_of(resolved)}>")
        if "properties" in resolved:
            yield from self._walk(resolved, f"{place}.")

    def _type(self, schema: Schema, *, plural: bool = False) -> str:
        if "$ref" in schema:
            name = schema["$ref"].rsplit("/", 1)[-1]
            target = self.definitions[name]
            own = {k: v for k, v in schema.items() if k != "$ref"}
            if not self.is_part(name):
                return self._type({**target, **own}, plural=plural)
            nothing = " or null" if "null" in target["type"] and not plural else ""
            return f"[{name}](#{name}){nothing}"
        if "const" in schema:
            return _value(schema["const"])
        if "enum" in schema:
            return ", ".join("null" if v is None else f"`{v}`" for v in schema["enum"])
        if "anyOf" in schema:
            return " or ".join(dict.fromkeys(self._type(each) for each in schema["anyOf"]))
        kinds = schema.get("type", [])
        kinds = kinds if isinstance(kinds, list) else [kinds]
        if plural and "null" in kinds:
            some = (self._kind(kind, schema, plural) for kind in kinds if kind != "null")
            return f"{' or '.join(some)} (or null)"
        return " or ".join(self._kind(kind, schema, plural) for kind in kinds)

    def _kind(self, kind: str, schema: Schema, plural: bool) -> str:
        items, values = schema.get("items"), schema.get("additionalProperties")
        name = PLURALS.get(NAMES.get(kind, kind), kind) if plural else NAMES.get(kind, kind)
        if kind == "array" and items:
            return f"{name} of {self._type(items, plural=True)}"
        if (
            kind == "object"
            and isinstance(values, dict)
            and (of := self._type(values, plural=True))
        ):
            return f"{name} to {of}"
        if kind not in ("integer", "number"):
            return name
        bounds = [f"{sign} {schema[bound]}" for bound, sign in BOUNDS.items() if bound in schema]
        return " ".join([name, ", ".join(bounds)]).strip()


def _open_ones(schema: Schema) -> list[str]:
    """The fields that an object, or each entry of a list or mapping, must have and no schema describes."""
    inner = (schema.get("items"), schema.get("additionalProperties"))
    found = [schema, *(each for each in inner if isinstance(each, dict))]
    return [
        n for each in found for n in each.get("required", ()) if n not in each.get("properties", {})
    ]


def _key_of(schema: Schema) -> str:
    """What the keys of a mapping are."""
    return schema.get("propertyNames", {}).get("$ref", "name").rsplit("/", 1)[-1]


if __name__ == "__main__":
    sys.exit(main())
