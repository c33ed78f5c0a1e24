"""In which words does a reader see it: sentences put together from templates and numbers, in the reader's language.

The English template is the key of its translation (gettext). Catalogues are read from ``crmkit/locale`` as they are written,
so there is no compiled copy that could be out of date.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from crmkit.core.format import format_quantity
from crmkit.core.results import Quantity, Text


@dataclass(frozen=True)
class Locale:
    """What decides how something is said: the language and the client's currency."""

    language: str = "en"
    currency: str = "EUR"


@cache
def catalogue(language: str, domain: str = "crmkit") -> Mapping[str, str]:
    """Translations of a language: English template -> words; empty for English."""
    if language == "en":
        return {}
    from babel.messages.pofile import read_po

    path = resources.files("crmkit") / "locale" / language / f"{domain}.po"
    if not path.is_file():
        return {}
    with path.open("rb") as file:
        messages = read_po(file, locale=language)
    return {str(m.id): str(m.string) for m in messages if m.id and m.string and not m.fuzzy}


def translate(template: str, language: str) -> str:
    """A template in a language; the English one where there is no translation.

    Examples
    --------
    >>> translate("Customers", "en")
    'Customers'
    """
    return catalogue(language).get(template, template)


def say(text: Text | Quantity | str | None, locale: Locale) -> str:
    """A sentence in words, as plain text: numbers formatted, names of the client's data left as they are.

    Parameters
    ----------
    text : Text, Quantity, str or None
        A plain str is data of the client and is not translated. None gives an empty text.
    locale : Locale

    Returns
    -------
    str
        Plain text. It may hold words of the client's data: escape it before it goes into a page.

    Examples
    --------
    >>> say(Text("{n} customers", {"n": Quantity(2357, "count")}), Locale("en"))
    '2,357 customers'
    """
    if text is None:
        return ""
    if isinstance(text, str):
        return text
    if isinstance(text, Quantity):
        return format_quantity(text, language=locale.language, currency=locale.currency)
    parts = {name: say(value, locale) for name, value in text.numbers.items()}
    return translate(text.template, locale.language).format_map(parts)
