"""What must hold in every plan, whoever's it is; and audits that are drawn, from indicators on, without tables or pages."""

import dataclasses
import datetime as dt
import re
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd

from crmkit.analyses.audit.assess import assess, monthly
from crmkit.analyses.audit.catalogue import load_catalogue
from crmkit.analyses.audit.findings import FINDING, Grounds, Looked, find, look
from crmkit.analyses.audit.findings.evidence import Loss
from crmkit.analyses.audit.findings.model import themes
from crmkit.analyses.audit.form import load_form
from crmkit.analyses.audit.form.answers import rated
from crmkit.analyses.audit.indicators.estimate import against_own_past, compared, mean, nothing, share
from crmkit.analyses.audit.plan import Known, Means, make_plan, plan_table, smart, wanted_of
from crmkit.analyses.audit.plan.actions import CLIENT, PEOPLE
from crmkit.analyses.audit.read import History, Window
from crmkit.analyses.audit.risks import register
from crmkit.core.language import Locale, say
from crmkit.core.results import Text

AS_OF = dt.date(2025, 12, 31)
STARTS = tuple(day.date() for day in pd.date_range("2023-01-01", "2025-12-01", freq="MS")[::-1])
EN = Locale("en")
# what can be nothing or more, and no more than all
POSSIBLE = {"share": (0.0, 1.0), "score": (1.0, 5.0), "points": (-100.0, 100.0)}


def faults(work) -> list[str]:
    """What of a plan cannot be believed: aims, days, worths, counts, words, and its own five tests."""
    table = plan_table(work.plan, EN).table if work.plan.actions else pd.DataFrame()
    rows = table.to_dict("records")
    wrong = [f"{row['action_id']}: {one}" for row in rows for one in row_faults(row)]
    wrong += [*order_faults(rows), *_answers(work, rows)]
    checked = smart(wanted_of(work.plan.actions, work.goals, work.found), work.known)
    if checked.assessed:
        # what a company has written itself is judged as it stands there, not mended
        own = {one.id for one in work.plan.actions if one.source != CLIENT}
        failed = checked.table[checked.table["id"].isin(own) & (checked.table[list("SMART")] == "fail").any(axis=1)]
        wrong += [f"{one.id}: fails its own test, {one.why}" for one in failed.itertuples()]
    return wrong


def row_faults(row):
    now, then, target, way = (row[name] for name in ("baseline", "expected", "target", "direction"))
    if np.isfinite(then):
        if (way == "up" and then < now) or (way == "down" and then > now):
            yield f"aims at {then} from {now}, which is worse"
        if way == "range" and abs(then - target) > abs(now - target):
            yield "aims further from its target"
        least, most = POSSIBLE.get(row["unit"], (0.0, np.inf))
        if least <= now <= most and not least <= then <= most:
            yield f"aims at {then}, which cannot be"
        if row["source"] != CLIENT and abs(then - now) > abs(target - now) * (1 + 1e-9) and row["unit"] != "count":
            yield "aims past its target"
    if row["low"] > now + 1e-12 or row["high"] < now - 1e-12:
        yield "its value lies outside of its interval"
    seen = row["measurable_on"]
    if seen is not None and seen == seen and row["status"] != "done" and seen < row["due_on"]:
        yield "is seen before it is done"
    if row["source"] != CLIENT and not row["starts_on"] < row["due_on"]:
        yield "is due before it begins"
    if not row["owner"] or not row["text"]:
        yield "has no owner or no words"
    if re.search(r"\bnan\b|–| 0 of |[A-Z]-[A-Z]{2}", f"{row['text']} {row['goes']}"):
        yield f"says {row['text']!r}, {row['goes']!r}"
    if any(len(one.split()) > 25 for one in re.split(r"(?<=[.?!]) ", row["text"])):
        yield f"takes more than one breath: {row['text']!r}"


def order_faults(rows):
    """Known worth stands before none, among what is taken and among what is left."""
    for taken in (True, False):
        known = [row["worth"] > 0 for row in rows if bool(row["taken"]) is taken]
        if known != sorted(known, reverse=True):
            yield "none of known worth stands before one of known worth"


def _answers(work, rows):
    sure = [one for one in work.found if one.level == FINDING]
    if len(rows) < len(sure):
        yield f"has {len(rows)} actions for {len(sure)} findings"
    named = {row["finding_id"]: row["text"] for row in rows if row["source"] != PEOPLE}
    by_own = {row["finding_id"].rpartition(".")[2] for row in rows if row["source"] == CLIENT}
    for one in sure:
        if one.theme in by_own:
            continue
        if one.id not in named:
            yield f"{one.id} has no action"
        elif say(one.lead.named, EN) not in named[one.id]:
            yield f"{one.id} is not named in {named[one.id]!r}"


def window(months: range, name: str) -> Window:
    end = AS_OF if months[0] == 0 else STARTS[months[0] - 1] - dt.timedelta(days=1)
    return Window(name, STARTS[months[-1]], end, tuple(months))


def history(plans) -> History:
    """A company of which nothing is known but its days."""
    cycles = tuple(window(range(6 * k, 6 * k + 6), f"C{k}") for k in (3, 2, 1, 0))
    months = tuple(window(range(k, k + 1), f"M{k}") for k in range(23, -1, -1))
    return History(AS_OF, "en", cycles, months, STARTS, {}, {}, {}, None, plans)


