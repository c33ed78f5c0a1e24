"""Companies of a few rows, whose data can be judged by hand."""

import datetime as dt

import pytest

from crmkit.analyses import data_quality
from typed_tables import table_of

AS_OF = dt.date(2025, 12, 31)


@pytest.fixture(scope="session")
def checked(in_memory):
    """What is counted of a company whose tables are given."""

    def make(tables, *, confidence=0.95, as_of=AS_OF, params=None, **agreed):
        made = {name: table_of(name, rows) for name, rows in tables.items()}
        company = in_memory(tables=made, as_of=as_of, **(params or {}))
        return data_quality.examine(company, data_quality.Agreed(**agreed), confidence=confidence)

    return make
