"""What do the other reports ask for? Their campaign, their calls and what they found to have fallen, as actions of the plan.

The reports on leaving and on satisfaction end in something to do. A plan without it would name causes and leave out what is
already worked out: whom to contact, whom to call back, which question has fallen since when.

Stands alone: it knows the records of other reports, which nothing else of the plan does.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from crmkit.analyses.audit.bridge import read_bridge
from crmkit.analyses.audit.findings.finding import quantities
from crmkit.analyses.audit.findings.model import NAN, themes
from crmkit.analyses.audit.plan.actions import COUNTED, KIT, REPORTED, START_DAYS, Action, Aim, Dates, Price, library
from crmkit.analyses.audit.read import History
from crmkit.core.errors import CrmkitError
from crmkit.core.language import Locale, mark, say
from crmkit.core.reading import Reading
from crmkit.core.results import Quantity, Text

CAMPAIGN, START, LOOP, TURNS = "churn.plan", "satisfaction.start", "satisfaction.loop", "satisfaction.turns"
CONTACT = Text(
    "Contact the {n} {n:customer|customers} of the campaign against leaving, leave its control group alone, and compare both."
)
CALL = Text(
    "Call back the {n} {n:customer|customers} with a low answer who {n:waits|wait} for it, and write down what is agreed."
)
LOOK = Text("Find out what began before {since} and lowered “{question}”; undo it, or explain it to customers.")
GAIN, WAITING = mark("Gain of the campaign"), mark("Customers with a low answer who wait for a call")
MOST_QUESTIONS = 3


def asked_for(results: Mapping[str, Reading], past: History, locale: Locale) -> list[Action]:
    """Actions that the reports on leaving and on satisfaction ask for.

    Parameters
    ----------
    results : mapping of analysis to Reading
    past : History
    locale : Locale

    Returns
    -------
    list of Action
        The campaign with its worth and cost, customers to call back, the driver to begin with, and questions that have fallen;
        each names the finding of its report. Nothing where a report did not run.
    """
    made = _campaign(results, past, locale)
    reading = results.get("satisfaction")
    if reading is None or reading.reason is not None:
        return made
    said = {str(one["id"]): one for one in (reading.report or {}).get("findings", []) if one.get("passed") is False}
    if START in said and said[START].get("action"):
        text = Text("{said}", {"said": str(said[START]["action"])})
        made.append(_action("S-start", text, START, "satisfaction", past, Aim("P-CSAT"), locale=locale))
    if LOOP in said:
        n = float(said[LOOP]["numbers"]["n"]["value"])
        aim = Aim("", n, n, n, 0.0, NAN, say(Text(WAITING), locale), "count", "down", COUNTED)
        text = Text(CALL.template, {"n": Quantity(int(n), "count")})
        made.append(_action("S-call", text, LOOP, "unheard", past, aim, locale=locale))
    return [*made, *(_fallen(_turned(reading), past, locale) if TURNS in said else [])]


def _campaign(results: Mapping[str, Reading], past: History, locale: Locale) -> list[Action]:
    found = read_bridge(results)
    if isinstance(found, Text) or not found.contacts or not found.net > 0:
        return []
    text = Text(CONTACT.template, {"n": Quantity(found.contacts, "count")})
    # nothing is gained before it begins: that is known without a sample
    aim = Aim("", 0.0, 0.0, 0.0, found.net, found.net, say(Text(GAIN), locale), "money", "up", REPORTED)
    return [_action("C-campaign", text, CAMPAIGN, "leaving", past, aim, Price(NAN, found.cost, found.won), locale=locale)]


def _turned(reading: Reading) -> list[Mapping[Any, Any]]:
    try:
        table = reading.table("satisfaction_turns")
    except CrmkitError:  # a report of before there was such a table
        return []
    rows = table[table["turned"] & table["comparable"] & (table["value"] < 0)]
    return list(rows.head(MOST_QUESTIONS).to_dict("records"))


def _fallen(rows: Sequence[Mapping[Any, Any]], past: History, locale: Locale) -> list[Action]:
    made = []
    for row in rows:
        words = {"since": str(row["since"]), "question": str(row["group"])}
        ends = (row["now_low"], row["now_high"])
        aim = Aim("", row["now"], *ends, row["before"], NAN, str(row["group"]), str(row["level_unit"]), "up")
        text = Text(LOOK.template, words)
        made.append(_action(f"S-turn-{row['item']}", text, TURNS, "satisfaction", past, aim, locale=locale))
    return made


def _action(
    name: str, text: Text, finding: str, theme: str, past: History, aim: Aim, price: Price | None = None, *, locale: Locale
) -> Action:
    """An action of the kind and the owner that a theme has."""
    met = themes()[theme]
    usual, starts = library().kinds[met.action], past.as_of + dt.timedelta(days=START_DAYS)
    return Action(
        id=name,
        text=say(text, locale),
        kind=met.action,
        owner=met.owner.say(past.language),
        source=KIT,
        finding=finding,
        dates=Dates(starts, starts + dt.timedelta(days=usual.days)),
        aim=replace(aim, numbers=json.dumps(quantities(text))),
        price=price or Price(usual.effort),
    )
