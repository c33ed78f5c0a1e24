"""What do RetailCo's customers say, whom do they bring, and who joins the reward programme?

Drawn beside the purchases and without touching them. Satisfaction falls from wave to wave, because buying takes more steps and
answers come later; in the second quarter of 2025 the warehouse moved and deliveries came late. Who joined the programme bought
often before: the programme itself changes nothing, so that a comparison of members with others must not say that it does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.demo.questionnaire import Driver, Form, Wave, draw_wave, opinions, survey_table

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Words = NDArray[np.object_]

FORM = Form(
    drivers=(
        Driver("delivery", 0.28, 5.4),
        Driver("ease", 0.25, 5.2),
        Driver("support_speed", 0.16, 5.0, na_share=0.3),
        Driver("product", 0.12, 5.5),
        Driver("assortment", 0.09, 5.2),
        Driver("price", 0.06, 4.9),
        Driver("reach", 0.04, 4.8, reverse=True),
        Driver("information", 0.0, 5.0),
    ),
    high=7,
    level=5.3,
    noise=0.6,
    effort=("ease", "delivery"),
    na_code=0,
    headers={},
)
# wave: day on which it was sent, from the first day of the data
WAVES = {"2024Q3": 230, "2024Q4": 322, "2025Q1": 412, "2025Q2": 504, "2025Q3": 595, "2025Q4": 686}
ASKED_SHARE, CUSTOMER_DAYS = 0.4, 365
ANSWER_BASE = -0.4
ANSWER_SIZE = {"private": -0.3, "small firm": 0.5, "large firm": 1.2}
ANSWER_REGION = {"North": 0.3, "South": 0.0, "East": -0.1, "West": -0.4}
OPINION_SIZE = {"private": -0.15, "small firm": 0.3, "large firm": 0.7}
FALL = {"ease": -0.16, "support_speed": -0.1}
MOVE_WAVE, MOVE_EFFECT = "2025Q2", {"2025Q2": -1.4, "2025Q3": -0.4}
LASTING = 0.5
PROGRAMME_DAY, JOIN_SHARE = 366, 0.25
PROSPECTS = 160


@dataclass(frozen=True)
class Shop:
    """The purchases, as far as they matter here.

    ``ids`` are those of the buyers, then of who only registered; ``start`` (first purchase) and ``dropout`` have an element per
    buyer, ``who`` and ``day`` one per purchase. Days count from the first day of the data; ``dates`` makes dates of them.
    """

    ids: Words
    start: Ints
    dropout: Floats
    who: Ints
    day: Ints
    customers: pd.DataFrame
    days: int
    dates: Any


def add_voices(rng: np.random.Generator, shop: Shop) -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
    """Tables ``surveys, referrals`` and ``loyalty``, and what is true of them."""
    known = shop.customers.set_index("customer_id").loc[list(shop.ids[: len(shop.start)])]
    content = -LASTING * _normal_scores(shop.dropout) + (1 - LASTING**2) ** 0.5 * rng.standard_normal(len(shop.start))
    surveys, said = _surveys(rng, shop, known, content)
    referrals, brought = _referrals(rng, shop, known, content)
    loyalty, joined = _loyalty(rng, shop)
    tables = {"surveys": surveys, "referrals": referrals, "loyalty": loyalty}
    return tables, {"surveys": said, "referrals": brought, "loyalty": joined}


def _surveys(rng: np.random.Generator, shop: Shop, known: pd.DataFrame, content: Floats) -> tuple[pd.DataFrame, dict[str, Any]]:
    n = len(shop.start)
    own = rng.standard_normal((n, len(FORM.drivers)))
    skips = rng.random((n, len(FORM.drivers))) < np.array([driver.na_share for driver in FORM.drivers])
    odds = ANSWER_BASE + known["size"].map(ANSWER_SIZE).to_numpy() + known["region"].map(ANSWER_REGION).to_numpy()
    respond = 1 / (1 + np.exp(-odds))
    waves = []
    for number, (name, day) in enumerate(WAVES.items()):
        latent = opinions(rng, FORM, content, own) + known["size"].map(OPINION_SIZE).to_numpy()[:, None]
        for driver, fall in FALL.items():
            latent[:, FORM.place(driver)] += fall * number
        latent[:, FORM.place("delivery")] += MOVE_EFFECT.get(name, 0.0)
        bought = np.zeros(n, dtype=bool)
        bought[shop.who[(shop.day < day) & (shop.day >= day - CUSTOMER_DAYS)]] = True
        waves.append(
            draw_wave(rng, FORM, Wave(name, day, latent, bought, respond, ASKED_SHARE), skips=skips, channels=[0.3, 0.1, 0.6])
        )
    chinese = known["name"].str.contains("[\u4e00-\u9fff]").to_numpy()
    table, said = survey_table(rng, FORM, waves, ids=shop.ids[:n], chinese=chinese, dates=shop.dates, last=shop.days - 1)
    planted = {"falls_per_wave": FALL, "shift": {"wave": MOVE_WAVE, "driver": "delivery", "points": MOVE_EFFECT[MOVE_WAVE]}}
    return table, {**said, "planted": planted}


def _referrals(
    rng: np.random.Generator, shop: Shop, known: pd.DataFrame, content: Floats
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Who came by referral was brought by a content customer who was there before; some who were recommended never came."""
    import pandas as pd

    n = len(shop.start)
    came = np.flatnonzero((known["acquisition_channel"] == "referral").to_numpy() & (shop.start > 60))
    day = np.concatenate([shop.start[came] - rng.integers(1, 30, len(came)), rng.integers(60, shop.days, PROSPECTS)])
    order = np.argsort(shop.start, kind="stable")
    weight = np.cumsum(np.exp(0.8 * content)[order])
    # among those who had bought by then, in proportion to how content they are
    there = np.searchsorted(shop.start[order], day, side="left")
    usable = there > 0
    drawn = rng.random(len(day)) * weight[np.maximum(there, 1) - 1]
    referrer = order[np.minimum(np.searchsorted(weight, drawn), n - 1)]
    referred = np.concatenate([shop.ids[came], np.array([f"P{one:05d}" for one in range(1, PROSPECTS + 1)], dtype=object)])
    converted = np.concatenate([shop.start[came], np.full(PROSPECTS, -1)])
    table = pd.DataFrame(
        {
            "referrer_id": shop.ids[:n][referrer],
            "referred_id": referred,
            "referred_at": shop.dates(day),
            "converted_at": pd.Series(shop.dates(np.maximum(converted, 0))).where(converted >= 0),
        }
    )[usable & (referred != shop.ids[:n][referrer])]
    table = table.sort_values(["referred_at", "referred_id"], ignore_index=True)
    return table, {
        "referred": len(table),
        "converted": int(table["converted_at"].notna().sum()),
        "log_odds_per_sd_of_contentment": 0.8,
    }


