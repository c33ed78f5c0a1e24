"""What does a cell show that ends with a result as an analysis returned it? The same words and figure as ``page.show``.

Stands alone: the one place at which the formatters of IPython are changed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from crmkit.core.language import Locale
from crmkit.core.results import Finding, Quantity, Result, Text
from crmkit.show.notebook_style import styled
from crmkit.show.tables import exhibit_html, exhibit_text, findings_html, findings_text
from crmkit.show.words import Naming, sentence

Words = Callable[[Any], str]


def show_results(locale: Locale, naming: Naming | None, *, formatter: Any = None) -> None:
    """Let the running notebook show results, findings and sentences in a reader's words, without keeping them for the record.

    Parameters
    ----------
    locale : Locale
    naming : callable or None
        What a customer is called, from the identifier; without it customers are withheld.
    formatter : IPython.core.formatters.DisplayFormatter or None
        Default: that of the running notebook; where there is none, nothing is done.
    """
    formatter = formatter or _running()
    if formatter is None:
        return
    forms: tuple[tuple[type, Words, Words | None], ...] = (
        (Result, lambda one: exhibit_text(one, locale, name=naming), lambda one: exhibit_html(one, locale, name=naming)),
        (Finding, lambda one: findings_text([one], locale, name=naming), lambda one: findings_html([one], locale, name=naming)),
        (Text, lambda one: sentence(one, locale, naming), None),
        (Quantity, lambda one: sentence(one, locale, naming), None),
    )
    for kind, text, html in forms:
        formatter.formatters["text/plain"].for_type(kind, _printer(text))
        if html is not None:
            formatter.formatters["text/html"].for_type(kind, _styler(html))


def _running() -> Any:
    """The display formatter of the running notebook; None where this is no notebook."""
    if "IPython" not in sys.modules:
        return None
    from IPython import get_ipython

    shell = get_ipython()
    return None if shell is None else shell.display_formatter


def _printer(words: Words) -> Callable[[Any, Any, bool], None]:
    return lambda one, printer, _cycle: printer.text(words(one))


def _styler(html: Words) -> Words:
    return lambda one: styled(html(one))
