"""What can only a person say, and what is taken where nobody is asked?

Every question has an answer that is safe: it leaves out rather than counts too much, and it is listed. Nothing is guessed in
silence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from crmkit.core.errors import ParamError
from crmkit.core.language import Locale, mark, say, translate
from crmkit.core.messages import in_words
from crmkit.core.results import Quantity, Text

Said = dict[str, Quantity | Text | str]
# the answer that none of the columns offered is the one
NONE = "-"
# how an answer is listed
WORDS = {"": mark("left empty"), "yes": mark("yes"), "no": mark("no"), NONE: mark("open")}


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
    language : {"en", "zh"}
        Of the question.
    best : str
        What is offered to a person, where that is a guess and so not safe; empty: ``safe``.
    """

    about: str
    text: str
    safe: str
    choices: tuple[str, ...] = ()
    fits: Callable[[str], bool] | None = None
    language: str = "en"
    best: str = ""

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
    language : {"en", "zh"}
        Of what is asked and said.
    """

    ask: Callable[[Question], str] | None = None
    language: str = "en"
    given: list[tuple[Question, str]] = field(default_factory=list)

    def __call__(self, question: Question) -> str:
        for asked, answer in self.given:
            if (asked.about, asked.text) == (question.about, question.text):
                return answer
        answer = question.safe if self.ask is None else self.ask(question)
        if not question.allows(answer):
            numbers = {"about": question.about, "answer": repr(answer), "text": question.text}
            raise ParamError(self.say(Text("{about}: {answer} is no answer to: {text}", numbers)))
        self.given.append((question, answer))
        return answer

    def say(self, text: Text | str) -> str:
        """A text in the language of whoever is asked; a message as it arose, which is plain text, too."""
        return in_words(text, self.language) if isinstance(text, str) else say(text, Locale(self.language))

    def yes(self, about: str, text: Text, *, safe: bool) -> bool:
        """Whether somebody says yes."""
        return self(Question(about, self.say(text), "yes" if safe else "no", ("yes", "no"), language=self.language)) == "yes"

    def choose(
        self,
        about: str,
        text: Text,
        safe: str,
        choices: tuple[str, ...] = (),
        *,
        fits: Callable[[str], bool] | None = None,
        best: str = "",
    ) -> str:
        """What somebody answers to a question that is not one of yes and no."""
        return self(Question(about, self.say(text), safe, choices, fits, self.language, best))

    def listed(self) -> list[str]:
        """Each question with what was taken, a line each."""
        return [f"{question.about}: {self._shown(answer)}  ({question.text})" for question, answer in self.given]

    def _shown(self, answer: str) -> str:
        return translate(WORDS.get(answer, answer), self.language)


def words(texts: Sequence[str], *, most: int = 6) -> Text | str:
    """A few words for a message."""
    shown = ", ".join(repr(text) for text in texts[:most])
    return Text("{shown} and {n} more", {"shown": shown, "n": count(len(texts) - most)}) if len(texts) > most else shown


def count(n: int) -> Quantity:
    """A number of things, for a message."""
    return Quantity(n, "count")
