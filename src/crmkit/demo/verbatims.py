"""What do customers write? Sentences in two languages about what they liked least or best.

Stands alone: words, not code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
