"""What does TechCo ask its customers, and what do they answer? Eight waves, exported by a Chinese questionnaire tool.

Stands alone: the form is looked up here, because its weights are the truth that the analyses have to find.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crmkit.demo.questionnaire import Answers, Driver, Form, Wave, draw_wave, opinions
from crmkit.demo.techco.people import PRICE_SINCE, People, cut_days, day_number
from crmkit.demo.techco.tickets import KINDS, Tickets, count_recent

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# wave: the period with whose first day it begins
WAVES = {
    "2024Q1": 16,
    "2024Q2": 19,
    "2024Q3": 22,
    "2024Q4": 26,
    "2025Q1": 29,
    "2025Q2": 32,
    "2025Q3": 35,
    "2025Q4": 39,
}
FORM = Form(
    drivers=(
        Driver("product", 0.3, 4.0),
        Driver("reliability", 0.24, 3.9),
        Driver("support_speed", 0.18, 3.7, na_share=0.12),
        Driver("ease", 0.12, 3.8),
        Driver("price", 0.1, 3.4),
        Driver("support_skill", 0.06, 3.9, na_share=0.12),
        Driver("reach", 0.04, 3.6, reverse=True),
        Driver("information", 0.0, 3.6),
    ),
    high=5,
    level=3.9,
    noise=0.45,
    effort=("ease", "support_speed"),
    na_code=9,
    headers={
        "response_id": "答卷编号",
        "customer_id": "客户编号",
        "wave": "期次",
        "channel": "渠道",
        "language": "语言",
        "sent_at": "发送日期",
        "responded_at": "提交日期",
        "duration_seconds": "用时(秒)",
        "comment": "意见",
        "product": "产品功能",
        "reliability": "稳定性",
        "support_speed": "客服响应",
        "ease": "易用性",
        "price": "价格",
        "support_skill": "客服专业度",
        "reach": "难以找到人工",
        "information": "信息通知",
        "csat": "总体满意度",
        "nps": "推荐意愿",
        "ces": "办事轻松",
    },
)
ASKED_SHARE = 0.42
ANSWER_BASE = -0.3
ANSWER_SIZE = (-0.7, 0.3, 0.9)
ANSWER_REGION = (0.4, 0.0, -0.2, -0.5)
OPINION_SIZE = (-0.3, 0.1, 0.4)
SLOW_EFFECT, FAULT_EFFECT, PRICE_EFFECT = -0.9, -0.6, -0.7


def draw_waves(rng: np.random.Generator, people: People, tickets: Tickets) -> list[Answers]:
    """Every wave, of everybody who was a customer or may have been; who had left by then is taken out later."""
    n = len(people.start)
    own = rng.standard_normal((n, len(FORM.drivers)))
    skips = rng.random((n, len(FORM.drivers))) < np.array([driver.na_share for driver in FORM.drivers])
    respond = 1 / (1 + np.exp(-(ANSWER_BASE + np.array(ANSWER_SIZE)[people.size] + np.array(ANSWER_REGION)[people.region])))
    cuts = cut_days(0, 40)
    slow = count_recent(tickets, tickets.hours > 24, customers=n, cuts=cuts, lag=1)
    faults = count_recent(tickets, tickets.kind == KINDS.index("fault"), customers=n, cuts=cuts)
    waves = []
    for name, period in WAVES.items():
        day = int(cuts[period]) + 1
        latent = _latent(rng, people, own, slow[:, period], faults[:, period], day=day)
        wave = Wave(name, day, latent, people.start < day, respond, ASKED_SHARE)
        waves.append(draw_wave(rng, FORM, wave, skips=skips, channels=[0.5, 0.2, 0.3]))
    return waves


def _latent(rng: np.random.Generator, people: People, own: Floats, slow: Floats, faults: Floats, *, day: int) -> Floats:
    """What customers think on a day: slow answers, faults and the price rise each act on one driver."""
    found = opinions(rng, FORM, people.halo, own)
    found += np.array(OPINION_SIZE)[people.size][:, None]
    found[:, FORM.place("support_speed")] += SLOW_EFFECT * np.minimum(slow, 2)
    found[:, FORM.place("reliability")] += FAULT_EFFECT * np.minimum(faults, 2)
    if day >= day_number(PRICE_SINCE):
        found[:, FORM.place("price")] += PRICE_EFFECT
    return found
