"""Which way do cases take through the company? Steps, hand-offs, waiting, the declared order. One function per indicator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.audit.indicators.estimate import NO_COLUMN, NO_DATA, Estimate, clustered_share, nothing, ratio
from crmkit.analyses.audit.read import History, Window

if TYPE_CHECKING:
    import pandas as pd


def steps(past: History, window: Window, confidence: float) -> Estimate:
    """P-STEP: how many steps does a case take, beside those declared?"""
    rows = past.rows("cases", window)
    cases = float(rows["declared_of"].sum())
    if cases <= 0:
        return nothing(NO_DATA)
    found = _per(rows, "declared_steps", "declared_of", confidence, missing=float(rows["cases"].sum()) - cases)
    declared = float(rows["declared"].sum()) / cases
    relative = _per(rows, "declared_steps", "declared", confidence)
    return replace(found, reference=declared, relative=relative.sampling)


def handoffs(past: History, window: Window, confidence: float) -> Estimate:
    """P-HAND: how often does a case change the team?"""
    if "handoffs" not in past.frames["cases"]:
        return nothing(NO_COLUMN, "ticket_events.team")
    return _per(past.rows("cases", window), "handoffs", "cases", confidence)


def waiting(past: History, window: Window, confidence: float) -> Estimate:
    """P-WAIT: in which part of the flow time does nothing happen?"""
    rows = past.rows("cases", window)
    timed = float(rows["timed"].sum())
    found = replace(_per(rows, "idle", "flow", confidence), n=timed, n_missing=float(rows["cases"].sum()) - timed)
    # a part of the whole lies between 0 and 1
    return replace(found, low=float(np.fmax(found.low, 0.0)), high=float(np.fmin(found.high, 1.0))) if found.known else found


def conformance(past: History, window: Window, confidence: float) -> Estimate:
    """P-CONF: which share of cases takes the declared steps in their order?"""
    return clustered_share(past.rows("cases", window), "conform", "declared_of", confidence, all_of="cases")


def _per(rows: pd.DataFrame, top: str, bottom: str, confidence: float, *, missing: float = 0.0) -> Estimate:
    each = rows.groupby("customer_id", sort=True)[[top, bottom]].sum()
    each = each[each[bottom] > 0]
    found = ratio(each[top], each[bottom], confidence, n=float(each[bottom].sum()))
    return replace(found, n_missing=missing) if found.known else found


FUNCTIONS: Mapping[str, Callable[[History, Window, float], Estimate]] = {
    "P-STEP": steps,
    "P-HAND": handoffs,
    "P-WAIT": waiting,
    "P-CONF": conformance,
}
