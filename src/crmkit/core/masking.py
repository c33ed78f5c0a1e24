"""What may be quoted of what people wrote? Addresses, numbers, names and handles are covered before a text is read further."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

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
NUMERALS = "零〇一二三四五六七八九幺两壹贰叁肆伍陆柒捌玖"
# a dot and the sign of a mail address, as they are written and as they are spelled
DOT = (
    r"(?:\s?[.。｡]\s?|\s?[(\[{]\s?(?:dot|punkt|point)\s?[)\]}]\s?|\s(?:dot|punkt|点)\s"
    r"|\s(?:point|punto)\s(?=(?:com|net|org|eu|fr|es)\b))"
)
AT = (
    r"(?:\s?@\s?|\s?[(\[{]\s?(?:at|ät)\s?[)\]}]\s?"
    r"|\s(?:at|ät|arroba|arobase|艾特)\s(?!(?:the|an?|this|that|each|any|some|one)\b))"
)
NETWORKS = (
    r"\binsta(?:gram)?|\big|\btiktok|\bsnap(?:chat)?|\btwitter|\bfacebook|\bfb|\blinkedin|\bdiscord|\bsignal|\bline|\bviber|\bkakao"
    r"|微博|抖音|小红书|快手|钉钉|飞书"
)
PLATE = r"\b(?:number plate|licen[cs]e plate|plate|kennzeichen|registration|immatriculation|matr[ií]cula|targa)\b|车牌号?码?"
MESSENGERS = r"微信|v信|\bwechat|\bweixin|\bvx|\bwx|\bqq|\bwhatsapp|\btelegram|\bskype"
PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # account numbers, of which the country belongs to the number
        r"\b[a-z]{2}\d{2}(?:[ -]?[a-z0-9]{4}){3,7}(?:[ -]?[a-z0-9]{1,3})?\b(?<=\d)",
        r"(?:https?://|www[.。])[^\s，；！？]+",
        rf"[a-z0-9_+'-]+(?:{DOT}[a-z0-9_+'-]+){{0,4}}{AT}[a-z0-9-]+(?:{DOT}[a-z0-9-]+)+",
        rf"(?:{MESSENGERS})\s*(?:(?:号码|号|id)\s*(?:[:：是]|is)?|[:：是])\s*[a-z0-9_.-]{{5,}}",
        rf"(?:{MESSENGERS})\s*(?=[a-z_.-]*[0-9_])[a-z0-9_.-]{{5,}}",
        rf"(?:{NETWORKS})\s*(?:handle|name|user|account|id|号|账号)?\s*[:：=]\s*@?(?=[a-z_-]*[0-9_.][a-z0-9])[a-z0-9_.-]{{3,}}",
        rf"(?:{NETWORKS})\s*(?:handle|name|user|account|id|号|账号)?\s*[:：=]\s*@?[a-z0-9_-]{{4,}}(?=\s*(?:$|[,;.!?，。；！？]))",
        r"(?<![\w.])@[a-z0-9_.-]{2,}",
        rf"(?:{PLATE})\s*(?:number|no\.?|nr\.?|is|ist|是|为)?\s*[:：]?\s*(?=[a-z0-9 -]*\d)"
        r"[a-z0-9]{1,4}(?:[ -]?[a-z0-9]{1,5}){1,3}\b",
        rf"[{NUMERALS}](?:[ \t-]?[{NUMERALS}]){{6,}}",
        # letters and at least four digits: orders, contracts, number plates
        r"\b(?=[a-z0-9-]*[a-z])(?=(?:[a-z-]*\d){4})[a-z0-9]+(?:-[a-z0-9]+)*\b",
        # six digits and more, however they are grouped: telephone, cards, identity numbers, postcodes of two
        r"\+?\(?\d(?:[ \t().\-/–]{0,2}\d){5,}[xX]?",
        rf"[{CHINESE}]{{1,8}}(?:路|街|巷|弄|大道)[\d{NUMERALS}十百]+号(?:[{CHINESE}\d]{{0,6}}(?:室|楼|单元))?",
        r"\d{2,}(?:号房|号室|室|房间)",
        r"\d+(?:栋|幢|号楼|单元)[\d-]*\d(?:室|号)?",
        # 12 Main Street in small letters; a way, a drive or a road of so many miles is none
        r"\b\d{1,5}[a-z]?\s+(?!way\b|min|hour|km\b|mile|day|lane|star|meter|metre|block)[a-z'-]{3,}\s+(?:street|avenue|boulevard|road)\b",
        rf"[{SURNAMES}][{CHINESE}]{{0,2}}?(?:先生|女士|小姐|太太|经理|老师|师傅|主任|医生)",
        rf"[{SURNAMES}](?:总|工)(?![{CHINESE}])",
    )
)
UPPER = "A-ZÀ-ÖØ-ÞŁŚŻŽŠČŘĞİŞ"
NAMED = rf"[{UPPER}][\w'’.-]+"
OF = r"(?:(?:de|del|la|las|los|le|les|du|des|da|do|dos|das|della|delle|dei|di|van|der|den|the)\s+|d['’]|l['’])"
NO_STREET = (
    r"(?!(?:Heim|Rück|Hin|Um|Aus|Arbeits|Schul|Park|Stell|Sitz|Steh|Spiel|Liege|Camping|Tennis|Sport|Ehe)(?:weg|platz|ring)\b)"
)
# where capital letters tell an address or a plate from other words
CASED = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\b(?:{NAMED}\s)?(?:{NAMED[:-1]}*)?(?:[Ss]tra(?:ße|sse)|[Ss]tr\.)\s?\d{{1,4}}\s?[a-z]?\b",
        rf"\b{NAMED}(?:gasse|allee|chaussee|straat|laan|gracht|kade|plein|gatan|vägen|gade|vej|veien|katu|tie)\s\d{{1,4}}[a-zA-Z]?\b",
        rf"\b{NO_STREET}{NAMED}(?:weg|platz|ring|ufer|damm)\s\d{{1,4}}[a-z]?(?=\s*(?:$|[,;.]|in\b))",
        rf"\b\d{{1,5}}[A-Za-z]?,?\s+(?:{NAMED}\s+){{1,3}}"
        r"(?:Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Square|Sq|Terrace|Close|Crescent|Highway|Hwy|Parkway)\b\.?",
        rf"\b\d{{1,4}}(?:\s?(?:bis|ter))?,?\s+(?:[Rr]ue|[Aa]venue|[Bb]oulevard|[Bb]d|[Pp]lace|[Cc]hemin|[Aa]llée|[Ii]mpasse|[Qq]uai)"
        rf"\s+{OF}*{NAMED}(?:[ -]{NAMED})*",
        r"\b(?:[Cc]alle|C/|[Aa]venida|[Aa]vda\.?|[Pp]laza|[Pp]aseo|Via|Viale|Piazza|Corso|[Rr]ua|[Pp]raça|[Tt]ravessa|ul\.|[Uu]lica)"
        rf"\s+{OF}*{NAMED}(?:\s+(?:{OF}*){NAMED})*,?\s+(?:n[.ºo°]*\s*)?\d{{1,5}}\w?\b",
        r"(?:ул\.|улица|улице|проспект|пр-т|пер\.|переулок)\s*[А-ЯЁ][\w-]+(?:\s[А-ЯЁ][\w-]+)?,?\s*(?:д(?:ом)?\.?\s*)?\d+",
        rf"\b{NAMED}\s(?:Caddesi|Cad\.|Sokak|Sokağı|Sk\.|Bulvarı)\s(?:No:?\s?)?\d+",
        # plates of Germany and its neighbours, of France, and of China
        r"\b[A-ZÄÖÜ]{1,3}-[A-Z]{1,2}[ -]?\d{2,4}[EH]?\b",
        r"\b[A-Z]{2}-\d{3}-[A-Z]{2}\b",
        r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Z][·• -]?[A-Z0-9]{5,6}(?![A-Z0-9])",
    )
)
SPELLED = re.compile(r"(?<![^\W_])[^\W\d_](?:[ .-][^\W\d_]){3,}(?![^\W_])")
TITLED = re.compile(r"\b(?:Mr|Mrs|Ms|Miss|Mister|Dr|Prof|Herrn?|Frau|Madame|Monsieur|Señora?)\b\.?\s+(?:[A-Z][\w'’-]+\s?){1,3}")
WORD = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*")
RUN = re.compile(f"[{CHINESE}]{{2,}}")
LONGEST_NAME = 12
MOST_WORDS = 5


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
        In the order given; ``[…]`` stands for each web and e-mail address, also where it is spelled, handle, number of six
        digits or more (seven as Chinese words), order or contract number, account, number plate, street with a number,
        person after a title, name or number of a customer. Characters that are not seen are taken out, and line breaks
        become blanks.

    Notes
    -----
    What is caught has a shape, or is known. A name that stands alone and belongs to no customer stays, and so does one of
    one word that is written in small letters.

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
    listed = list(names)
    latin, chinese = _known_names(listed)
    whole = _whole_names(listed)
    numbers = {one.strip().casefold() for one in ids if len(one.strip()) >= 3}
    return [_covered(_without_whole(text, whole, latin), latin, chinese, numbers, small) for text in plain]


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


def _whole_names(names: Iterable[str]) -> set[tuple[str, ...]]:
    """Names of two words and more in small letters: whole, by their first and last word, and in one word."""
    found: set[tuple[str, ...]] = set()
    for name in names:
        words = tuple(word.casefold() for word in WORD.findall(str(name)))
        if len(words) > 1 and any(len(word) > 2 for word in words):
            found |= {words[:MOST_WORDS], (words[0], words[-1]), ("".join(words),)}
    return found


def _without_whole(text: str, whole: set[tuple[str, ...]], latin: set[str]) -> str:
    """Cover names that stand there with all their words, however these are written, and those that are spelled out."""
    if not latin:
        return text

    def spelled(found: re.Match[str]) -> str:
        own = re.sub(r"[ .-]", "", found[0]).casefold()
        return MASK if own in latin or (own,) in whole else found[0]

    text = SPELLED.sub(spelled, text)
    words = list(WORD.finditer(text))
    covers: list[tuple[int, int]] = []
    for at in range(len(words)):
        for size in range(min(MOST_WORDS, len(words) - at), 1, -1):
            run = words[at : at + size]
            apart = all(not text[one.end() : other.start()].strip(" ,.-") for one, other in pairwise(run))
            if apart and tuple(one[0].casefold() for one in run) in whole:
                covers.append((run[0].start(), run[-1].end()))
                break
    for start, end in reversed(covers):
        text = text[:start] + MASK + text[end:]
    return text


def _covered(text: str, latin: set[str], chinese: set[str], numbers: set[str], small: Counter[str]) -> str:
    for pattern in (*CASED, *PATTERNS):
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
