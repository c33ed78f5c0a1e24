"""Which columns of a questionnaire are questions, and on which scale was each answered?

An answer is a number, a number with words behind a dash, or a word of a list that is known from the worst to the best. Where
both ends of a scale occur it is known; else it is asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

from crmkit.core.errors import shortened
from crmkit.core.language import CHINESE
from crmkit.core.results import Text
from crmkit.core.yaml_text import read_yaml
from crmkit.data.presets.draft import Draft, ask_scale, likely_scale, scale_of
from crmkit.data.presets.preset import letters, positions
from crmkit.data.presets.questions import Answers, words
from crmkit.data.presets.sight import Seen

NOT_APPLICABLE = ("n/a", "na", "not applicable", "don't know", "不适用", "不適用", "(跳过)", "(空)", "-2", "-3")
KINDS = (
    ("nps", re.compile(r"recommend|推荐|推薦|weiterempf|net.?promoter|(?<![a-z])nps(?![a-z])", re.IGNORECASE)),
    ("csat", re.compile(r"satisf|满意|滿意|zufrieden|(?<![a-z])csat(?![a-z])", re.IGNORECASE)),
    ("ces", re.compile(r"\b(?:easy|easily|effort|ease)\b|(?<![a-z])ces(?![a-z])|轻松|容易|省力|輕鬆", re.IGNORECASE)),
)
OVERALL = re.compile("overall|in general|总体|整体|總體|整體|insgesamt", re.IGNORECASE)
COMMENT = re.compile("comment|suggest|improve|feedback|why|建议|意见|评价|原因|建議|意見", re.IGNORECASE)
ANCHORED = re.compile(r"([+-]?[0-9]+)\s*[-–—:：=]\s*[^0-9\s].*")
PLAIN_ID = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,23}")
GREATEST = 10


def find_questions(draft: Draft, *, answers: Answers, labels: Mapping[int, str]) -> None:
    """Which columns are questions, and what is to be said of each under ``items``?

    Parameters
    ----------
    draft : Draft
        Gets its ``items``, a comment, and notes of what is no answer.
    answers : Answers
    labels : mapping of int to str
        Position: words of the question, where the header is not the question itself.
    """
    places = {seen.name: at for at, seen in enumerate(draft.sight.columns)}
    items: dict[str, Any] = draft.settings.setdefault("items", {})
    for item, known in draft.preset.items.items():
        for at in positions([str(known.column or item)], [seen.header for seen in draft.sight.columns])[:1]:
            items[item] = {**known.model_dump(exclude_defaults=True), "column": draft.sight.column(at).header}
            draft.questions[item] = at
    found: dict[str, tuple[Seen, dict[str, Any], tuple[float, float]]] = {}
    texts: list[Seen] = []
    for seen in draft.unread:
        given = _answers(seen, draft, answers=answers)
        if given is None:
            texts.append(seen)
        else:
            found[seen.name] = (seen, *given)
    scales = _scales(draft, found, labels, places, answers=answers)
    kinds = {str(one.get("kind")) for one in items.values()}
    overall = {name for name, (seen, *_) in found.items() if OVERALL.search(labels.get(places[name], seen.header))}
    for number, (name, (seen, said, _)) in enumerate(found.items(), start=1):
        question = labels.get(places[name], seen.header)
        kind = _kind(question, scales[name], kinds, first=name in overall or not overall)
        kinds.add(kind)
        item = _item_id(kind, seen.header, number, taken={*items, *draft.contract.columns})
        twice = sum(letters(one.header) == letters(seen.header) for one in draft.sight.columns) > 1
        column = places[name] + 1 if twice else seen.header
        one: dict[str, Any] = {"column": column} if column != item else {}
        one |= {"scale": scales[name], "kind": kind, **said}
        if question != item:
            one["label"] = {"zh" if CHINESE.search(question) else "en": shortened(re.sub(r"\s+", " ", question))}
        items[item] = one
        draft.questions[item] = places[name]
    _comment(draft, texts, labels, places)


def _answers(seen: Seen, draft: Draft, *, answers: Answers) -> tuple[dict[str, Any], tuple[float, float]] | None:
    """What to say of the answers of a column, and the smallest and the greatest; None where it holds none."""
    given = [(word, n) for word, n in seen.words if word.casefold() not in NOT_APPLICABLE]
    na: list[Any] = [word for word, _ in seen.words if word.casefold() in NOT_APPLICABLE]
    said: dict[str, Any] = {"na": [_number_or_word(word) for word in na]} if na else {}
    if not given or len(given) != len(seen.words) - len(na) or (seen.distinct > len(seen.words)):
        return None
    numbers = [_leading_number(word) for word, _ in given]
    if all(number is not None for number in numbers):
        values = [number for number in numbers if number is not None]
        if min(values) < 0 or max(values) > GREATEST or any(value != int(value) for value in values) or len(values) < 2:
            return None
        return said, (min(values), max(values))
    for scale in _known_answers():
        places = {letters(word): place for place, listed in enumerate(scale, start=1) for word in listed}
        if all(letters(word) in places for word, _ in given) and len(given) > 1:
            ordered = sorted((word for word, _ in given), key=lambda word: places[letters(word)])
            about = f"{draft.label}, {shortened(seen.header)}"
            text = Text("from the worst to the best, are the answers {words}?", {"words": words(ordered, most=9)})
            if not answers.yes(about, text, safe=True):
                return None
            said["answers"] = {word: places[letters(word)] for word in ordered}
            return said, (1, len(scale))
    return None


def _leading_number(word: str) -> float | None:
    """The number that an answer is or begins with."""
    anchored = ANCHORED.fullmatch(word)
    try:
        return float(anchored.group(1) if anchored else word)
    except ValueError:
        return None


def _number_or_word(word: str) -> int | str:
    return int(word) if re.fullmatch("-?[0-9]+", word) else word


@cache
def _known_answers() -> list[list[list[str]]]:
    text = (resources.files("crmkit.data.presets") / "answers.yml").read_text(encoding="utf-8")
    found: list[list[list[str]]] = read_yaml(text)
    return found


def _scales(
    draft: Draft, found: Mapping[str, Any], labels: Mapping[int, str], places: Mapping[str, int], *, answers: Answers
) -> dict[str, list[int]]:
    """The scale of each question: certain where both ends occur, in it or in a question that looks alike; else asked."""
    likely: dict[str, str] = {}
    certain: set[str] = set()
    for name, (seen, said, (low, high)) in found.items():
        asks = KINDS[0][1].search(labels.get(places[name], seen.header))
        likely[name] = likely_scale(low, high, recommending=bool(asks))
        if said.get("answers") or (low, high) == scale_of(likely[name]):
            certain.add(likely[name])
    result: dict[str, list[int]] = {}
    for name, scale in likely.items():
        seen, _, (low, high) = found[name]
        if scale not in certain:
            scale = ask_scale(f"{draft.label}, {shortened(seen.header)}", low, high, scale, answers=answers)
        result[name] = list(scale_of(scale))
    return result


def _kind(question: str, scale: Sequence[int], taken: set[str], *, first: bool) -> str:
    """What a question asks for, by its words; the usual questions are asked once."""
    for kind, pattern in KINDS:
        if pattern.search(question) and kind not in taken:
            if kind == "nps" and list(scale) != [0, GREATEST]:
                continue
            if kind == "csat" and not first:
                continue
            return kind
    return "driver"


def _item_id(kind: str, header: str, number: int, *, taken: set[str]) -> str:
    if kind in ("nps", "csat", "ces") and kind not in taken:
        return kind
    if PLAIN_ID.fullmatch(header) and header not in taken:
        return header
    return f"q{number}" if f"q{number}" not in taken else f"question_{number}"


def _comment(draft: Draft, texts: Sequence[Seen], labels: Mapping[int, str], places: Mapping[str, int]) -> None:
    """The column of what people wrote."""
    asked = {seen.name: bool(COMMENT.search(labels.get(places[seen.name], seen.header))) for seen in texts}
    written = [seen for seen in texts if asked[seen.name] or (seen.written > 0.5 and 2 * seen.distinct > seen.filled)]
    if written and "comment" not in draft.at:
        best = max(written, key=lambda seen: (asked[seen.name], seen.written))
        draft.at["comment"] = places[best.name]
        draft.settings.setdefault("columns", {})["comment"] = best.header
