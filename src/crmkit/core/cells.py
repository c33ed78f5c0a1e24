"""What does a parameters cell declare? Reads names, types, defaults, units, limits and help, and never runs the cell.

One line per parameter::

    horizon_days: int = 90  # days [1, 1825]; how far ahead churn is predicted
    kind: str = "contractual"  # contractual | non_contractual; how customers leave
    groups: list[str] = []  # columns that split the results

Types are str, int, float, bool, list, dict and Optional of these; dates are ISO text. Square brackets include a limit, round
ones exclude it; an empty side is open.
"""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
import unicodedata
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, Optional

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from crmkit.core.errors import Problem, ReportError
from crmkit.core.language import Locale, mark, say, translate_markdown
from crmkit.core.results import Quantity, Text

FIRST_THREE = ("client", "as_of", "language")
SCALARS: dict[str, type] = {"str": str, "int": int, "float": float, "bool": bool}
LIMITS = re.compile(
    r"(?:(?P<unit>[^\[\]()|;]+?)\s*)?(?P<open>[\[(])\s*(?P<low>[^,]*?)\s*,\s*(?P<high>[^,]*?)\s*(?P<close>[\])])"
)
CHOICES = re.compile(r"[^\s|]+(?:\s*\|\s*[^\s|]+)+")
UNIT = re.compile(r"[^\s\[\]()|;]+")


NOUNS = {"str": mark("text"), "int": mark("a whole number"), "float": mark("a number"), "bool": mark("true or false")}
LISTS = {"str": mark("a list of texts"), "int": mark("a list of whole numbers"), "float": mark("a list of numbers")}
KEYS, LINES = mark("lines of 'key: value'"), mark("a list of lines of 'key: value'")
# units that the notebooks declare, as a message says them
UNITS = {
    "1/year": mark("1/year"),
    "comments": mark("comments"),
    "customers": mark("customers"),
    "cut-offs": mark("cut-offs"),
    "cycles": mark("cycles"),
    "days": mark("days"),
    "hours": mark("hours"),
    "money": mark("amount of money"),
    "months": mark("months"),
    "points": mark("points"),
    "purchase days": mark("purchase days"),
    "share": mark("share"),
    "shares or money": mark("shares or money"),
    "times": mark("times"),
    "waves": mark("waves"),
}


@dataclass(frozen=True)
class Parameter:
    """One declared parameter.

    Parameters
    ----------
    name, type : str
        ``type`` as written, for example ``"list[str]"``.
    default : Any
    unit : str
    low, high : float or None
        Limits of the number, or of each number in a list.
    low_open, high_open : bool
        Whether the limit itself is not allowed.
    choices : tuple
        The values allowed, or those of each item of a list; empty where any is.
    help : str
    """

    name: str
    type: str
    default: Any
    unit: str = ""
    low: float | None = None
    high: float | None = None
    low_open: bool = False
    high_open: bool = False
    choices: tuple[Any, ...] = ()
    help: str = ""

    @property
    def allowed(self) -> str:
        """In words, what may stand here.

        Examples
        --------
        >>> Parameter("days", "int", 90, unit="days", low=1, high=1825).allowed
        'a whole number from 1 to 1825 (days)'
        """
        return say(self.allowed_text, Locale())

    @property
    def allowed_text(self) -> Text | str:
        """The same, to be said in any language."""
        words: Text | str
        inner = self.type.removeprefix("Optional[").removesuffix("]").removesuffix(" | None")
        of = inner.removeprefix("list[").removesuffix("]")
        if self.choices:
            words = str(self.choices[0])
            for choice in self.choices[1:]:
                words = Text("{one} or {other}", {"one": words, "other": str(choice)})
        elif inner.startswith("list"):
            words = Text(LISTS.get(of, LINES))
        else:
            words = Text(NOUNS.get(inner, KEYS))
        if self.choices and inner.startswith("list"):
            words = Text("a list of {words}", {"words": words})
        if not self.choices and self.low is not None:
            numbers: dict[str, Quantity | Text | str] = {"words": words, "limit": f"{self.low:g}"}
            words = Text("{words} above {limit}" if self.low_open else "{words} from {limit}", numbers)
        if not self.choices and self.high is not None:
            numbers = {"words": words, "limit": f"{self.high:g}"}
            words = Text("{words} below {limit}" if self.high_open else "{words} to {limit}", numbers)
        if self.unit and not self.choices:
            unit = Text(UNITS[self.unit]) if self.unit in UNITS else self.unit
            words = Text("{words} ({unit})", {"words": words, "unit": unit})
        return words

    def lines(self, language: str, *, width: int) -> list[str]:
        """Name, type and default, below it what may stand here and what it is for, in lines that fit ``width``."""
        default = json.dumps(self.default, ensure_ascii=False)
        head = f"{self.name}: {self.type} = {default}"
        helped = translate_markdown(self.help, language)
        said = say(replace(self, unit=translate_markdown(self.unit, language)).allowed_text, Locale(language)) + (
            ("；" if language == "zh" else "; ") + helped if helped else ""
        )
        return [head if _columns(head) <= width else f"{head[: width - 1]}…", *_filled(said, width=width, indent=4)]


