"""What do customers answer when they are asked? Waves of a questionnaire with known weights of what drives satisfaction.

The score of satisfaction is a weighted sum of the answers to the drivers *as given*, so that the weights can be found again:

    satisfaction = level + sum of weight * (answer - usual answer) + noise, rounded and held on the scale.

Who answers depends on attributes that stand in the customer file and on nothing else, so that weighting can mend it. A small
part of the answers is careless: the same box all the way down, or boxes at random, in a few seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Words = NDArray[np.object_]

CARELESS_SHARE = 0.04
STRAIGHT_SHARE = 0.6
COMMENT_SHARE = 0.22
MISSING_SHARE = 0.02
OUTCOMES = ("csat", "nps", "ces")
# an answer of one customer to all drivers leans to the same side
HALO, OWN, SAID = 0.45, 0.5, 0.45


@dataclass(frozen=True)
class Driver:
    """A question about one thing that may drive satisfaction.

    Parameters
    ----------
    name : str
        Item id.
    weight : float
        What one point of the answer adds to satisfaction, in its points.
    usual : float
        Mean of the latent answer, before anything happens.
    reverse : bool
        Whether it is asked the other way round: a low answer is the good one.
    na_share : float
        Part of the customers to whom the question does not apply.
    """

    name: str
    weight: float
    usual: float
    reverse: bool = False
    na_share: float = 0.0


@dataclass(frozen=True)
class Form:
    """A questionnaire.

    Parameters
    ----------
    drivers : tuple of Driver
    high : int
        Highest answer to a driver and to satisfaction; the lowest is 1.
    level : float
        Satisfaction where every driver is at its usual answer.
    noise : float
        Standard deviation of what the drivers do not explain.
    effort : tuple of str
        Drivers that make things easy, on a scale of 1 to 7 (7 = very easy).
    na_code : int
        How "not applicable" stands in the file.
    headers : dict of str to str
        Item or column: header in the file, where it is another.
    """

    drivers: tuple[Driver, ...]
    high: int
    level: float
    noise: float
    effort: tuple[str, ...]
    na_code: int
    headers: dict[str, str]

    @property
    def items(self) -> list[str]:
        return [*(driver.name for driver in self.drivers), *OUTCOMES]

    def place(self, name: str) -> int:
        return self.items.index(name)


@dataclass(frozen=True)
class Wave:
    """One round: its name, the day it was sent, what customers think, who may be asked and how likely each one is to answer.

    Parameters
    ----------
    name : str
    day : int
        Counted from the first day of the data.
    latent : array, customers x drivers
        What they would answer, unrounded.
    base : array of bool
        Whether they are customers on that day.
    respond : array
        Probability to answer, of who is asked.
    asked_share : float
    """

    name: str
    day: int
    latent: Floats
    base: NDArray[np.bool_]
    respond: Floats
    asked_share: float


@dataclass(frozen=True)
class Answers:
    """One wave: what all customers would answer with care (``true``), and what stands in the file of those who were asked."""

    wave: Wave
    true: Floats
    who: Ints
    scores: Floats
    answered: Ints
    careless: NDArray[np.bool_]
    seconds: Ints
    channel: Ints


def opinions(rng: np.random.Generator, form: Form, halo: Floats, own: Floats) -> Floats:
    """What customers think of each driver at one time, unrounded: usual answer, halo, a lasting opinion and the day's."""
    usual = np.array([driver.usual for driver in form.drivers])
    return usual + HALO * halo[:, None] + OWN * own + SAID * rng.standard_normal(own.shape)


