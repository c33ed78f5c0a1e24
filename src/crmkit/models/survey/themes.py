"""What do people write about? Themes in comments of any language, without a dictionary and without a model of a language."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmkit.core.errors import ModelError, ParamError, Problem
from crmkit.core.results import Quantity, Text

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Bools = NDArray[np.bool_]

FEWEST = 20
MOST_THEMES = 10
LEAST_PART = 0.3
HALVES = 6
SHOWN_WORDS = 4
STABLE = 0.6
NAMED_BY = 3
MISSING = Text("themes need scikit-learn, which is not installed: pip install 'crmkit[text]'")
TOO_FEW = Text("themes need comments that share their words; of {n} too few do")
CJK = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
PIECE = re.compile(f"[{CJK}]+|[^\\W\\d_{CJK}]+(?:['’][^\\W\\d_{CJK}]+)?")
CHINESE = re.compile(f"[{CJK}]")
LONGEST_WORD = 8
# say nothing about a theme; in other languages what is in every comment weighs little by itself
ENGLISH = """
about after all also and any are because been before being but can could did does doing for from get got had has have having her
here him his how into its itself just like more most much our out over really should some such than that the their them then
there these they this those through too under until very was were what when where which while who whom whose why will with would
you your not one
"""
COMMON = "没有 有人 我们 你们 他们 这个 那个 一个 什么 因为 所以 但是 可以 还是 不是 就是 已经 非常 比较 觉得 一下 一直 有点"
EMPTY_WORDS = frozenset(f"{ENGLISH} {COMMON}".split())
PARTICLES = frozenset("的了着过吗呢吧啊是在和也都就很又还把被让跟与或不我你他")


@dataclass(frozen=True, eq=False)
class Themes:
    """Themes of some comments.

    Parameters
    ----------
    parts : array, shape (comments, themes)
        Which part of a comment belongs to each theme; a row sums to 1, or to 0 where a comment shares no words with others.
    members : array of bool, shape (comments, themes)
        Whether a comment is counted to a theme: at least ``LEAST_PART`` of it belongs there. One comment may count twice.
    words : tuple of tuple of str
        Per theme, the words or groups of Chinese characters that set it apart, the most telling first.
    stability : array, shape (themes,)
        How alike the members are when themes are looked for in half of the comments: mean Jaccard index, 0 to 1.
    """

    parts: Floats
    members: Bools
    words: tuple[tuple[str, ...], ...]
    stability: Floats


def find_themes(texts: Sequence[str], *, themes: int = 0) -> Themes:
    """Which themes occur in some comments, and which comment belongs to which?

    Parameters
    ----------
    texts : sequence of str
        One comment each, in one language or several.
    themes : int
        How many themes to look for, 0 to 30; 0: in each script the root of half the number of comments, 2 to 10.

    Returns
    -------
    Themes
        The largest first. Fewer than asked for where a theme has no member.

    Raises
    ------
    ModelError
        When scikit-learn is not installed, or too few comments share words with others.
    ParamError
        For a number of themes out of range.

    Notes
    -----
    Each comment is counted as pairs and triples of neighbouring Chinese characters, and as groups of three to five letters
    within words otherwise, weighted by how rare they are (TF-IDF, logarithmic counts), and the table is factorised into
    nonnegative parts, started from its singular vectors with a fixed seed: the same comments give the same themes in any order.
    Chinese comments and all others share no characters and are read apart, so a subject that both write about makes two themes.
    Stability is measured on six halves of the comments that are drawn with seeds 0 to 5.

    References
    ----------
    Lee & Seung (1999), doi:10.1038/44565; Boutsidis & Gallopoulos (2008), doi:10.1016/j.patcog.2007.09.010.

    Examples
    --------
    >>> late = ["the parcel came late", "parcel late again", "late parcel, again", "a late parcel"] * 4
    >>> dear = ["too expensive", "expensive for what it is", "so expensive", "expensive, sadly"] * 4
    >>> found = find_themes(late + dear, themes=2)
    >>> [words[0] for words in found.words], found.members.sum(axis=0).tolist()
    (['expensive', 'parcel'], [16, 16])
    """
    if not 0 <= themes <= 30:
        raise ParamError(Problem("themes:", f"is {themes}", "a number from 0 to 30 is needed; 0: by the number of comments"))
    scripts = np.array([_is_chinese(text) for text in texts], dtype=bool)
    found, problems = [], []
    for chinese in (False, True):
        own = sorted(np.flatnonzero(scripts == chinese).tolist(), key=lambda at: texts[at])
        if not own:
            continue
        share = max(2, round(themes * len(own) / len(texts))) if themes else 0
        try:
            found.append(_of_one_script(texts, own, share))
        except ModelError as err:
            problems.append(err)
    if not found:
        raise (problems or [ModelError(Text(TOO_FEW.template, {"n": Quantity(0, "count")}))])[0]
    parts, stability = np.hstack([one[0] for one in found]), np.concatenate([one[1] for one in found])
    members = parts >= LEAST_PART
    order = [int(k) for k in np.argsort(-members.sum(axis=0), kind="stable") if members[:, k].any()]
    words = tuple(_telling(texts, members[:, k], scripts) for k in order)
    return Themes(parts[:, order], members[:, order], words, stability[order])


def _is_chinese(text: str) -> bool:
    """Whether a comment has more Chinese characters than other words: a word is worth about two characters."""
    pieces = PIECE.findall(text)
    characters = sum(len(piece) for piece in pieces if CHINESE.match(piece))
    return characters > 2 * sum(not CHINESE.match(piece) for piece in pieces)


def _of_one_script(texts: Sequence[str], own: Sequence[int], themes: int) -> tuple[Floats, Floats]:
    """Parts and stability of themes in the comments of one script; the order of the comments changes nothing."""
    counted = _counts([texts[at] for at in own])
    usable = np.flatnonzero(counted.getnnz(axis=1) > 0)
    wanted = themes or int(np.clip(round((len(usable) / 2) ** 0.5), 2, MOST_THEMES))
    if len(usable) < max(FEWEST, 2 * wanted):
        raise ModelError(Text(TOO_FEW.template, {"n": Quantity(len(own), "count")}))
    rows = counted[usable]
    loads, topics = _factors(rows, wanted)
    shares = _shares(loads, topics)
    parts = np.zeros((len(texts), topics.shape[0]))
    parts[np.asarray(own)[usable]] = shares
    return parts, _stability(rows, shares >= LEAST_PART, topics.shape[0])


def grams(text: str) -> list[str]:
    """How a comment is counted: neighbouring Chinese characters, and groups of letters within words.

    Examples
    --------
    >>> grams("客服慢 slow")
    ['客服', '服慢', '客服慢', ' sl', 'slo', 'low', 'ow ', ' slo', 'slow', 'low ', ' slow', 'slow ']
    """
    found: list[str] = []
    for piece in PIECE.findall(text.casefold()):
        chinese = bool(CHINESE.match(piece))
        run, sizes = (piece, (2, 3)) if chinese else (f" {piece} ", (3, 4, 5))
        if len(piece) < (2 if chinese else 3) or piece in EMPTY_WORDS:
            continue
        pieces = (run[at : at + size] for size in sizes for at in range(len(run) - size + 1))
        found += [one for one in pieces if not chinese or _says_something(one)]
    return found


def _says_something(group: str) -> bool:
    """Whether a group of Chinese characters is more than a piece of grammar."""
    return group not in EMPTY_WORDS and group[0] not in PARTICLES and group[-1] not in PARTICLES


def _counts(texts: Sequence[str]) -> Any:
    """TF-IDF of every comment; groups of characters that only one comment has are left out."""
    try:
        from sklearn.feature_extraction.text import TfidfVectorizer
    except ImportError as err:
        raise ModelError(MISSING) from err
    known = Counter(gram for text in texts for gram in set(grams(text)))
    often = max(3, 0.5 * len(texts))
    vocabulary = sorted(gram for gram, n in known.items() if 1 < n <= often)
    if len(vocabulary) < 2:
        raise ModelError(Text(TOO_FEW.template, {"n": Quantity(len(texts), "count")}))
    return TfidfVectorizer(analyzer=grams, vocabulary=vocabulary, sublinear_tf=True).fit_transform(texts)


def _factors(counted: Any, themes: int) -> tuple[Floats, Floats]:
    import warnings

    from sklearn.decomposition import NMF
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        # the parts of a comment do not change any more long before the last digit of the fit stands
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = NMF(themes, init="nndsvd", random_state=0, max_iter=300, tol=1e-4)
        # a fit without any error has one below zero by rounding, of which it takes the root
        with np.errstate(invalid="ignore"):
            loads = model.fit_transform(counted)
    return np.asarray(loads, dtype=np.float64), np.asarray(model.components_, dtype=np.float64)


def _shares(loads: Floats, topics: Floats) -> Floats:
    weight: Floats = np.asarray(loads * topics.sum(axis=1))
    whole = weight.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(weight, whole, out=np.zeros_like(weight), where=whole > 0))


def _telling(texts: Sequence[str], inside: Bools, scripts: Bools) -> tuple[str, ...]:
    """Words that the members use much more than all others; of words that hang together only the longest."""
    n, total = Counter[str](), Counter[str]()
    alike = scripts == scripts[np.argmax(inside)]
    for text, member in zip(np.asarray(texts, dtype=object)[alike], inside[alike], strict=True):
        own = set(_words(text))
        total.update(own)
        if member:
            n.update(own)
    size, rest = int(inside.sum()), int(alike.sum() - inside.sum())

    def keenness(word: str) -> float:
        here, there = n[word] / size, (total[word] - n[word]) / max(rest, 1)
        return float(here * np.log((here + 0.01) / (there + 0.01)))

    ranked = sorted((word for word in n if n[word] >= NAMED_BY), key=lambda word: (-keenness(word), -len(word), word))
    members = [text.casefold() for text, member in zip(texts, inside, strict=True) if member]
    chosen: list[str] = []
    for word in ranked:
        if keenness(word) <= 0 or len(chosen) == SHOWN_WORDS:
            break
        whole = _grown(word, members) if CHINESE.match(word) else word
        if not any(_overlap(whole, other) for other in chosen):
            chosen.append(whole)
    return tuple(chosen)


def _grown(word: str, texts: Sequence[str]) -> str:
    """A group of Chinese characters with its neighbours, as long as nearly all comments that have it have them too."""
    while len(word) < LONGEST_WORD:
        having = [text for text in texts if word in text]
        longer = Counter(
            one for text in having for one in {match[0] for match in re.finditer(f"[{CJK}]{word}|{word}[{CJK}]", text)}
        )
        best = min(longer, key=lambda one: (-longer[one], one), default="")
        if not best or longer[best] < 0.9 * len(having):
            return word
        word = best
    return word


def _overlap(word: str, other: str) -> bool:
    """Whether two groups of Chinese characters are pieces of one: 客服响 and 服响应."""
    if not CHINESE.match(word) or not CHINESE.match(other):
        return False
    return any(word[at : at + 2] in other for at in range(len(word) - 1))


def _words(text: str) -> list[str]:
    """Whole words; of Chinese, groups of two to four characters."""
    found: list[str] = []
    for piece in PIECE.findall(text.casefold()):
        if CHINESE.match(piece):
            groups = (piece[at : at + size] for size in (2, 3, 4) for at in range(len(piece) - size + 1))
            found += [one for one in groups if _says_something(one)]
        elif len(piece) > 2 and piece not in EMPTY_WORDS:
            found.append(piece)
    return found


def _stability(counted: Any, members: Bools, themes: int) -> Floats:
    n, found = members.shape[0], []
    for seed in range(HALVES):
        half = np.sort(np.random.default_rng(seed).permutation(n)[: n // 2])
        again = partial(_again, counted, half, themes)
        found.append(_best_match(members, again()))
    return np.asarray(np.mean(found, axis=0), dtype=np.float64)


def _again(counted: Any, half: Integers, themes: int) -> Bools:
    """Members of all comments when themes come from half of them."""
    from sklearn.decomposition import non_negative_factorization

    rows = counted[half]
    _, topics = _factors(rows, min(themes, min(rows.shape) - 1))
    with np.errstate(invalid="ignore"):
        loads, _, _ = non_negative_factorization(
            counted, H=topics, n_components=topics.shape[0], init="custom", update_H=False, max_iter=200, tol=1e-3
        )
    return np.asarray(_shares(np.asarray(loads), topics) >= LEAST_PART)


def _best_match(members: Bools, others: Bools) -> Floats:
    """Jaccard index of each theme with the theme that is most alike."""
    both = members.T.astype(np.float64) @ others
    either = members.sum(axis=0)[:, None] + others.sum(axis=0)[None, :] - both
    return np.asarray(np.divide(both, either, out=np.zeros_like(both), where=either > 0).max(axis=1))
