"""What may be quoted of what people wrote? Addresses, numbers, names and handles are covered before a text is read further."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from crmkit.core.errors import covered

MASK = "[…]"
ORDINARY = 3
CHINESE = "\u3400-\u4dbf\u4e00-\u9fff"
# full-width letters, digits and signs of Chinese keyboards, as the plain ones
PLAIN = {0xFF10 + k: 0x30 + k for k in range(10)} | {0xFF21 + k: 0x41 + k for k in range(26)}
PLAIN |= {0xFF41 + k: 0x61 + k for k in range(26)}
PLAIN |= {ord(wide): ord(plain) for wide, plain in zip("＠＋－．（）", "@+-.()", strict=True)}
# what is not seen but changes how a text is read: controls, marks of writing direction, characters of no width
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]")
SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金"
    "韦贾夏付方邹熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严欧莫孔向汤"
)
MESSENGERS = r"微信|v信|\bwechat|\bweixin|\bvx|\bwx|\bqq|\bwhatsapp|\btelegram|\bskype"
PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?:https?://|www\.)[^\s，。；！？]+",
        r"[a-z0-9_.+'-]+\s?(?:@|\(at\)|\[at\])\s?[a-z0-9-]+(?:\s?(?:\.|\(dot\)|\[dot\])\s?[a-z0-9-]+)+",
        rf"(?:{MESSENGERS})\s*(?:(?:号码|号|id)\s*(?:[:：是]|is)?|[:：是])\s*[a-z0-9_.-]{{5,}}",
        rf"(?:{MESSENGERS})\s*(?=[a-z_.-]*[0-9_])[a-z0-9_.-]{{5,}}",
        r"(?<![\w.])@[a-z0-9_.-]{2,}",
        # letters and at least four digits: orders, contracts, number plates
        r"\b(?=[a-z0-9-]*[a-z])(?=(?:[a-z-]*\d){4})[a-z0-9]+(?:-[a-z0-9]+)*\b",
        # six digits and more, however they are grouped: telephone, cards, identity numbers, postcodes of two
        r"\+?\(?\d(?:[ \t().\-/–]{0,2}\d){5,}[xX]?",
        rf"[{CHINESE}]{{1,8}}(?:路|街|巷|弄|大道)\d+号(?:[{CHINESE}\d]{{0,6}}(?:室|楼|单元))?",
        r"\d{2,}(?:号房|号室|室|房间)",
        rf"[{SURNAMES}][{CHINESE}]{{0,2}}?(?:先生|女士|小姐|太太|经理|老师|师傅|主任|医生)",
        rf"[{SURNAMES}](?:总|工)(?![{CHINESE}])",
    )
)
TITLED = re.compile(r"\b(?:Mr|Mrs|Ms|Miss|Mister|Dr|Prof|Herrn?|Frau|Madame|Monsieur|Señora?)\b\.?\s+(?:[A-Z][\w'’-]+\s?){1,3}")
WORD = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*")
RUN = re.compile(f"[{CHINESE}]{{2,}}")
LONGEST_NAME = 12


def mask_personal(texts: Sequence[str], *, names: Iterable[str] = (), ids: Iterable[str] = ()) -> list[str]:
    """Texts in which nobody can be found or called.

    Parameters
    ----------
    texts : sequence of str
        What people wrote, all of it: a word that others write in small letters is no name.
    names : iterable of str
        Names of the client's customers, of persons or companies.
    ids : iterable of str
        Their numbers.

    Returns
    -------
    list of str
        In the order given; ``[…]`` stands for each web and e-mail address, handle, number of six digits or more, order or
        contract number, Chinese street address, person after a title, name or number of a customer. Characters that are not
        seen are taken out, and line breaks become blanks.

    Notes
    -----
    What is caught has a shape, or is known. A name that stands alone and belongs to no customer stays.

    Examples
    --------
    >>> mask_personal(["Call +49 30 23125 014 or anna@example.com", "请打我电话13800138000，王女士"])
    ['Call […] or […]', '请打我电话[…]，[…]']
    >>> mask_personal(["Anna was late, says Adler"], names=["Anna Adler"])
    ['[…] was late, says […]']
    """
    plain = [UNSEEN.sub("", re.sub(r"[\r\n\t\u2028\u2029]+", " ", str(text)).translate(PLAIN)) for text in texts]
    small: Counter[str] = Counter()
    for text in plain:
        small.update({word for word in WORD.findall(text) if word.islower()} | _pieces(text, longest=2))
    latin, chinese = _known_names(names)
    numbers = {one.strip().casefold() for one in ids if len(one.strip()) >= 3}
    return [_covered(text, latin, chinese, numbers, small) for text in plain]


def finds_somebody(text: str) -> bool:
    """Whether a person can be found or called by a text, as far as its shape tells."""
    return MASK in mask_personal([text])[0]


def named(word: str) -> str:
    """A word of the data as a page may name it: as it is written, or covered where somebody can be found by it.

    Examples
    --------
    >>> named("paid in part"), named("anna@example.com")
    ('paid in part', 'xxxx@xxxxxxx.xxx')
    """
    return covered(word) if finds_somebody(word) else word


def _known_names(names: Iterable[str]) -> tuple[set[str], set[str]]:
    """Words of names in other scripts, and whole Chinese names."""
    latin: set[str] = set()
    chinese: set[str] = set()
    for name in names:
        for run in RUN.findall(str(name)):
            chinese.add(run)
        latin |= {word.casefold() for word in WORD.findall(str(name)) if len(word) > 2 and not RUN.search(word)}
    return latin, chinese


def _covered(text: str, latin: set[str], chinese: set[str], numbers: set[str], small: Counter[str]) -> str:
    for pattern in PATTERNS:
        text = pattern.sub(MASK, text)
    text = TITLED.sub(lambda found: MASK + " " * found[0].endswith(" "), text)
    for piece in sorted(_pieces(text), key=len, reverse=True):
        if piece in chinese and (len(piece) > 2 or small[piece] < ORDINARY):
            text = text.replace(piece, MASK)

    def word(found: re.Match[str]) -> str:
        own = found[0].casefold()
        named = own in latin and not found[0].islower() and small[own] < ORDINARY
        return MASK if own in numbers or named else found[0]

    return re.sub(r"(?:\[…\]\s?){2,}", lambda found: MASK + " " * found[0].endswith(" "), WORD.sub(word, text))


def _pieces(text: str, longest: int = LONGEST_NAME) -> set[str]:
    """Every group of 2 to `longest` neighbouring Chinese characters."""
    return {
        run[at : at + size]
        for run in RUN.findall(text)
        for size in range(2, min(longest, len(run)) + 1)
        for at in range(len(run) - size + 1)
    }