def answer_all(rng: np.random.Generator, form: Form, latent: Floats) -> Floats:
    """The answers of customers who answer with care, customers x items; reversed items as they stand in the file."""
    seen = np.clip(np.rint(latent), 1, form.high)
    weights = np.array([driver.weight for driver in form.drivers])
    usual = np.array([driver.usual for driver in form.drivers])
    satisfaction = form.level + (seen - usual) @ weights + form.noise * rng.standard_normal(len(seen))
    step = 4.0 / (form.high - 1)
    recommend = 7.4 + 1.9 * step * (satisfaction - form.level) + rng.standard_normal(len(seen))
    eases = [form.place(name) for name in form.effort]
    ease = 4.9 + 0.9 * step * (seen[:, eases] - usual[eases]).sum(axis=1) + 0.7 * rng.standard_normal(len(seen))
    given = np.where([driver.reverse for driver in form.drivers], form.high + 1 - seen, seen)
    outcomes = [np.clip(np.rint(x), low, high) for x, low, high in _ranges(form, satisfaction, recommend, ease)]
    return np.column_stack([given, *outcomes])


def _ranges(form: Form, satisfaction: Floats, recommend: Floats, ease: Floats) -> list[tuple[Floats, int, int]]:
    return [(satisfaction, 1, form.high), (recommend, 0, 10), (ease, 1, 7)]


def draw_wave(rng: np.random.Generator, form: Form, wave: Wave, *, skips: NDArray[np.bool_], channels: list[float]) -> Answers:
    """Who is asked, who answers, when and how.

    Parameters
    ----------
    skips : array of bool, customers x drivers
        To whom a question does not apply.
    channels : list of float
        Shares of questionnaire, telephone and online.
    """
    true = answer_all(rng, form, wave.latent)
    who = np.flatnonzero(wave.base & (rng.random(len(wave.base)) < wave.asked_share))
    n, k = len(who), len(form.drivers)
    replies = rng.random(n) < wave.respond[who]
    careless = replies & (rng.random(n) < CARELESS_SHARE)
    scores = true[who].copy()
    box = rng.integers(1, form.high + 1, (n, k + len(OUTCOMES)))
    straight = rng.random(n) < STRAIGHT_SHARE
    box[straight] = box[straight, :1]
    box[:, form.place("nps")] = np.where(straight, box[:, 0], rng.integers(0, 11, n))
    scores = np.where(careless[:, None], box, scores)
    skipped = skips[who] & ~careless[:, None]
    scores[:, :k] = np.where(skipped, form.na_code, scores[:, :k])
    scores[(rng.random(scores.shape) < MISSING_SHARE) & ~careless[:, None]] = np.nan
    scores[~replies] = np.nan
    answered = np.where(replies, wave.day + np.minimum(1 + np.floor(rng.exponential(4.0, n)), 20), -1).astype(np.int64)
    pace = np.where(careless, rng.uniform(0.8, 1.8, n), np.exp(rng.normal(2.1, 0.35, n)))
    seconds = np.rint(pace * scores.shape[1]).astype(np.int64)
    return Answers(wave, true, who, scores, answered, careless, seconds, rng.choice(3, n, p=channels))


CHANNELS = ("questionnaire", "telephone", "online")


