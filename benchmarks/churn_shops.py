"""Is it known who stays away? Two shops of real customers, on earlier days: `python benchmarks/churn_shops.py [cdnow journey]`.

The page of leaving is worked out for the public logs of `make examples`, and judged on three earlier days that its models had
not seen: as many as expected, the right spread of probabilities, the order, and the value of a list of 100 customers, beside
the best of three rules that need no model (longest silence, silence over own rhythm, probability to be gone). All figures are
of the page. The last lines say `name measured bound met|short`.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pandas as pd

from _bench import ROOT, Bar, finish
from crmkit import open_client
from crmkit.analyses import churn
from crmkit.analyses.churn.backtest import MODEL, SHOP_RULES
from crmkit.analyses.churn.evaluation import BY_PROFIT

SHOPS = ("cdnow", "journey")
CONTACTS = 100
MOST_ABSENT = 3


def judged(name: str) -> list[Bar]:
    """The bars of one shop."""
    with open_client(name, home=ROOT, rejects=Path(tempfile.mkdtemp())) as company:
        past = churn.history(company, churn.define())
        work = churn.study(past, cutoffs=3)
        value = churn.worth(past, work, value_days=365, margin=1.0, key=b"benchmark")
        offer = churn.Campaign(save_rate=0.3, offer_cost=20.0, contact_cost=5.0, uptake=0.5)
        known = churn.accuracy(past, work).table
        tests = churn.backtest(past, work, offer, contacts=CONTACTS, value=value).table
    if past.shop is None or work.model is None or work.model.chances is None:
        raise SystemExit(f"{name}: {past.window_reason or work.reason}")
    print(f"\n{name}: horizon {past.rule.horizon_days} days, customers within {past.shop.limit_days} days,", end=" ")
    print(f"{len(work.tests)} days, believed: {work.model.chances.behind}")
    print(tests[["cut", "rule", "n", "left", "auc", "observed_expected", "captured"]].round(3).to_string(index=False))
    of = known[known["group"] == work.model.chances.behind].set_index("measure")["value"]
    mean = tests.groupby("rule")[["auc", "captured"]].mean()
    best = mean.loc[list(SHOP_RULES)].max()
    return [
        Bar(f"{name}: observed / expected", of["Observed / expected"], 0.90),
        Bar(f"{name}: observed / expected", of["Observed / expected"], 1.10, least=False),
        Bar(f"{name}: calibration slope", of["Calibration slope"], 0.85),
        Bar(f"{name}: calibration slope", of["Calibration slope"], 1.15, least=False),
        Bar(f"{name}: AUC, more than the best simple rule", mean.loc[MODEL, "auc"] - best["auc"], 0.0),
        Bar(f"{name}: captured value, more than the best simple rule", mean.loc[BY_PROFIT, "captured"] - best["captured"], 0.0),
    ]


def main() -> None:
    """Judge the shops that are named, or both."""
    pd.options.display.width = 160
    finish([bar for name in (sys.argv[1:] or SHOPS) for bar in judged(name)])


if __name__ == "__main__":
    main()
