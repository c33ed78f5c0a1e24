"""Shops whose truth is known, and shops of odd files: as many stay away as the page says, and it stands or says why not."""

import numpy as np
import pandas as pd
import pytest

from churn_exhibits import exhibits
from crmkit.analyses import churn
from crmkit.core.errors import DataError
from crmkit.core.language import Locale, say
from shops import DAY, KINDS, judged, purchases, simulated, whole


def coverage(found):
    return float(np.mean([one["low"] <= one["away"] <= one["high"] for one in found]))


def ratio(found):
    return sum(one["away"] for one in found) / sum(one["expected"] for one in found)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.long
def test_as_many_stay_away_as_the_page_says(kind):
    """On the days after the last one, which nothing has seen; of one shop chance alone is some twentieth."""
    (one,) = found = [judged(simulated(kind, 0, 800))]
    spread = np.sqrt(one["chance"]) / one["expected"]
    assert abs(ratio(found) - 1) < 0.05 + 2.5758 * spread
    assert one["tests"] == 3
    assert one["assessed"]
    assert one["low"] < one["expected"] < one["high"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_over_many_shops_as_many_stay_away_as_expected_and_as_often_within_the_limits(kind):
    found = [judged(simulated(kind, seed, 2000)) for seed in range(40)]
    assert 0.95 <= ratio(found) <= 1.05
    assert coverage(found) >= 0.95 - 2.5758 * np.sqrt(0.95 * 0.05 / len(found))


# odd files


def odd():
    """Files of shops of which little can be said, and the beginning of what is said."""
    usual, shut, few = purchases(200), purchases(300, days=900), purchases(60)
    big = pd.DataFrame({"customer_id": "BIG", "ordered_at": pd.date_range(end=DAY, periods=len(few)), "amount": 5.0})
    return {
        "once": (usual.drop_duplicates("customer_id"), "nobody has bought twice"),
        "one day": (usual.assign(ordered_at=pd.Timestamp("2025-12-01")), "all purchases lie on one day"),
        "young": (purchases(200, days=60), "the horizon is 90 days, but the data cover 60"),
        "closed": (shut[~shut["ordered_at"].between("2024-06-01", "2025-05-31")], ""),
        "one has half": (pd.concat([few, big], ignore_index=True), ""),
    }


@pytest.mark.parametrize("name", odd())
def test_a_shop_of_odd_files_has_a_page_or_a_reason(company, name):
    table, said = odd()[name]
    opened = company(tables={"transactions": table}, as_of="2025-12-31")
    one = whole(opened, **({"horizon_days": 90} if name == "young" else {}))
    missing = [result for result in exhibits(one, {}) if not result.assessed]
    if said:
        assert said in say(churn.headline(one.past, one.work, one.value, one.plan)[0].text, Locale())
        assert len(missing) == 24
        assert all(said in say(result.reason, Locale()) for result in missing)
    else:
        assert len(missing) <= 3
        rows = churn.totals(one.past, one.value).table.set_index("measure")
        assert 0 <= rows.loc["expected", "low"] <= rows.loc["expected", "high"] <= rows.loc["active", "value"]


def test_returns_only_are_one_message(company):
    table = purchases(50).assign(is_return=True)
    opened = company(tables={"transactions": table}, as_of="2025-12-31")
    with pytest.raises(DataError, match="nobody has bought anything; check amount and is_return"):
        churn.history(opened, churn.define())


@pytest.mark.slow
@pytest.mark.parametrize("name", [*odd(), "returns only"])
def test_a_run_of_odd_files_ends_with_a_page_or_one_message(tmp_path, monkeypatch, name):
    """From the file to the page, as a user does it."""
    import shutil

    from typer.testing import CliRunner

    from crmkit.cli import app
    from crmkit.core.settings import find_home

    table = purchases(50).assign(is_return=True) if name == "returns only" else odd()[name][0]
    shutil.copytree(find_home() / "notebooks", tmp_path / "notebooks", ignore=shutil.ignore_patterns(".*"))
    for folder in ("params", "data/acme"):
        (tmp_path / folder).mkdir(parents=True)
    table.to_csv(tmp_path / "data" / "acme" / "transactions.csv", index=False)
    more = "churn: {horizon_days: 90}\n" if name == "young" else ""
    said = f"client: acme\ntitle: ACME\ncurrency: EUR\nas_of: '2025-12-31'\nsource: data/acme\n{more}"
    (tmp_path / "params" / "acme.yml").write_text(said + "tables: {transactions: {file: transactions.csv}}\n")
    monkeypatch.setenv("CRMKIT_HOME", str(tmp_path))
    found = CliRunner().invoke(app, ["run", "acme", "--only", "churn"])
    if name == "returns only":
        assert "nobody has bought anything; check amount and is_return" in found.output
    else:
        assert list((tmp_path / "reports" / "acme").glob("*/churn.html"))