def survey_table(
    rng: np.random.Generator, form: Form, waves: list[Answers], *, ids: Words, chinese: NDArray[np.bool_], dates: Any, last: int
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """One row per person asked, one column per item, as a questionnaire tool exports it; and what is true of it.

    Parameters
    ----------
    ids, chinese : array
        Of each customer: id, and whether they write Chinese.
    dates : callable
        Days from the first day of the data -> dates.
    last : int
        Last day of the data; later answers have not come.

    Returns
    -------
    table : DataFrame
        Under the form's headers.
    truth : dict
    """
    import pandas as pd

    parts = [_wave_table(rng, form, wave, ids=ids, chinese=chinese, dates=dates, last=last) for wave in waves]
    table = pd.concat([part for part, _ in parts], ignore_index=True)
    table.insert(0, "response_id", [f"S{number:05d}" for number in range(1, len(table) + 1)])
    careless = np.concatenate([flags for _, flags in parts])
    truth = {
        "driver_weights": {driver.name: driver.weight for driver in form.drivers},
        "waves": {wave.wave.name: _true_scores(form, wave) for wave in waves},
        "careless_share": CARELESS_SHARE,
        "careless": table["response_id"][careless].tolist(),
        "headers": form.headers,
        "notes": "Scores of a wave are those of all customers of that day, if each had answered with care; nps is -100 to 100;"
        " expected_of_answers weights each customer with the chance to answer: its distance from csat_mean is the bias.",
    }
    return table.rename(columns=form.headers), truth


def _wave_table(
    rng: np.random.Generator, form: Form, wave: Answers, *, ids: Words, chinese: Any, dates: Any, last: int
) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
    import pandas as pd

    came = (wave.answered >= 0) & (wave.answered <= last)
    scores = np.where(came[:, None], wave.scores, np.nan)
    drivers = [driver.name for driver in form.drivers]
    kind = [driver.reverse for driver in form.drivers]
    felt = np.where(kind, form.high + 1 - wave.true[wave.who][:, : len(drivers)], wave.true[wave.who][:, : len(drivers)])
    wants = came & ~wave.careless & (rng.random(len(came)) < COMMENT_SHARE)
    table = pd.DataFrame(
        {
            "customer_id": ids[wave.who],
            "wave": wave.wave.name,
            "channel": np.array(CHANNELS, dtype=object)[wave.channel],
            "language": np.where(chinese[wave.who], "zh", "en"),
            "sent_at": dates(np.full(len(came), wave.wave.day)),
            "responded_at": pd.Series(dates(np.maximum(wave.answered, 0))).where(came),
            "duration_seconds": pd.array(np.where(came, wave.seconds, 0), dtype="Int64"),
            **{item: pd.array(scores[:, at], dtype="Int64") for at, item in enumerate(form.items)},
        }
    )
    table["duration_seconds"] = table["duration_seconds"].where(came)
    table["comment"] = draw_comments(rng, drivers, felt / form.high, chinese=chinese[wave.who], wants=wants)
    return table, wave.careless & came


def _true_scores(form: Form, wave: Answers) -> dict[str, float | int]:
    """What the whole base of a wave would have answered."""
    base = wave.true[wave.wave.base]
    csat, nps = base[:, form.place("csat")], base[:, form.place("nps")]
    replied = wave.answered >= 0
    chance = wave.wave.respond[wave.wave.base]
    said = wave.true[wave.who[replied], form.place("csat")]
    return {
        "customers": len(base),
        "asked": len(wave.who),
        "response_share": _mean(replied),
        "csat_mean": _mean(csat),
        "csat_top_two": _mean(csat >= form.high - 1),
        "nps": round(100 * (_mean(nps >= 9) - _mean(nps <= 6)), 2),
        "csat_mean_of_answers": _mean(said),
        "csat_mean_expected_of_answers": round(float(np.average(csat, weights=chance)), 4) if len(base) else 0.0,
    }


def _mean(values: NDArray[Any]) -> float:
    return round(float(values.mean()), 4) if len(values) else 0.0


def last_answer(waves: list[Answers], item: int, *, customers: int, cuts: Ints, days: int) -> Floats:
    """The newest answer to an item at each cut-off, customers x cut-offs; not-a-number where there is none of the last days."""
    found = np.full((customers, len(cuts)), np.nan)
    for wave in waves:
        given = (wave.answered >= 0) & ~np.isnan(wave.scores[:, item])
        who, day, score = wave.who[given], wave.answered[given], wave.scores[given, item]
        inside = (cuts[None, :] >= day[:, None]) & (cuts[None, :] < day[:, None] + days)
        rows, at = np.nonzero(inside)
        found[who[rows], at] = score[rows]
    return found


# driver: English against, English for, Chinese against, Chinese for
SENTENCES: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "product": (
        ("Half of the functions I was shown are missing.", "The product does not do what we bought it for."),
        ("The product does exactly what we need.", "Good product, my colleagues like it."),
        ("宣传的功能有一半没有。", "产品达不到我们购买时的预期。"),
        ("产品很好用，完全符合需要。", "同事们都喜欢这个产品。"),
    ),
    "reliability": (
        ("The sync keeps failing and we lose entries.", "It was down twice this month."),
        ("It simply works, every day.", "No failure this year."),
        ("同步总是失败，数据会丢。", "这个月系统崩溃了两次。"),
        ("系统一直很稳定。", "今年没有出过故障。"),
    ),
    "support_speed": (
        ("I waited two days for an answer.", "Nobody picks up, the waiting time is far too long."),
        ("A quick answer, thank you.", "Support called back within the hour."),
        ("等了两天才有人回复。", "客服响应太慢，一直没人接。"),
        ("回复很快，谢谢。", "客服一小时内就回电了。"),
    ),
    "support_skill": (
        ("The agent did not know the product.", "I had to explain the same thing three times."),
        ("The agent solved it at once.", "Very competent people."),
        ("客服不懂产品，解决不了问题。", "同一个问题我解释了三遍。"),
        ("客服很专业，一次就解决了。", "技术支持水平很高。"),
    ),
    "ease": (
        ("Too many steps for a simple thing.", "The process is complicated, one form after the other."),
        ("Easy to use, no training needed.", "Everything is where I expect it."),
        ("流程太复杂，办一件小事要很多步。", "要填一张又一张表，太麻烦。"),
        ("简单易用，不用培训。", "操作方便，一看就会。"),
    ),
    "price": (
        ("The new price is not worth it.", "Too expensive for what we get."),
        ("Fair price.", "Good value for the money."),
        ("涨价以后不值这个钱。", "价格太贵，性价比低。"),
        ("价格公道。", "性价比很高。"),
    ),
    "information": (
        ("Nobody told us about the change.", "The invoice cannot be understood."),
        ("Always well informed.", "Clear invoices."),
        ("变更没有人通知我们。", "账单看不懂。"),
        ("通知很及时。", "账单清楚明白。"),
    ),
    "reach": (
        ("It is hard to reach a human being.", "I was sent from one desk to the next."),
        ("There is always somebody to talk to.", "One contact for everything."),
        ("很难找到人工客服。", "被转来转去，没人负责。"),
        ("随时都能找到人。", "有专人负责，很省心。"),
    ),
    "delivery": (
        ("The parcel came a week late.", "Delivery was late again."),
        ("Delivered the next day.", "Fast delivery, well packed."),
        ("快递晚了一个星期。", "又没有按时送货。"),
        ("第二天就到货了。", "送货快，包装好。"),
    ),
    "assortment": (
        ("What I wanted was out of stock.", "The choice has become smaller."),
        ("A great choice.", "I always find what I look for."),
        ("想买的都缺货。", "可选的商品变少了。"),
        ("品种很齐全。", "总能找到想要的。"),
    ),
}
# what must never reach a page: numbers and addresses that belong to nobody
PERSONAL = {
    False: (" Call me at +49 30 23125 014.", " Write to anna.adler@example.com."),
    True: ("请打我电话 13800138000。", "请发邮件到 wang.wei@example.com。"),
}
PERSONAL_SHARE = 0.02


