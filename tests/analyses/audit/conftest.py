"""Small companies that judge themselves, made of a few lines."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crmkit.analyses.audit.form import load_form

DAY = dt.date(2025, 12, 31)
ROLES = {"manager": 4, "staff": 6, "customer": 5, "third_party": 2}


def ratings(seed=0, *, bias=None, roles=None, noise=0.6, cycle="2025H2", level=3.4):
    """A table assessments whose truth is known: quality of each standard, bias per role or rater, noise."""
    rng = np.random.default_rng(seed)
    quality = dict(zip(load_form().ids, rng.normal(level, 0.7, 12), strict=True))
    rows = []
    for role, count in (roles or ROLES).items():
        for number in range(count):
            shift = (bias or {}).get(role, 0) + (bias or {}).get(f"{role}{number}", 0)
            for standard, value in quality.items():
                reality = np.clip(np.round(value + shift + rng.normal(0, noise)), 1, 5)
                rows.append((cycle, f"{role[0].upper()}{number}", role, standard, min(5, reality + 1), reality, "E1"))
    columns = ["cycle", "rater_id", "rater_role", "standard_id", "intention", "reality", "evidence_id"]
    return pd.DataFrame(rows, columns=columns)


@pytest.fixture(scope="session")
def company_of(in_memory):
    """A client with the tables given; evidence E1 is a document."""

    def make(language="en", **tables):
        kept = {"evidence": pd.DataFrame({"evidence_id": ["E1"], "kind": ["document"]})} | tables
        return in_memory(tables=kept, language=language)

    return make
