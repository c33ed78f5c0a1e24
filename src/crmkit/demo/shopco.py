"""ShopCo: a shop on the internet, ahead of its rivals in everything but three points.

Four in ten of the orders that somebody has to accompany do not run through: the checkout is left or done twice. Between two
steps customers wait for three quarters of the time. And what goes wrong after the sale takes five days to be put right.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from crmkit.demo.audited import HEALTHY, Wishes, simulate_company
from crmkit.demo.audited.frame import DAYS
from crmkit.demo.audited.handling import DETOURS, STEPS
from crmkit.demo.audited.levels import CONSEQUENCES, worse_than_target
from crmkit.demo.audited.records import slim
from crmkit.demo.company import Company

if TYPE_CHECKING:
    import pandas as pd

CUSTOMERS = 1000
SEED = 20251230
ORDER_RATE = 0.33
SMALL = Wishes(survey_every=2, contacts_since=DAYS - 184)
LEVELS = replace(HEALTHY, detour_share=0.39, detours=0.45, waiting=0.75, solving_hours=120.0)
# weak point: the indicators that show it
WEAK = {"checkout completion": ["P-CONF"], "waiting": ["P-WAIT"], "after-sales resolution": ["P-RES"]}
ORDER_STEPS = ("checkout", "payment", "delivery", "after-sales check")
STRAYS = (
    "checkout left",
    "checkout begun again",
    "payment failed",
    "payment repeated",
    "address corrected",
    "voucher checked",
    "stock asked",
    "delivery date changed",
    "second parcel",
    "return label",
    "refund",
    "call by customer",
)
# what the survey asks beside satisfaction as a whole, and how far above or below it each lies
DIMENSIONS = {"performance": 0.1, "service": -0.1, "delivery": -0.4, "price": -0.6}
DIMENSION_SPREAD = 0.8
NAMES = dict(zip((*STEPS, *DETOURS), (*ORDER_STEPS, *STRAYS), strict=True))


def simulate(customers: int, seed: int) -> Company:
    """ShopCo with that many customers; equal for equal seeds."""
    made = simulate_company("shopco", customers=customers, seed=seed, base=LEVELS, order_rate=ORDER_RATE, wishes=SMALL)
    tables = slim(dict(made.tables))
    tables["ticket_events"] = _renamed(tables["ticket_events"], "activity")
    tables["surveys"] = _asked(tables["surveys"], seed)
    tables["processes"] = _renamed(tables["processes"], "step").assign(process="accompanied order")
    planted = worse_than_target(made.truth["indicators"])
    signs = sorted(one for shown in WEAK.values() for one in shown)
    head = {name: made.truth[name] for name in ("company", "simulated", "seed", "customers", "first_day", "as_of")}
    said = {name: value for name, value in made.truth.items() if name not in head} | {
        "weak_points": WEAK,
        "planted": planted,
        "signs": signs,
        "consequences": sorted(set(CONSEQUENCES) - set(signs)),
        "absent": [one for one in made.truth["absent"] if one not in planted],
        "risks_at_least": {"service": "high"},
    }
    return Company(tables, head | {"audit": said})


def _asked(surveys: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The survey with the questions of the four dimensions, each answered by how content the customer is, give or take.

    They are drawn apart, so that nothing else of the company depends on them.
    """
    import pandas as pd

    rng = np.random.default_rng([seed, len(DIMENSIONS)])
    content = surveys["csat"].astype("float64").to_numpy()
    made = surveys.copy()
    for name, level in DIMENSIONS.items():
        drawn = np.clip(np.round(content + level + rng.normal(0, DIMENSION_SPREAD, len(content))), 1, 5)
        made[name] = pd.Series(drawn, index=made.index).astype("Int64")
    return made


def _renamed(table: pd.DataFrame, column: str) -> pd.DataFrame:
    return table.assign(**{column: table[column].map(NAMES)})