def draw_comments(
    rng: np.random.Generator,
    drivers: list[str],
    felt: NDArray[np.float64],
    *,
    chinese: NDArray[np.bool_],
    wants: NDArray[np.bool_],
) -> list[str]:
    """A sentence of each customer who wants to say something, empty text of the others.

    Parameters
    ----------
    rng : numpy.random.Generator
    drivers : list of str
        Keys of :data:`SENTENCES`.
    felt : array, customers x drivers
        How good each is, 0 to 1; the worst is complained of below .7, else the best is praised.
    chinese, wants : array of bool
        Who writes Chinese, and who writes at all.
    """
    blurred = felt + rng.uniform(0, 0.01, felt.shape)
    worst, best = blurred.argmin(axis=1), blurred.argmax(axis=1)
    against = blurred.min(axis=1) < 0.7
    which, personal = rng.integers(0, 2, len(felt)), rng.random(len(felt)) < PERSONAL_SHARE
    said = []
    for at, wanted in enumerate(wants):
        if not wanted:
            said.append("")
            continue
        driver = drivers[worst[at] if against[at] else best[at]]
        sentence = SENTENCES[driver][2 * int(chinese[at]) + int(not against[at])][which[at]]
        said.append(sentence + (PERSONAL[bool(chinese[at])][which[at]] if personal[at] else ""))
    return said
