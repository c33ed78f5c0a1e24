"""Companies made of a few lines, for analyses to read."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crmkit.models.purchases import btyd

DAY = dt.date(2025, 12, 31)


@pytest.fixture(scope="session")
def make_company(in_memory):
    """A client whose transactions are the table given."""

    def make(transactions: pd.DataFrame, *, as_of: dt.date = DAY, min_cell: int = 10, rates=None, **others: pd.DataFrame):
        given = {"transactions": transactions, **others}
        declared = {"transactions": {"rates": rates or {}}}
        return in_memory(tables=given, as_of=as_of, privacy={"min_cell": min_cell}, declared=declared)

    return make


@pytest.fixture(scope="session")
def simulated():
    """Purchases of customers who behave exactly as Pareto/NBD and Gamma-Gamma say; 600 customers over two years."""
    rng = np.random.default_rng(3)
    truth = {"r": 0.6, "alpha": 10.0, "s": 0.6, "beta": 12.0}
    n, span = 600, 730
    first = rng.integers(0, 200, n)
    rate = rng.gamma(truth["r"], 1 / truth["alpha"], n) / 7
    life = rng.exponential(1 / rng.gamma(truth["s"], 1 / truth["beta"], n)) * 7
    spend = 1 / rng.gamma(4.0, 1 / 15.0, n)
    rows = []
    for i in range(n):
        until = min(span - first[i], life[i])
        days = np.unique(np.r_[0, np.ceil(rng.uniform(0, until, rng.poisson(rate[i] * until)))]).astype(int)
        rows += [
            (
                f"C{i:04d}",
                pd.Timestamp(DAY) - pd.Timedelta(days=int(span - first[i] - day)),
                max(0.01, rng.gamma(6.0, spend[i])),
            )
            for day in days
        ]
    table = pd.DataFrame(rows, columns=["customer_id", "ordered_at", "amount"]).round({"amount": 2})
    return table[table["ordered_at"] <= pd.Timestamp(DAY)]


@pytest.fixture(scope="session")
def known_model():
    return btyd.known("pareto_nbd", {"r": 0.6, "alpha": 10.0, "s": 0.6, "beta": 12.0})


@pytest.fixture(scope="session")
def make_survey_company(in_memory):
    """A client with a questionnaire: ``wide`` has a row per response, and a column per item of ``items``."""

    def make(wide: pd.DataFrame, items: dict, *, as_of: dt.date = DAY, min_cell: int = 10, language: str = "en", **tables):
        beside = [name for name in wide.columns if name not in items]
        long = wide.melt(id_vars=beside, value_vars=list(items), var_name="item_id", value_name="score")
        long["score"] = long["score"].astype("float64")
        long["not_applicable"] = False
        declared = {"surveys": {"file": "surveys.csv", "items": items}}
        given = {"surveys": long, **tables}
        return in_memory(tables=given, as_of=as_of, language=language, privacy={"min_cell": min_cell}, declared=declared)

    return make
