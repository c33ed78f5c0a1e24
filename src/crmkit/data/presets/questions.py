"""What can only a person say, and what is taken where nobody is asked?

Every question has an answer that is safe: it leaves out rather than counts too much, and it is listed. Nothing is guessed in
silence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from crmkit.core.errors import ParamError


@dataclass(frozen=True)
class Question:
    """One thing to be said.

    Parameters
    ----------
    about : str
        What it decides, for example ``"currency"`` or ``"orders.csv, Status"``.
    text : str
        The question, one sentence.
    safe : str
        What is taken where nobody answers.
    choices : tuple of str
        What may be answered; empty: anything that ``fits``.
    fits : callable or None
        Whether an answer can be used.
    """

    about: str
    text: str
    safe: str
    choices: tuple[str, ...] = ()
    fits: Callable[[str], bool] | None = None

    def allows(self, answer: str) -> bool:
        """Whether an answer can be used."""
        if self.choices:
            return answer in self.choices
        return self.fits is None or self.fits(answer)


@dataclass
class Answers:
    """Asks what has to be asked, each once, and remembers what was said.

    Parameters
    ----------
    ask : callable or None
        Puts a question to a person and gives the answer; None: the safe answer is taken.
    """

    ask: Callable[[Question], str] | None = None
    given: list[tuple[Question, str]] = field(default_factory=list)

    def __call__(self, question: Question) -> str:
        for asked, answer in self.given:
            if (asked.about, asked.text) == (question.about, question.text):
                return answer
        answer = question.safe if self.ask is None else self.ask(question)
        if not question.allows(answer):
            raise ParamError(f"{question.about}: {answer!r} is no answer to: {question.text}")
        self.given.append((question, answer))
        return answer

    def yes(self, about: str, text: str, *, safe: bool) -> bool:
        """Whether somebody says yes."""
        return self(Question(about, text, "yes" if safe else "no", ("yes", "no"))) == "yes"

    def listed(self) -> list[str]:
        """Each question with what was taken, a line each."""
        return [f"{question.about}: {_shown(answer)}  ({question.text})" for question, answer in self.given]


def _shown(answer: str) -> str:
    return answer or "left empty"


def words(texts: Sequence[str], *, most: int = 6) -> str:
    """A few words for a message."""
    shown = ", ".join(repr(text) for text in texts[:most])
    return f"{shown} and {len(texts) - most} more" if len(texts) > most else shown
