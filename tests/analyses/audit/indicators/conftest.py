"""Companies of a few rows, whose indicators can be worked out by hand."""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
import pytest

from crmkit.analyses.audit import History, Rules, load_catalogue
from crmkit.analyses.audit.indicators import Estimate, evaluate
from crmkit.analyses.audit.read import history
from crmkit.core.errors import ReportError
from typed_tables import frame, table_of

AS_OF = dt.date(2025, 12, 31)


@pytest.fixture(scope="session")
def make_past(in_memory) -> Callable[..., History]:
    """The history of a company whose tables are given."""

    def make(
        tables: Mapping[str, pd.DataFrame],
        *,
        as_of: dt.date = AS_OF,
        cycle: str = "quarter",
        cycles: int = 4,
        rules: Rules | None = None,
        language: str = "en",
        surveys: Mapping[str, Any] | None = None,
    ) -> History:
        made = {name: table_of(name, rows) for name, rows in tables.items()}
        declared = {"surveys": surveys} if surveys else {}
        company = in_memory(tables=made, declared=declared, as_of=as_of, language=language)
        return history(company, cycle=cycle, cycles=cycles, rules=rules)

    return make


@pytest.fixture(scope="session")
def book():
    return load_catalogue()


@pytest.fixture(scope="session")
def measure(book) -> Callable[..., Estimate]:
    """One indicator in the newest cycle."""

    def of(name: str, past: History, *, owned: Mapping[str, Any] | None = None, confidence: float = 0.95) -> Estimate:
        return evaluate(book[name], past, past.current, results=owned or {}, confidence=confidence)

    return of


@pytest.fixture(scope="session", name="frame")
def _frame() -> Callable[..., pd.DataFrame]:
    return frame


@pytest.fixture
def tickets() -> pd.DataFrame:
    """Eight tickets of four customers in the last quarter of 2025; one complaint and one question still wait."""
    return frame(
        "ticket_id customer_id opened_at first_response_at resolved_at closed_notice_at kind agent_id handoffs reopened",
        ("k1", "a", "2025-10-06 08:00", "2025-10-06 09:00", "2025-10-06 18:00", "2025-10-06 18:00", "question", "g1", 0, False),
        ("k2", "a", "2025-10-06 09:00", "2025-10-06 13:00", "2025-10-07 05:00", None, "question", "g1", 1, False),
        ("k3", "b", "2025-10-07 08:00", "2025-10-07 16:00", "2025-10-08 14:00", "2025-10-09 08:00", "complaint", "g2", 0, True),
        ("k4", "b", "2025-11-03 08:00", "2025-11-03 17:00", "2025-11-05 00:00", "2025-11-05 08:00", "fault", "g2", 2, False),
        (
            "k5",
            "c",
            "2025-11-04 08:00",
            "2025-11-05 14:00",
            "2025-11-08 12:00",
            "2025-11-09 08:00",
            "complaint",
            "g1",
            0,
            False,
        ),
        ("k6", "c", "2025-12-01 08:00", None, None, None, "complaint", None, 0, False),
        ("k7", "d", "2025-12-31 20:00", None, None, None, "question", None, 0, False),
        ("k8", "d", "2025-12-02 08:00", "2025-12-02 10:00", "2025-12-04 10:00", "2025-12-04 10:00", "question", "g2", 0, False),
    )


@pytest.fixture
def contracts() -> pd.DataFrame:
    """Contracts of six customers: a to d run at the end of 2025; a, b and e ran a year before; four ended in the quarter."""
    return frame(
        "customer_id started_at ended_at renewed churn_kind",
        ("a", "2024-01-01", None, None, None),
        ("b", "2024-01-01", "2025-10-31", None, None),
        ("b", "2025-11-01", None, None, None),
        ("c", "2025-02-01", None, None, None),
        ("d", "2025-03-01", "2025-12-15", True, None),
        ("d", "2025-12-16", None, None, None),
        ("e", "2024-01-01", "2025-11-10", False, "voluntary"),
        ("f", "2025-01-15", "2025-12-20", False, "paused"),
        ("g", "2025-01-15", "2025-12-01", True, None),
    )


class Stored:
    """Results of another analysis that hold the tables given."""

    def __init__(self, reason: str | None, tables: Mapping[str, pd.DataFrame]) -> None:
        self.reason, self._tables = reason, tables
        self.report = {"parameters": {"confidence": {"value": 0.95}}}

    def table(self, name: str) -> pd.DataFrame:
        if name not in self._tables:
            raise ReportError(f"has no result {name!r}")
        return self._tables[name]


@pytest.fixture(scope="session")
def reading() -> Callable[..., Stored]:
    return lambda *, reason=None, **tables: Stored(reason, tables)
