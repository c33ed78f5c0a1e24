"""An audit that is made of its indicators, actions and tables, without being run."""

from types import SimpleNamespace

import pandas as pd
import pytest

from crmkit.analyses.audit.plan import Plan
from crmkit.core.language import Locale
from scorecards import BOOK, DAY, indicator


@pytest.fixture(scope="session")
def work_of(in_memory):
    """An audit of these indicators, actions and tables."""

    def make(*rows, actions=(), found=(), risks=(), checks=(), as_of=DAY, language="en", past=None, ratings=None, **tables):
        company = in_memory(tables=tables, as_of=as_of, language=language)
        columns = list(indicator("P-RESP", 0.5, 1))
        return SimpleNamespace(
            company=company,
            state=pd.DataFrame(list(rows), columns=columns),
            plan=Plan(tuple(actions), None),
            months=pd.DataFrame(columns=["indicator", "value", "n", "month_end"]),
            found=tuple(found),
            risks=tuple(risks),
            checks=tuple(checks),
            book=BOOK,
            past=SimpleNamespace(as_of=as_of, frames={}, **(past or {})),
            answers=SimpleNamespace(
                ratings=pd.DataFrame(columns=["cycle", "rater_id", "rater_role"]) if ratings is None else ratings
            ),
            locale=Locale(language, "EUR"),
            confidence=0.95,
        )

    return make