def _loyalty(rng: np.random.Generator, shop: Shop) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Who bought often before the programme began is more likely to join it."""
    import pandas as pd

    n = len(shop.start)
    before = np.bincount(shop.who[shop.day < PROGRAMME_DAY], minlength=n)
    odds = np.where(before > 0, np.log(JOIN_SHARE / (1 - JOIN_SHARE)) + 0.5 * (np.minimum(before, 6) - 2), -np.inf)
    joins = np.flatnonzero(rng.random(n) < 1 / (1 + np.exp(-odds)))
    day = np.minimum(PROGRAMME_DAY + np.floor(rng.exponential(45.0, len(joins))), shop.days - 1).astype(np.int64)
    since = np.bincount(shop.who[shop.day >= PROGRAMME_DAY], minlength=n)[joins]
    points = 100 * since + rng.integers(0, 50, len(joins))
    tier = np.array(("bronze", "silver", "gold"), dtype=object)[np.digitize(points, (200, 600))]
    table = pd.DataFrame(
        {"customer_id": shop.ids[joins], "joined_at": shop.dates(day), "tier": tier, "points": points}
    ).sort_values("customer_id", ignore_index=True)
    started = shop.dates(np.array([PROGRAMME_DAY]))[0].date().isoformat()
    return table, {"members": len(table), "effect_on_purchases": 0.0, "began": started}


def _normal_scores(values: Floats) -> Floats:
    """Ranks as quantiles of the normal law."""
    from scipy.special import ndtri

    places = np.empty(len(values))
    places[np.argsort(values, kind="stable")] = np.arange(1, len(values) + 1)
    return np.asarray(ndtri((places - 0.5) / len(values)))