class Truth:
    """How a drawn company stands in each indicator: far from its target, near it, or beyond; with or without a drift."""

    def __init__(self, rng, book):
        self.rng = rng
        self.far = {one.id: float(rng.normal(0.05, 0.35)) for one in book}  # above 0: better than the target
        self.drift = {one.id: float(rng.choice([0.0, 0.0, rng.normal(0, 0.02)])) for one in book}
        self.cases = {one.id: int(10 ** rng.uniform(0.5, 3.5)) for one in book}
        self.unknown = {one.id for one in book if rng.random() < 0.15}
        self.scale = {one.id: float(10 ** rng.uniform(-1, 5)) for one in book}

    def evaluate(self, one, past, seen, *, results, confidence):
        """In the place of the indicators' own functions."""
        rng, n = self.rng, self.cases[one.id]
        if one.id in self.unknown:
            return nothing("a table is missing", "tickets")
        n = max(2, n // (1 if len(seen.months) > 1 else 6))
        better = self.far[one.id] - self.drift[one.id] * seen.months[0]
        better = -better if one.direction == "down" else better
        target = one.target if one.basis == "fixed" else self.scale[one.id]
        if one.unit == "share" and one.basis == "fixed" and one.target > 0:
            p = float(np.clip(target * (1 + better), 0, 1))
            return share(float(rng.binomial(n, p)), float(n), confidence)
        level = target * (1 + better) if target else better
        values = level + abs(level or 0.1) * rng.normal(0, 0.4, n)
        values = values if one.unit in ("points",) or one.id in ("R-SALESG", "I-ROI") else np.abs(values)
        if one.unit in POSSIBLE:
            values = np.clip(values, *POSSIBLE[one.unit])
        if one.basis == "own":
            earlier = pd.Series(target * (1 + rng.normal(0, 0.2, 18)))
            return against_own_past(pd.Series(values[:26]), earlier, confidence, n=n)
        found = mean(values, confidence)
        if one.basis in ("previous", "declared") and found.known:
            return compared(found, target, mean(values / target, confidence))
        return found


def drawn(seed: int, monkeypatch, ratings):
    """One audit of a company that is made of its indicators alone: assessed, looked at, found, planned."""
    rng, book = np.random.default_rng(seed), load_catalogue()
    truth = Truth(rng, book)
    past = history({"I-INV": truth.scale["I-INV"]})
    monkeypatch.setattr(sys.modules[assess.__module__], "evaluate", truth.evaluate)
    state = assess(past, book)
    watched = dataclasses.replace(book, indicators={one.id: one for one in book if one.kri or rng.random() < 0.3})
    months = monthly(past, watched)
    kind = {"manager": float(rng.choice([0.0, 1.2])), "staff": float(rng.choice([0.0, 0.9]))}
    roles = {"manager": int(rng.integers(1, 5)), "staff": 5, "customer": 4, "third_party": 2}
    evidence = pd.DataFrame({"evidence_id": ["E1"], "kind": ["document"]})
    answers = rated(ratings(seed, bias=kind, roles=roles), evidence, load_form())
    tables = frozenset({"surveys", "staff_survey"}) if rng.random() < 0.7 else frozenset()
    actions = _actions(rng, [book[name] for name in state.loc[state["status"] == "assessed", "indicator"]])
    checks = look(Looked(state, months, book, answers, tables, actions, None, 0.75, 0.95))
    base = _grounds(rng)
    found = find(checks, past, base)
    means = Means(budget=float(rng.choice([0.0, 20_000.0, 80_000.0])), effect_share=float(rng.uniform(0.2, 1)))
    plan = make_plan(found, state, past, book, EN, own=actions, means=means, months=months)
    rows = {str(row["indicator"]): row for row in state.to_dict("records")}
    known = Known(rows, months, book, past, None)
    risks = register(found, past, base, months, book)
    return SimpleNamespace(found=found, plan=plan, goals=None, known=known, state=state, risks=risks)


def _grounds(rng):
    worth = pd.Series(rng.lognormal(4, 1, 300), index=[f"K{n}" for n in range(300)])
    exposed, losses = {}, {}
    for theme in themes():
        if rng.random() < 0.5:
            exposed[theme] = frozenset(rng.choice(worth.index, 60, replace=False))
            gap = float(rng.normal(0.05, 0.1))
            losses[theme] = Loss(0.3 + gap, 0.3, gap, gap - 0.08, gap + 0.08, 0.5, 300)
    risk = float(worth.sum() * 0.3)
    return Grounds(None, None, Text("too few tickets were rated"), exposed, losses, worth, Text("value"), 300,
                   (risk, 0.8 * risk, 1.2 * risk) if rng.random() < 0.5 else None)  # fmt: skip


def _actions(rng, assessed):
    """What such a company has begun itself: all of it in order, because faults of its own are told and not mended."""
    rows = []
    for number, at in enumerate(rng.choice(len(assessed), int(rng.integers(0, 5)), replace=False)):
        one = assessed[at]
        if one.direction == "range":
            continue
        starts = AS_OF + dt.timedelta(days=int(rng.integers(-300, 60)))
        rows.append(
            {
                "action_id": f"M{number}", "finding_id": None, "text": f"Work on {one.en.lower()}", "kind": "A-PROC",
                "owner": "Head", "starts_on": pd.Timestamp(starts),
                "due_on": pd.Timestamp(starts + dt.timedelta(days=int(rng.integers(90, 900)))),
                "budget": float(rng.uniform(0, 40_000)), "indicator": one.id, "status": str(rng.choice(["planned", "running"])),
            }
        )  # fmt: skip
    return pd.DataFrame(rows) if rows else None
