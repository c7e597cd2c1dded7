"""Message catalogues in gettext's form: every word of a report and of its figures, by key.

A message's id is a key (``axis.better_lower``), not its English text: many messages are asked for by names that come from
data, and the English text can be mended without touching the other language.
"""

from __future__ import annotations

import io
import re
from functools import cache
from gettext import NullTranslations
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

from ablation.store.places import TEMPLATES

LOCALES = TEMPLATES / "locale"
LANGUAGES = ("en", "zh")
TIED = re.compile(r" (?=%%|%\(unit\)s|× %\(unit\)s)")
"""A space before a sign of percent or a unit, which stands on the line of its number."""


class _Missing(NullTranslations):
    """What gettext falls back to: a message that is not in the catalogue is an error, not its own text."""

    def gettext(self, message: str) -> str:
        raise KeyError(message)


def files(language: str, part: str = "*") -> list[Path]:
    """The ``.po`` files of a language, one per part of the report.

    Args:
        language: ``en`` or ``zh``.
        part: the name of one of them; all where left out.

    Raises:
        ValueError: for a language without a catalogue.
    """
    if language not in LANGUAGES:
        raise ValueError(f"no messages for the language {language!r}; there are {LANGUAGES}")
    return sorted((LOCALES / language).glob(f"{part}.po"))


@cache
def catalogue(language: str, part: str = "*") -> Catalog:
    """The messages of a language, or of one file of it.

    Raises:
        ValueError: for a language without a catalogue, or a message that two files hold.
    """
    merged = Catalog()
    for path in files(language, part):
        with path.open("rb") as stream:
            read = read_po(stream, abort_invalid=True)
        for message in read:
            if not message.id:
                merged.mime_headers = read.mime_headers
            elif message.id in merged:
                raise ValueError(f"{path} holds the message {message.id!r} a second time")
            else:
                merged[message.id] = message
    return merged


def load(language: str, part: str = "*") -> dict[str, str]:
    """Key → text with ``%(name)s`` placeholders: ``figure.epoch`` → ``Epoch``.

    Raises:
        ValueError: for a language without a catalogue.
    """
    messages = (message for message in catalogue(language, part) if message.id)
    return {str(message.id): TIED.sub("\u00a0", str(message.string)) for message in messages}


def translations(messages: dict[str, str]) -> NullTranslations:
    """The messages as Jinja's i18n extension wants them. An unknown key raises KeyError."""
    compiled, whole = io.BytesIO(), Catalog()
    for key, text in messages.items():
        whole.add(key, text)
    write_mo(compiled, whole)
    compiled.seek(0)
    catalogue = Translations(fp=compiled)
    catalogue.add_fallback(_Missing())
    return catalogue
