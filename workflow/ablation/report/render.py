"""The one place where Jinja is set up."""

from __future__ import annotations

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ablation.language.catalogue import translations
from ablation.language.words import Words
from ablation.store.places import TEMPLATES


def environment(words: Words) -> Environment:
    """Strict about missing values, escaping everything that is not marked safe."""
    jinja = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    jinja.filters["sentences"] = words.sentences
    jinja.install_gettext_translations(translations(words.messages), newstyle=True)  # type: ignore[attr-defined]
    return jinja


def joined(*names: str) -> Markup:
    """Files of the report's folder, one after the other, as part of a page."""
    texts = [(TEMPLATES / name).read_text(encoding="utf-8").strip() for name in names]
    return Markup("\n".join(texts))  # nosec B704 # what the template has escaped