def _columns(text: str) -> int:
    """How wide a text is on a terminal: a Chinese sign takes two columns."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _filled(text: str, *, width: int, indent: int) -> list[str]:
    """A text in lines: broken at blanks, and between Chinese signs, which have none."""
    lines, line = [], " " * indent
    for piece in re.findall("[\u2e80-\uffef][，。；：、）]?|[^\u2e80-\uffef ]+[，。；：、）]?| ", text):
        if _columns(line + piece.rstrip()) > width:
            lines.append(line.rstrip())
            line = " " * indent + piece.lstrip()
        else:
            line += piece
    return [*lines, line.rstrip()]


def read_cell(source: str, *, where: str) -> tuple[Parameter, ...]:
    """The parameters that a cell declares, in order.

    Parameters
    ----------
    source : str
        Source of the parameters cell; it is parsed, not run.
    where : str
        What to name in messages, for example ``"notebooks/churn.ipynb"``.

    Raises
    ------
    ReportError
        One line per declaration that cannot be read, or whose own default is not allowed.
    """
    try:
        tree = ast.parse(source)
    except SyntaxError as err:
        raise ReportError(f"{where}, parameters cell, line {err.lineno}: {err.msg}") from err
    comments = _comments(source)
    problems: list[str | Problem] = []
    found: list[Parameter] = []
    places: dict[str, str] = {}
    for node in tree.body:
        place = f"{where}, parameters cell, line {node.lineno}:"
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name) or node.value is None:
            problems.append(
                Problem(place, f"{ast.unparse(node)!r} is not a declaration", "write 'name: type = default  # help'")
            )
            continue
        try:
            parameter = _parameter(node.target.id, node, comments.get(node.end_lineno or node.lineno, ""))
            _python_type(ast.parse(parameter.type, mode="eval").body, parameter)
        except (TypeError, ValueError) as err:
            problems.append(Problem(place, str(err)))
        else:
            found.append(parameter)
            places[parameter.name] = place
    problems += _wrong_defaults(found, places)
    names = tuple(parameter.name for parameter in found)
    if not problems and names[:3] != FIRST_THREE:
        problems.append(f"{where}, parameters cell: must begin with {', '.join(FIRST_THREE)}, in this order")
    if problems:
        raise ReportError(problems)
    return tuple(found)


def _wrong_defaults(parameters: list[Parameter], places: dict[str, str]) -> list[Problem]:
    """Defaults that are not allowed; one model for all of them, for making a model is what takes time."""
    try:
        model_of(parameters).model_validate({one.name: one.default for one in parameters})
    except ValidationError as err:
        wrong = {error["loc"][0] for error in err.errors()}
        return [
            Problem(places[one.name], f"the default of {one.name!r} is {one.default!r}", one.allowed)
            for one in parameters
            if one.name in wrong
        ]
    return []


def model_of(parameters: list[Parameter], *, name: str = "Parameters") -> type[BaseModel]:
    """A pydantic model that accepts exactly these parameters: types, choices and limits, nothing turned into another type."""
    fields: dict[str, Any] = {
        parameter.name: (
            _python_type(ast.parse(parameter.type, mode="eval").body, parameter),
            Field(parameter.default, description=parameter.help or None, json_schema_extra=_unit(parameter)),
        )
        for parameter in parameters
    }
    return create_model(name, __config__=ConfigDict(extra="forbid", strict=True, protected_namespaces=()), **fields)


def _unit(parameter: Parameter) -> dict[str, Any] | None:
    return {"unit": parameter.unit} if parameter.unit else None


def _comments(source: str) -> dict[int, str]:
    """Comment text by line; a '#' inside a string is none."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {token.start[0]: token.string.lstrip("#").strip() for token in tokens if token.type == tokenize.COMMENT}


