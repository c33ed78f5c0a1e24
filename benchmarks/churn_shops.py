"""Is it known who stays away? Shops of real and of simulated customers: `python benchmarks/churn_shops.py [cdnow season ...]`.

The page of leaving is worked out for the public logs of `make examples`, and judged on three earlier days that its models had
not seen: as many as expected, the right spread of probabilities, the order, and the value of a list of 100 customers, beside
the best of three rules that need no model (longest silence, silence over own rhythm, probability to be gone). All figures are
of the page. The simulated ones (`ordinary`: Pareto/NBD; `loyal`: nobody leaves; `season`: winters at less than half the pace of
summers) are judged on the days after the last one, forty shops of 2,000 customers each: as many as expected, and within the
limits as often as stated (99 % band of so many shops). The last lines say `name measured bound met|short`.
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

sys.path.insert(0, str(ROOT / "tests"))
from shops import KINDS, simulated
from shops import judged as foretold

SHOPS = ("cdnow", "journey")
MADE, CUSTOMERS = 40, 2000
CONTACTS = 100


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


def made(kind: str) -> list[Bar]:
    """The bars of forty simulated shops of one kind."""
    found = pd.DataFrame([foretold(simulated(kind, seed, CUSTOMERS)) for seed in range(MADE)])
    ratio = float(found["away"].sum() / found["expected"].sum())
    held = float(found["away"].between(found["low"], found["high"]).mean())
    band = 2.5758 * (0.95 * 0.05 / MADE) ** 0.5
    return [
        Bar(f"{kind}: observed / expected", ratio, 0.95),
        Bar(f"{kind}: observed / expected", ratio, 1.05, least=False),
        Bar(f"{kind}: within the limits of 95 %", held, 0.95 - band),
    ]


def main() -> None:
    """Judge the shops that are named, or all."""
    pd.options.display.width = 160
    wanted = sys.argv[1:] or (*SHOPS, *KINDS)
    finish([bar for name in wanted for bar in (made(name) if name in KINDS else judged(name))])


if __name__ == "__main__":
    main()
