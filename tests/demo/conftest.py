"""Indicators by hand: each straight from the tables, as its formula says, in the last half year."""

import pandas as pd
import pytest

SINCE, END = pd.Timestamp("2025-07-01"), pd.Timestamp("2026-01-01")
HOUR = 3600
NAMING = ("transactions", "subscriptions", "tickets", "interactions", "surveys")
STEPS = {"checkout": 1, "payment": 2, "delivery": 3, "after-sales check": 4} | {
    "receive": 1,
    "analyse": 2,
    "solve": 3,
    "confirm": 4,
}


@pytest.fixture(scope="session")
def by_hand():
    """The value of every indicator that the simulator knows the truth of, and of some that follow from it."""
    return measure


def measure(tables) -> dict[str, float]:
    found = {}
    for part in (of_tickets, of_log, of_answers, of_feedback, of_records, of_house, of_sales):
        found |= part(tables)
    return {name: float(value) for name, value in found.items()}


def of_tickets(tables):
    table = tables["tickets"].copy()
    for name in ("opened_at", "first_response_at", "resolved_at", "closed_notice_at"):
        table[name] = pd.to_datetime(table[name])
    table = table[table["opened_at"] >= SINCE]
    answer = (table["first_response_at"].fillna(END) - table["opened_at"]).dt.total_seconds() / HOUR
    end = (table["resolved_at"].fillna(END) - table["opened_at"]).dt.total_seconds() / HOUR
    complaint, done = table["kind"] == "complaint", table[table["resolved_at"].notna()]
    told = done[done["closed_notice_at"].notna() | (done["resolved_at"] <= END - pd.Timedelta(days=7))]
    back = done["reopened"].astype(bool)
    return {
        "P-RESP": (answer <= 8).mean(),
        "P-RESP50": answer.median(),
        "P-RESP90": answer.quantile(0.9),
        "P-RES": end.median(),
        "P-CMPT": end[complaint].median(),
        "P-CACK": (answer[complaint] <= 24).mean(),
        "P-FCR": ((done["handoffs"] == 0) & ~back).mean(),
        "P-REOPEN": back.mean(),
        "P-CLOSE": told["closed_notice_at"].notna().mean(),
        "complaints": complaint.sum(),
    }


def of_log(tables):
    log = tables["ticket_events"].assign(at=pd.to_datetime(tables["ticket_events"]["occurred_at"]))
    log = log.sort_values(["ticket_id", "at"], kind="stable", ignore_index=True)
    case = log.groupby("ticket_id")
    gap = case["at"].diff().dt.total_seconds() / HOUR
    place = log["activity"].map(STEPS)
    follows = place.groupby(log["ticket_id"]).diff().isin([0, 1]).where(gap.notna(), place == 1)
    handed = (log["team"] != case["team"].shift()) & gap.notna()
    cases = pd.DataFrame(
        {
            "first": case["at"].min(),
            "steps": case["activity"].nunique(),
            "handed": handed.groupby(log["ticket_id"]).sum(),
            "idle": gap.where(gap > 1).groupby(log["ticket_id"]).sum(),
            "flow": gap.groupby(log["ticket_id"]).sum(),
            "conform": follows.groupby(log["ticket_id"]).all(),
        }
    )
    cases = cases[cases["first"] >= SINCE]
    return {
        "P-STEP": cases["steps"].mean(),
        "P-HAND": cases["handed"].mean(),
        "P-WAIT": cases["idle"].sum() / cases["flow"].sum(),
        "P-CONF": cases["conform"].mean(),
    }


def of_answers(tables):
    sent = tables["surveys"][tables["surveys"]["sent_at"] >= SINCE]
    came = sent[sent["responded_at"].notna()]
    region = tables["customers"].set_index("customer_id")["region"]
    shares = [region.reindex(table["customer_id"]).value_counts(normalize=True) for table in (came, sent)]
    return {
        "P-FBR": len(came) / len(sent),
        "P-REPR": (shares[0] - shares[1]).abs().max(),
        "P-CSAT": (came["csat"] >= 4).mean(),
        "P-CES": came["ces"].mean(),
        "R-NPS": 100 * ((came["nps"] >= 9).mean() - (came["nps"] <= 6).mean()),
    }