def _parameter(name: str, node: ast.AnnAssign, comment: str) -> Parameter:
    quoted = node.annotation.value if isinstance(node.annotation, ast.Constant) else None
    declared = ast.parse(quoted, mode="eval").body if isinstance(quoted, str) else node.annotation
    annotation = ast.unparse(declared)
    try:
        default = ast.literal_eval(node.value) if node.value is not None else None
    except ValueError as err:
        raise ValueError(f"the default of {name!r} must be a plain value, not {ast.unparse(node.value or node)!r}") from err
    plain = Parameter(name, annotation, default)
    _python_type(declared, plain)
    head, semicolon, tail = comment.partition(";")
    spec, words = head.strip(), tail.strip()
    limits = LIMITS.fullmatch(spec)
    if limits:
        low, high = _number(limits["low"]), _number(limits["high"])
        return Parameter(
            name,
            annotation,
            default,
            unit=limits["unit"] or "",
            low=low,
            high=high,
            low_open=low is not None and limits["open"] == "(",
            high_open=high is not None and limits["close"] == ")",
            help=words,
        )
    if CHOICES.fullmatch(spec):
        kind = int if "int" in annotation else float if "float" in annotation else str
        choices = tuple(kind(choice.strip().strip("\"'")) for choice in spec.split("|"))
        return Parameter(name, annotation, default, choices=choices, help=words)
    if semicolon and UNIT.fullmatch(spec):
        return Parameter(name, annotation, default, unit=spec, help=words)
    return Parameter(name, annotation, default, help=comment)


def _number(text: str) -> float | None:
    return None if text in ("", "inf", "-inf") else float(text)


def _python_type(node: ast.expr, parameter: Parameter) -> Any:
    """The type that an annotation means, with the parameter's choices and limits on each scalar in it."""
    if isinstance(node, ast.Constant) and node.value is None:
        return None
    if isinstance(node, ast.Name) and node.id in SCALARS:
        return _constrained(SCALARS[node.id], parameter)
    if isinstance(node, ast.Name) and node.id in ("list", "dict"):
        return list[Any] if node.id == "list" else dict[str, Any]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        left, right = _python_type(node.left, parameter), _python_type(node.right, parameter)
        return Optional[left if right is None else right]  # noqa: UP045  the operands are values here
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        types = [_python_type(part, parameter) for part in inner]
        if node.value.id == "Optional" and len(types) == 1:
            return Optional[types[0]]  # noqa: UP045
        if node.value.id == "list" and len(types) == 1:
            return list[types[0]]  # type: ignore[valid-type]
        if node.value.id == "dict" and len(types) == 2:
            return dict[str, types[1]]  # type: ignore[valid-type]
    raise TypeError(f"the type {ast.unparse(node)!r} is not one of str, int, float, bool, list, dict and Optional of these")


def _constrained(scalar: type, parameter: Parameter) -> Any:
    if parameter.choices:
        return Literal[parameter.choices]
    if scalar not in (int, float) or (parameter.low is None and parameter.high is None):
        return scalar
    low, high = parameter.low, parameter.high
    limits: dict[str, Any] = {}
    if low is not None:
        limits["gt" if parameter.low_open else "ge"] = low
    if high is not None:
        limits["lt" if parameter.high_open else "le"] = high
    return Annotated[scalar, Field(**limits)]
