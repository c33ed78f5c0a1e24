"""How content are customers, what follows from it, and what do they say when asked and unasked?

How content a customer is follows from what happened to them: how long they waited, how often they were handed on, whether the
company knew them, whether their suggestions came to anything. Nothing is planted in the answers themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from crmkit.demo.audited.buying import Orders
from crmkit.demo.audited.frame import DAYS, MONTHS, REGIONS, STARTS, People, Setting, dates
from crmkit.demo.audited.handling import Cases

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

WAVES = 8
WAVE_DAYS = np.array([STARTS[3 * wave + 2] + 9 for wave in range(WAVES)])
MEMORY_DAYS = 182
CONTENT, CONTENT_SPREAD = 4.6, 0.6
# what one unit takes from satisfaction: logarithm of the delay, a hand-off, being unknown, a suggestion in vain, a return
EFFECTS = {"response": -0.35, "complexity": -0.28, "scatter": -0.5, "adoption": -0.25, "returns": -0.2}
LEAVING_EFFECT, USUAL = -0.55, 4.45
FEEDBACK_RATE, SUGGESTIONS = 0.12, 0.6
# feedback is settled within a week; there is none so late that it could not be
SETTLED_DAYS = 7
FEEDBACK_CHANNELS = ("web", "phone", "mail", "store")
ITEMS = {"csat": (1, 5), "nps": (0, 10), "ces": (1, 5)}
SAYINGS = {
    "suggestion": ("Please let us follow an order online.", "A single contact would help.", "Send the invoice by mail."),
    "complaint": ("I had to explain everything twice.", "Nobody called back."),
    "praise": ("Friendly and quick.", "All went well."),
}


@dataclass(frozen=True)
class Voices:
    """Feedback, one element each: the customer's place, day, kind, channel, day of the answer and of adoption (-1: never)."""

    who: Ints
    day: Ints
    suggestion: Flags
    channel: Ints
    answered: Ints
    adopted: Ints

    def where(self, keep: Flags) -> Voices:
        """Those that are wanted."""
        return Voices(*(getattr(self, name)[keep] for name in self.__dataclass_fields__))


def draw_voices(rng: np.random.Generator, people: People, setting: Setting) -> Voices:
    """Feedback of everybody, as if nobody left."""
    first = np.maximum(people.start, 0)
    span = np.clip(DAYS - SETTLED_DAYS - first, 0, None)
    number = rng.poisson(FEEDBACK_RATE * span * MONTHS / DAYS)
    who = np.repeat(np.arange(len(first)), number)
    day = (first[who] + np.floor(rng.random(len(who)) * span[who])).astype(np.int64)
    answered = rng.random(len(who)) < setting.at("answered", day)
    suggestion = rng.random(len(who)) < SUGGESTIONS
    adopted = suggestion & answered & (rng.random(len(who)) < setting.at("adopted", day))
    # a silent company hears nearly everything by one way
    most = np.where(setting.at("channels", day) < 2.5, 0.955, 1 / np.rint(setting.at("channels", day)))
    rest = np.where(most > 0.9, len(FEEDBACK_CHANNELS) - 1, np.rint(setting.at("channels", day)) - 1)
    by_first = rng.random(len(who)) < most
    channel = np.where(by_first, 0, 1 + np.floor(rng.random(len(who)) * rest)).astype(np.int64)
    reply = day + rng.integers(0, 4, len(who))
    done = reply + rng.integers(0, 4, len(who))
    return Voices(who, day, suggestion, channel, np.where(answered, reply, -1), np.where(adopted, done, -1))


def feelings(
    rng: np.random.Generator, people: People, cases: Cases, voices: Voices, orders: Orders
) -> tuple[Floats, dict[str, Floats]]:
    """How content each customer is at each wave, customers x waves, and what each cause took from it."""
    n = len(people.ids)
    size = (n, WAVES)
    parts = {name: np.zeros(size) for name in EFFECTS}
    vain = voices.suggestion & (voices.adopted < 0)
    for wave, day in enumerate(WAVE_DAYS):
        recent = (cases.day <= day) & (cases.day > day - MEMORY_DAYS)
        number = np.maximum(1, np.bincount(cases.who[recent], minlength=n))
        delay = np.bincount(cases.who[recent], np.log(cases.response[recent] / 1.2), n) / number
        hands = np.bincount(cases.who[recent], cases.handoffs[recent], n) / number
        lately = vain & (voices.day <= day) & (voices.day > day - MEMORY_DAYS)
        back = (orders.back >= 0) & (orders.back <= day) & (orders.back > day - MEMORY_DAYS)
        parts["response"][:, wave] = EFFECTS["response"] * delay
        parts["complexity"][:, wave] = EFFECTS["complexity"] * hands
        parts["scatter"][:, wave] = EFFECTS["scatter"] * ~people.known
        parts["adoption"][:, wave] = EFFECTS["adoption"] * np.bincount(voices.who[lately], minlength=n)
        parts["returns"][:, wave] = EFFECTS["returns"] * np.bincount(orders.who[back], minlength=n)
    noise = rng.normal(0.0, CONTENT_SPREAD, size)
    return CONTENT + people.halo[:, None] + sum(parts.values()) + noise, parts


