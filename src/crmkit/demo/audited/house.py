"""What does a company keep about itself: staff, training, its own survey, the use of its system, figures of others, goals?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crmkit.demo.audited.frame import DAYS, FIRST, MONTHS, STARTS, Setting, dates
from crmkit.demo.audited.handling import TEAMS

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Words = NDArray[np.object_]

STAFF = 100
SURVEY_ITEMS = ("engagement", "pride")
SURVEY_WAVES = ("2024H1", "2024H2", "2025H1", "2025H2")
MODULES = ("accounts", "cases", "campaigns", "reports")
COURSES = ("handling complaints", "the CRM system", "negotiation")
MODES = ("in class", "online", "practice")
KEEP, GROW, ONE_FACE = "Customers who stay", "More value from every customer", "One face to the customer"
TEST_MEAN, TEST_SPREAD, TEST_NOISE = 60.0, 12.0, 4.0
MARKET_SHARE = 0.05
RISKS = (
    ("churn", 2, 4, "reduce", "Head of sales", "R-CHURN", "Call the customers of the top tier"),
    ("service", 3, 3, "reduce", "Head of service", "P-RESP", "Bring in temporary staff"),
    ("product", 2, 3, "reduce", "Head of product", "R-RETURN", "Stop the sale of the article"),
    ("data", 2, 4, "share", "Head of IT", "D-DUP", "Restore from the last good copy"),
    ("fraud", 1, 3, "avoid", "Head of finance", "", "Deliver against payment only"),
    ("market", 3, 3, "accept", "Managing director", "R-SALESG", "Review the price list"),
    ("legal", 1, 4, "avoid", "Legal counsel", "D-CONS", "Stop all mailings"),
    ("people", 2, 3, "reduce", "Head of personnel", "P-ENG", "Retain key staff"),
)


def staff(rng: np.random.Generator, prefix: str) -> pd.DataFrame:
    """Who deals with customers; one in twenty-five has left."""
    import pandas as pd

    joined = -rng.integers(100, 3000, STAFF)
    left = np.where(np.arange(STAFF) % 25 == 24, rng.integers(30, DAYS - 400, STAFF), -1)
    team = np.arange(STAFF) % len(TEAMS)
    return pd.DataFrame(
        {
            "staff_id": np.array([f"{prefix}E{number:03d}" for number in range(1, STAFF + 1)], dtype=object),
            "team": np.array(TEAMS, dtype=object)[team],
            "role": np.where(np.arange(STAFF) < len(TEAMS), "lead", "agent"),
            "joined_at": dates(joined),
            "left_at": pd.Series(dates(left)).where(left >= 0),
        }
    )


def training(rng: np.random.Generator, people: pd.DataFrame, setting: Setting) -> pd.DataFrame:
    """Courses of both years, each with a test before and after."""
    import pandas as pd

    here = np.flatnonzero(people["left_at"].isna())
    rows = []
    for year, levels in ((0, setting.base), (1, setting.final)):
        who = here[rng.random(len(here)) < levels.trained]
        before = rng.normal(TEST_MEAN, TEST_SPREAD, len(who))
        after = before + levels.gain * TEST_SPREAD + rng.normal(0, TEST_NOISE, len(who))
        day = 366 * year + rng.integers(20, 340, len(who))
        rows.append(
            pd.DataFrame(
                {
                    "staff_id": people["staff_id"].to_numpy()[who],
                    "course": np.array(COURSES, dtype=object)[rng.integers(0, len(COURSES), len(who))],
                    "taken_at": dates(day),
                    "hours": np.array([4.0, 8.0, 16.0])[rng.integers(0, 3, len(who))],
                    "score_before": np.clip(before, 0, 100).round(1),
                    "score_after": np.clip(after, 0, 100).round(1),
                }
            )
        )
    table = pd.concat(rows).sort_values(["taken_at", "staff_id"], ignore_index=True)
    return table.assign(mode=np.array(MODES, dtype=object)[np.arange(len(table)) % len(MODES)])


def staff_survey(rng: np.random.Generator, people: pd.DataFrame, setting: Setting) -> pd.DataFrame:
    """Answers from 1 to 5 whose mean is the level; nobody is named."""
    import pandas as pd

    levels = setting.by_month("engagement")[[5, 11, 17, 23]]
    team = people.loc[people["left_at"].isna(), "team"].to_numpy()
    parts = []
    for wave, level in zip(SURVEY_WAVES, levels, strict=True):
        for item in SURVEY_ITEMS:
            score = 1 + rng.binomial(4, (level - 1) / 4, len(team))
            parts.append(pd.DataFrame({"wave": wave, "item_id": item, "score": score, "team": team}))
    return pd.concat(parts, ignore_index=True)


def crm_usage(rng: np.random.Generator, setting: Setting) -> pd.DataFrame:
    """Who used which module in each month."""
    import pandas as pd

    month = np.repeat(np.arange(MONTHS), len(MODULES))
    return pd.DataFrame(
        {
            "period": dates(STARTS[month]),
            "module": np.tile(np.array(MODULES, dtype=object), MONTHS),
            "active_users": rng.binomial(STAFF, setting.by_month("used")[month]),
            "licensed_users": STAFF,
        }
    )


def benchmarks(sales: pd.DataFrame, setting: Setting) -> pd.DataFrame:
    """The size of the market in both years, and figures of a panel that does not exist."""
    import pandas as pd

    year = sales["ordered_at"].dt.year
    first = float(sales.loc[year == FIRST.year, "amount"].sum()) / MARKET_SHARE
    growth = setting.base.growth if setting.at_target else 0.02
    source = "Simulated figure, no real source"
    rows = [
        ("market_size", "market", "2024", round(first, 2), source, "2025-03-01"),
        ("market_size", "market", "2025", round(first * (1 + growth), 2), source, "2025-12-15"),
        ("P-CSAT", "simulated panel", "2025", 0.78, source, "2025-10-01"),
        ("R-NPS", "simulated panel", "2025", 27.0, source, "2025-10-01"),
        ("P-RESP50", "simulated panel", "2025", 3.5, source, "2025-10-01"),
    ]
    return pd.DataFrame(rows, columns=["indicator", "peer", "period", "value", "source", "dated_at"])


def goals(budget: float) -> pd.DataFrame:
    """The budget, and what the company has set out to reach."""
    import pandas as pd

    everyone = "all customers"
    rows = [
        ("G1", "I-INV", everyone, None, budget, "2025-01-01", "2025-12-31", "Head of finance", None),
        ("G2", "P-RESP", everyone, 0.82, 0.9, "2025-01-01", "2026-06-30", "Head of service", KEEP),
        ("G3", "P-CSAT", everyone, 0.8, 0.85, "2025-01-01", "2026-12-31", "Head of service", KEEP),
        ("G4", "R-CHURN", everyone, 0.02, 0.01, "2025-07-01", "2026-12-31", "Head of sales", KEEP),
        ("G5", "I-TRAINCOV", "staff", 0.9, 0.95, "2025-01-01", "2026-12-31", "Head of personnel", ONE_FACE),
        ("G6", "D-DUP", everyone, 0.02, 0.01, "2026-01-01", "2028-12-31", "Head of IT", ONE_FACE),
    ]
    names = ["goal_id", "indicator", "population", "baseline", "target", "starts_on", "due_on", "owner", "objective"]
    return pd.DataFrame(rows, columns=names)


def risks() -> pd.DataFrame:
    """The register of the company: every risk has an owner, an answer, a contingency and a day of review."""
    import pandas as pd

    names = ["category", "likelihood", "impact", "response", "owner", "indicator", "contingency"]
    table = pd.DataFrame(RISKS, columns=names)
    table.insert(0, "risk_id", [f"K{number}" for number in range(1, len(table) + 1)])
    return table.assign(review_on="2026-06-30", indicator=table["indicator"].replace("", None))


ACTION_COLUMNS = [
    "action_id",
    "finding_id",
    "text",
    "kind",
    "owner",
    "starts_on",
    "due_on",
    "horizon",
    "effort",
    "budget",
    "indicator",
    "expected_effect",
    "status",
]
ACTIONS = [
    (
        "M1",
        None,
        "Keep the targets for first responses under review",
        "A-FAST",
        "Head of service",
        "2025-02-01",
        "2026-03-31",
        "short",
        10,
        5000,
        "P-RESP",
        0.02,
        "running",
    ),
    (
        "M2",
        None,
        "Yearly course on handling complaints",
        "A-TRAIN",
        "Head of personnel",
        "2025-03-01",
        "2026-12-31",
        "short",
        40,
        20000,
        "I-TRAINCOV",
        0.02,
        "running",
    ),
    (
        "M3",
        None,
        "One record per customer in all systems",
        "A-CRM",
        "Head of IT",
        "2026-02-01",
        "2029-12-31",
        "long",
        200,
        80000,
        "D-DUP",
        -0.01,
        "planned",
    ),
]


def actions() -> pd.DataFrame:
    """What is under way; a company without problems has little to do."""
    import pandas as pd

    return pd.DataFrame(ACTIONS, columns=ACTION_COLUMNS)