def of_feedback(tables):
    table = tables["feedback"][tables["feedback"]["received_at"] >= SINCE]
    answered = table[table["acknowledged_at"].notna()]
    return {
        "P-CHAN": (table["channel"].value_counts(normalize=True) >= 0.05).sum(),
        "P-ADOPT": answered.loc[answered["category"] == "suggestion", "adopted_at"].notna().mean(),
        "P-LOOP": table["acknowledged_at"].notna().mean(),
    }


def of_records(tables):
    table = tables["customers"]
    named = set().union(*(tables[name]["customer_id"] for name in NAMING if name in tables))
    seen = table[["email", "phone"]].replace("unknown", None).apply(lambda one: one.notna() & one.duplicated())
    faulty = ~table["email"].fillna("@").str.contains("@") | (table["phone"] == "unknown")
    new = table[(table["created_at"] >= SINCE) & (table["department"] == "sales")]
    return {
        "D-COMP": table[["name", "email", "phone", "region"]].notna().mean().mean(),
        "D-ACC": tables["verification"]["correct"].mean(),
        "D-DUP": seen.any(axis=1).mean(),
        "D-VALID": 1 - faulty.mean(),
        "D-MATCH": len(named & set(table["customer_id"])) / len(named),
        "D-FRESH": (END - table["updated_at"]).dt.days.median() - 1,
        "D-CONS": table["consent_at"].notna().mean(),
        "R-REF": (new["acquisition_channel"] == "referral").mean(),
    }


def of_house(tables):
    here = tables["staff"].loc[tables["staff"]["left_at"].isna(), "staff_id"]
    taken = tables["training"][tables["training"]["taken_at"] >= "2025-01-01"]
    survey, use = tables["staff_survey"], tables["crm_usage"][tables["crm_usage"]["period"] >= SINCE]
    return {
        "I-TRAINCOV": here.isin(taken["staff_id"]).mean(),
        "I-TRAING": (taken["score_after"] - taken["score_before"]).mean() / taken["score_before"].std(),
        "P-ENG": survey.loc[survey["wave"] == "2025H2", "score"].mean(),
        "D-USE": use["active_users"].sum() / use["licensed_users"].sum(),
    }


def a_year_each(sales):
    """Without contracts, who bought within the last year is a customer."""
    last = sales[~sales["is_return"]].groupby("customer_id")["ordered_at"].agg(["min", "max"]).reset_index()
    end = (last["max"] + pd.Timedelta(days=365)).where(last["max"] + pd.Timedelta(days=365) < END)
    return last.rename(columns={"min": "started_at"}).assign(ended_at=end, renewed=False)


def of_sales(tables):
    year = pd.DateOffset(years=1)
    sales, costs = tables["transactions"], tables["costs"]
    contracts = tables["subscriptions"] if "subscriptions" in tables else a_year_each(sales)
    costs = costs[costs["category"] != "material"]
    now, then = sales[sales["ordered_at"] >= SINCE], sales[sales["ordered_at"].between(SINCE - year, END - year, "left")]
    spent = [
        costs[costs["period"].between(a, b, "left")]["amount"].sum() for a, b in ((SINCE, END), (SINCE - year, END - year))
    ]
    ended = contracts[contracts["ended_at"].between(SINCE, END, "left")]
    there = contracts["started_at"].lt(END) & (contracts["ended_at"].isna() | contracts["ended_at"].ge(END))
    active = set(contracts.loc[there, "customer_id"])
    contacts = tables["interactions"]
    many = contacts["quantity"] if "quantity" in contacts else pd.Series(1, contacts.index)
    called = contacts[(contacts["direction"] == "outbound") & (contacts["occurred_at"] > END - pd.Timedelta(days=91))]
    orders = (~now["is_return"]).sum()
    return {
        "P-CMPR": 1000 * of_tickets(tables)["complaints"] / orders,
        "P-CONT": many[contacts["occurred_at"] >= SINCE].sum() / (184 / 30.4375 * len(active)),
        "P-COVER": len(active & set(called["customer_id"])) / len(active),
        "R-RETURN": now["is_return"].sum() / orders,
        "R-SALESG": now["amount"].sum() / then["amount"].sum() - 1,
        "R-RENEW": ended["renewed"].astype(bool).mean(),
        "I-COST": spent[0] / now["amount"].sum() / (spent[1] / then["amount"].sum()),
    }