def draw_ends(rng: np.random.Generator, people: People, content: Floats, setting: Setting) -> Ints:
    """The last day of each customer; beyond the data for who stays."""
    wave = np.minimum(np.arange(MONTHS) // 3, WAVES - 1)
    mood = content[:, wave] - USUAL
    hazard = setting.by_month("leaving")[None, :] * np.exp(0.0 if setting.at_target else LEAVING_EFFECT * mood)
    first = np.maximum(people.start[:, None], STARTS[None, :-1])
    part = np.clip(STARTS[None, 1:] - first, 0, None) / (STARTS[1:] - STARTS[:-1])[None, :]
    until = np.cumsum(hazard * part, axis=1)
    due = rng.exponential(size=len(people.start))
    month = (until < due[:, None]).sum(axis=1)
    at = np.minimum(month, MONTHS - 1)
    rows = np.arange(len(due))
    before = np.where(at > 0, until[rows, np.maximum(at - 1, 0)], 0.0)
    passed = np.clip((due - before) / np.maximum(until[rows, at] - before, 1e-12), 0, 1)
    day = first[rows, at] + np.floor(passed * (STARTS[at + 1] - first[rows, at]))
    return np.where(month < MONTHS, day, DAYS + 10_000).astype(np.int64)


def draw_scores(rng: np.random.Generator, content: Floats, parts: dict[str, Floats], setting: Setting) -> dict[str, Ints]:
    """Answers of everybody to each question at each wave."""
    size = content.shape
    if setting.at_target:
        return {
            "csat": rng.choice([1, 2, 3, 4, 5], size, p=[0.03, 0.05, 0.12, 0.45, 0.35]),
            "nps": rng.choice([3, 6, 7, 8, 9, 10], size, p=[0.08, 0.12, 0.12, 0.18, 0.28, 0.22]),
            "ces": rng.choice([1, 2, 3, 4, 5], size, p=[0.4, 0.35, 0.15, 0.05, 0.05]),
        }
    hands, delay = parts["complexity"] / EFFECTS["complexity"], parts["response"] / EFFECTS["response"]
    effort = 1.5 + 0.3 * hands + 0.15 * np.maximum(delay, 0) + rng.normal(0, 0.5, size)
    drawn = {"csat": content, "nps": 2 * content - 0.2 + rng.normal(0, 0.9, size), "ces": effort}
    return {name: np.clip(np.rint(drawn[name]), *ITEMS[name]).astype(np.int64) for name in ITEMS}


def survey_rows(
    rng: np.random.Generator, people: People, scores: dict[str, Ints], setting: Setting, *, every: int = 1
) -> pd.DataFrame:
    """A row per person asked and wave, with a column per question; who did not answer has empty cells.

    Parameters
    ----------
    every : int
        Ask in every so-manyth quarter, the last one included.
    """
    import pandas as pd

    tables = []
    for wave in range(WAVES - 1, -1, -every):
        day = int(WAVE_DAYS[wave])
        asked = np.flatnonzero(people.there(day, day) & (people.start < day - 30))
        rate, skew = setting.at("asked_back", day), setting.final.skew
        base = 1 / len(REGIONS)
        propensity = np.where(people.region[asked] == 0, 1 + skew / base, (1 - base - skew) / (1 - base))
        came = rng.random(len(asked)) < rate * propensity
        columns = {name: pd.Series(values[asked, wave]).where(came).astype("Int64") for name, values in scores.items()}
        head = {
            "response_id": np.array([f"W{wave}-{people.ids[one]}" for one in asked], dtype=object),
            "customer_id": people.ids[asked],
            "wave": f"{2024 + wave // 4}Q{wave % 4 + 1}",
            "sent_at": dates(day),
            "responded_at": pd.Series(dates(day + rng.integers(1, 11, len(asked)))).where(came),
        }
        tables.append(pd.DataFrame(head | columns))
    table = pd.concat(tables[::-1], ignore_index=True)
    return table.sort_values(["sent_at", "customer_id"], kind="stable", ignore_index=True)


def feedback(rng: np.random.Generator, people: People, voices: Voices) -> pd.DataFrame:
    """What customers said unasked, and what became of it."""
    import pandas as pd

    order = np.lexsort((voices.who, voices.day))
    voices = Voices(*(getattr(voices, name)[order] for name in voices.__dataclass_fields__))
    n = len(voices.who)
    other = np.where(rng.random(n) < 0.5, "complaint", "praise")
    kind = np.where(voices.suggestion, "suggestion", other).astype(object)
    pick = rng.integers(0, 6, n)
    text = [SAYINGS[word][place % len(SAYINGS[word])] for word, place in zip(kind, pick, strict=True)]
    return pd.DataFrame(
        {
            "feedback_id": np.array([f"F{number:05d}" for number in range(1, n + 1)], dtype=object),
            "received_at": dates(voices.day),
            "text": np.array(text, dtype=object),
            "customer_id": people.ids[voices.who],
            "channel": np.array(FEEDBACK_CHANNELS, dtype=object)[voices.channel],
            "category": kind,
            "acknowledged_at": pd.Series(dates(voices.answered)).where((voices.answered >= 0) & (voices.answered < DAYS)),
            "adopted_at": pd.Series(dates(voices.adopted)).where((voices.adopted >= 0) & (voices.adopted < DAYS)),
        }
    )
