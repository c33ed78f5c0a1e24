"""CleanCo: a company that is better than every target of the audit, with room to spare.

Nothing is wrong with it, so an audit that finds something is mistaken. It is kept small: few orders per customer, contacts
counted by quarter, two rounds of the survey a year.
"""

from __future__ import annotations

from crmkit.demo.audited import Wishes, simulate_company
from crmkit.demo.audited.frame import DAYS
from crmkit.demo.audited.records import slim
from crmkit.demo.company import Company

CUSTOMERS = 1000
SEED = 20251231
ORDER_RATE = 0.33
SMALL = Wishes(survey_every=2, contacts_since=DAYS - 184)


def simulate(customers: int, seed: int) -> Company:
    """CleanCo with that many customers; equal for equal seeds."""
    made = simulate_company("cleanco", customers=customers, seed=seed, order_rate=ORDER_RATE, wishes=SMALL)
    head = {name: made.truth[name] for name in ("company", "simulated", "seed", "customers", "first_day", "as_of")}
    said = {name: value for name, value in made.truth.items() if name not in head}
    return Company(slim(dict(made.tables)), head | {"audit": said | {"risks_at_least": {}}})
