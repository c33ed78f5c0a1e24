"""What is asked of a client's data: reads and checks one params file, and finds the project that it belongs to.

The keys that every analysis shares are declared here, once. Each remaining section of a params file belongs to the analysis
of the same name; its keys are declared in that analysis' notebook and checked by :mod:`crmkit.report.params.flatten`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, available_timezones

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from crmkit.core.dates import parse_iso
from crmkit.core.errors import ParamError, Problem, did_you_mean, shortened
from crmkit.core.language import undirected
from crmkit.core.refused import as_written, problems_of
from crmkit.core.yaml_text import read_yaml, unreadable

HOME_VARIABLE = "CRMKIT_HOME"
CLIENT_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
LANGUAGES = ("en", "zh")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ItemSettings(_Strict):
    """One question of a questionnaire: where it stands, and how its answers are to be understood."""

    column: str | int | None = Field(
        None, description="header in a wide export, or its position; name in a long one; default: the item's own id"
    )
    scale: list[int | float] = Field(description="lowest and highest answer, for example [1, 5]")
    reverse: bool = Field(False, description="true where a low answer is the good one")
    na: list[str | int | float] = Field(default_factory=list, description="answers that mean 'not applicable', never a score")
    kind: Literal["csat", "nps", "ces", "driver", "other"] = Field("other", description="what the question asks for")
    answers: dict[str, int | float] = Field(
        default_factory=dict, description="answer in words: its number on the scale, for example {Very satisfied: 5}"
    )
    label: dict[Literal["en", "zh"], str] = Field(default_factory=dict, description="the question in both languages")

    @field_validator("column", mode="before")
    @classmethod
    def _column(cls, value: Any) -> Any:
        if value is not None and (isinstance(value, bool) or not isinstance(value, str | int)):
            raise ParamError(f"{as_written(value)} is no header and no number of a column; quote a header")
        return value

    @field_validator("scale")
    @classmethod
    def _scale(cls, value: list[int | float]) -> list[int | float]:
        if len(value) != 2 or not value[0] < value[1]:
            raise ParamError(f"{value!r} is no scale; write the lowest and the highest answer, for example [1, 5]")
        return value


class ReturnSettings(_Strict):
    """How the number of an order says that it is a return."""

    prefix: str | None = Field(None, min_length=1, description="what the order ids of returns begin with, for example C")


class TableSettings(_Strict):
    """Where one table comes from and how its text is read; everything has a default but what the file itself demands."""

    file: str | None = Field(None, description="file under source; default: the file named like the table")
    table: str | None = Field(None, description="table or view in a database source; default: the table's own name")
    sheet: str | None = Field(None, description="sheet of a workbook; default: the first that can be seen")
    header: int | list[int] = Field(
        default_factory=list,
        description="row of the header line, or rows whose texts are joined to one, for example 4 or [1, 2];"
        " default: the first that is not empty",
    )
    skip: list[int] = Field(default_factory=list, description="rows that are no rows of the table, for example [2, 3]")
    footer: int = Field(0, ge=0, description="how many lines below the table are no rows of it")
    columns: dict[str, str | int] = Field(
        default_factory=dict, description="our column: header in the export, or the number of its column, counted from 1"
    )
    names: list[str] | None = Field(None, description="column names of a file without a header line")
    separator: str | None = Field(None, description="one character, 'tab' or 'whitespace'; default: found by looking")
    encoding: str | None = Field(
        None, description="default: byte order mark, else UTF-8, else GB18030, else a guess, which is reported"
    )
    decimal: Literal[".", ","] | None = Field(
        None, description="decimal sign of numbers; default: the one that reads every value"
    )
    grouping: Literal["thousands", "indian"] | None = Field(
        None, description="how digits are grouped: 1,234,567 or 12,34,567; default: the one that reads every value"
    )
    dayfirst: bool | None = Field(None, description="true where 03.04.2025 is the third of April")
    date_format: str | None = Field(None, description="strptime format, where dates are in no usual form")
    first_of: dict[str, str] = Field(
        default_factory=dict,
        description="our column: what stands between several ids in one cell, of which the first counts,"
        " for example {customer_id: ;}",
    )
    repeats: Literal["stop", "drop", "newest"] = Field(
        "stop",
        description="what becomes of rows that stand more than once: stop the run, drop all but the first, or, of what"
        " stands in several files, count what the newest file says",
    )
    rejects: float = Field(0.0, ge=0, le=1, description="share of rows that may be set aside as unusable before the run stops")
    negative_amounts: Literal["stop", "returns"] = Field(
        "stop", description="what a negative amount is where is_return does not say"
    )
    values: dict[str, dict[str, str]] = Field(
        default_factory=dict, description="our column: word in the export: our word, for example kind: {Beschwerde: complaint}"
    )
    items: dict[str, ItemSettings] = Field(
        default_factory=dict,
        description="surveys, item id: its column, scale, kind; other tables: a column of scores",
    )
    rates: dict[str, float] = Field(
        default_factory=dict,
        description="other currency: what one unit of it is worth in the client's currency, for example {USD: 7.1}",
    )
    only: dict[str, list[str | int | float | bool]] = Field(
        default_factory=dict, description="header of the export: the words of the rows that count, for example {Status: [paid]}"
    )
    leave_out: dict[str, list[str | int | float | bool]] = Field(
        default_factory=dict, description="header of the export: the words of the rows that do not count"
    )
    no_customer: list[str | int] = Field(
        default_factory=list, description="ids that stand for no customer, for example ['0', guest]; such rows are set aside"
    )
    amounts: bool = Field(
        True, description="false where transactions hold no amounts: purchases are counted, and nothing is said of money"
    )
    returns: ReturnSettings = Field(default_factory=ReturnSettings, description="how an order id says that it is a return")
    interval: dict[str, int] = Field(
        default_factory=dict, description="word of the column interval: how many months a price is for, as in {year: 12}"
    )
    sha256: str | None = Field(None, pattern="^[0-9a-f]{64}$", description="checksum that the file must have")

    @field_validator("header", "skip")
    @classmethod
    def _row_numbers(cls, value: int | list[int]) -> int | list[int]:
        numbers = value if isinstance(value, list) else [value]
        if any(number < 1 for number in numbers) or sorted(set(numbers)) != numbers:
            raise ParamError(f"{value!r} are no rows; they count from 1 and rise, for example 4 or [1, 2]")
        return value

    @field_validator("columns", mode="before")
    @classmethod
    def _columns(cls, value: Any) -> Any:
        for ours, header in value.items() if isinstance(value, dict) else ():
            if isinstance(header, bool) or not isinstance(header, str | int) or header == 0:
                raise ParamError(f"{ours}: {as_written(header)} is no header and no number of a column; quote a header")
        return value

    @field_validator("interval")
    @classmethod
    def _interval(cls, value: dict[str, int]) -> dict[str, int]:
        for word, months in value.items():
            if months < 1:
                raise ParamError(f"{months!r} is no number of months for {word}; 1 or more is needed")
        return value

    @field_validator("rates")
    @classmethod
    def _rates(cls, value: dict[str, float]) -> dict[str, float]:
        for code, rate in value.items():
            if not re.fullmatch("[A-Z]{3}", code):
                raise ParamError(f"{code!r} is not a currency; write its ISO code, three capital letters such as USD")
            if not 0 < rate < float("inf"):
                raise ParamError(f"{rate!r} is no rate of {code}; a number above 0 is needed")
        return value


class PrivacySettings(_Strict):
    """What of a person may be seen where."""

    identifiers: Literal["pseudonym", "ids"] = Field("pseudonym", description="how customers are named on a page")
    min_cell: int = Field(10, ge=1, le=1000, description="groups of fewer customers are not shown")
    lists: Literal["pseudonym", "ids"] = Field("pseudonym", description="how customers are named in lists/, never on a page")
    keep_copy: bool = Field(
        True,
        alias="copy",
        description="whether tables that were read are kept in work/<client>/copy, for the next who reads them",
    )


class MoneySettings(_Strict):
    """What money counts as: agreed once, the same in every analysis."""

    margin: float | None = Field(None, ge=0.01, le=1, description="part of revenue that counts as value; 1: revenue")
    discount_rate: float | None = Field(
        None, ge=0, le=1, description="effective yearly rate at which later money is discounted"
    )


class CustomerSettings(_Strict):
    """Who counts as a customer: agreed once, the same in every analysis."""

    active_days: int | None = Field(
        None, ge=7, le=3650, description="without a contract, a customer is active who bought within so many days"
    )
    sampling: str | None = Field(
        None,
        description="cohort: everybody who ever came is in the data; last_period: only who was there in the last month; or the"
        " day YYYY-MM-DD before which no leaver is in the data",
    )
    loop_days: int | None = Field(
        None, ge=1, le=1825, description="who gave a low answer within so many days is called before any list takes them"
    )


class BrandSettings(_Strict):
    """How what leaves the house looks: pages, slides, documents. Files stand in ``params/<client>/``."""

    logo: str = Field("", description="picture in params/<client>/, PNG or JPEG, at most 1 MB")
    colours: list[str] = Field(
        default_factory=list,
        max_length=2,
        description="'#rrggbb' of titles, then of what stands out; one that cannot be read on white is made darker, and said",
    )
    author: str = Field("", max_length=80, description="who has made the reports, as it stands on them")
    confidential: str = Field("", max_length=120, description="line at the foot of each page, slide and document")
    deck: str = Field("", description="template of slides in params/<client>/, .pptx or .potx")
    doc: str = Field("", description="template of documents in params/<client>/, .docx or .dotx")

    @field_validator("logo", "deck", "doc")
    @classmethod
    def _file(cls, value: str) -> str:
        if value != Path(value).name or "\\" in value:
            raise ParamError(f"{value!r} is no name of a file in params/<client>/; write the name alone")
        return value

    @field_validator("colours")
    @classmethod
    def _colours(cls, value: list[str]) -> list[str]:
        for one in value:
            if not re.fullmatch("#[0-9a-fA-F]{6}", one):
                raise ParamError(f"{one!r} is no colour; write '#' and six digits, in quotes, for example '#14559f'")
        return value

    @field_validator("author", "confidential")
    @classmethod
    def _line(cls, value: str) -> str:
        return " ".join(undirected(value).split())


class Settings(_Strict):
    """One client's params file, checked; ``sections`` holds the analyses' own parameters, unchecked here."""

    client: str = Field(description="short name: small letters, digits, - and _; also the name of the file")
    title: str = Field(description="name as it stands on the page")
    language: Literal["en", "zh"] = Field("en", description="language of the report")
    currency: str = Field("EUR", description="ISO code of the currency that amounts are in")
    timezone: str = Field("UTC", description="time zone of the client, for example Europe/Berlin")
    as_of: str = Field("", description="last day that counts, YYYY-MM-DD; empty: the last complete day with data")
    source: str = Field(description="folder, DuckDB file or package: of the data; secrets only as ${ENV_NAME}")
    tables: dict[str, TableSettings] = Field(default_factory=dict, description="how each table is read")
    merge: str = Field(
        "", description="file with the columns customer_id and kept_id: which records are of one customer, and its id"
    )
    privacy: PrivacySettings = Field(default_factory=PrivacySettings, description="what of a person may be seen")
    money: MoneySettings = Field(default_factory=MoneySettings, description="what money counts as, in every analysis")
    customer: CustomerSettings = Field(
        default_factory=CustomerSettings, description="who counts as a customer, in every analysis"
    )
    brand: BrandSettings = Field(default_factory=BrandSettings, description="how pages, slides and documents look")
    owners: dict[str, dict[Literal["en", "zh"], str]] = Field(
        default_factory=dict, description="owners and departments as the tables name them: their names in each language"
    )
    sections: dict[str, dict[str, Any]] = Field(default_factory=dict, exclude=True)

    def agreed(self) -> dict[str, Any]:
        """What is agreed for all analyses: parameter -> value, of those that the file gives.

        Examples
        --------
        >>> Settings(client="acme", title="Acme", source="data", money={"margin": 0.4}).agreed()
        {'margin': 0.4}
        """
        return self.money.model_dump(exclude_none=True) | self.customer.model_dump(exclude_none=True)

    def owner_in(self, name: str, language: str) -> str:
        """What an owner is called in a language; as in the tables where the file says nothing of it.

        Examples
        --------
        >>> acme = Settings(client="acme", title="A", source="data", owners={"Head of IT": {"zh": "IT负责人"}})
        >>> acme.owner_in("head of IT", "zh")
        'IT负责人'
        """
        said = " ".join(name.split())
        for known, names in self.owners.items():
            if said.casefold() in {one.casefold() for one in (known, *names.values())}:
                return names.get("zh" if language == "zh" else "en", known)
        return said

    @field_validator("client")
    @classmethod
    def _client(cls, value: str) -> str:
        if not CLIENT_NAME.fullmatch(value):
            raise ParamError(f"{value!r} cannot name files; use small letters, digits, '-' and '_', at most 63")
        return value

    @field_validator("title")
    @classmethod
    def _title(cls, value: str) -> str:
        return undirected(value)

    @field_validator("currency")
    @classmethod
    def _currency(cls, value: str) -> str:
        if not re.fullmatch("[A-Z]{3}", value):
            raise ParamError(f"{value!r} is not a currency; write its ISO code, three capital letters such as EUR")
        return value

    @field_validator("timezone")
    @classmethod
    def _timezone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ValueError, OSError, KeyError) as err:
            # the list of all is read from hundreds of files
            near = did_you_mean(value, available_timezones())
            hint = near if near.startswith("did you mean") else "write it as in Europe/Berlin or Asia/Shanghai"
            raise ParamError(f"{value!r} is not a time zone; {hint}") from err
        return value

    @field_validator("as_of")
    @classmethod
    def _as_of(cls, value: str) -> str:
        if value:
            parse_iso(value, where="as_of")
        return value


COMMON_KEYS = frozenset(Settings.model_fields) - {"sections"}
# parameters that belong to the client and not to one analysis: under which common key each stands
AGREED = dict.fromkeys(MoneySettings.model_fields, "money") | dict.fromkeys(CustomerSettings.model_fields, "customer")
# what single analyses once called it: the agreed parameter that has taken its place
REPLACED = {"silence_days": "active_days", "lapsed_below": "active_days"}
# what another analysis owns now: analysis and parameter, and whose it is
MOVED = {("audit", "required_fields"): "data_quality"}


def find_home(start: Path | None = None) -> Path:
    """Which folder is the project: ``$CRMKIT_HOME``, else the nearest parent that holds ``params/`` and ``notebooks/``.

    Raises
    ------
    ParamError
        When there is none.
    """
    named = os.environ.get(HOME_VARIABLE)
    if named:
        folder = Path(named).expanduser().resolve()
        if not (folder / "params").is_dir():
            raise ParamError(f"${HOME_VARIABLE}: {folder} has no folder 'params'")
        return folder
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / "params").is_dir() and (folder / "notebooks").is_dir():
            return folder
    raise ParamError(f"{here} is not inside a project: no parent holds 'params' and 'notebooks'; set ${HOME_VARIABLE}")


def client_names(home: Path) -> list[str]:
    """Names of the clients that have a params file, in alphabetical order."""
    return sorted(path.stem for path in (home / "params").glob("*.yml"))


def client_language(client: str, *, home: Path) -> str:
    """The language that a params file asks for; empty where there is none, or nothing in it can be read."""
    try:
        found = read_yaml((home / "params" / f"{client}.yml").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return ""
    asked = found.get("language", "en") if isinstance(found, dict) else ""
    return asked if asked in ("en", "zh") else ""


def analysis_names(home: Path) -> list[str]:
    """Names of the analyses: the stems of the notebooks."""
    return sorted(path.stem for path in (home / "notebooks").glob("*.ipynb"))


def copy_folder(client: str, *, home: Path) -> Path:
    """Where the copy of a client's tables lies, as they were read: beside nothing that is passed on."""
    return home / "work" / client / "copy"


def rejects_folder(client: str, *, home: Path) -> Path:
    """Where the rows of a client go that were not kept, with their values: beside nothing that is passed on."""
    return home / "work" / client / "rejects"


def params_path(client: str, *, home: Path) -> Path:
    """The params file of a client.

    Raises
    ------
    ParamError
        When the client has none; the nearest name is offered.
    """
    if not isinstance(client, str):
        raise ParamError(f"client: {client!r} is a number, not a name; quote it")
    path = home / "params" / f"{client}.yml"
    if not CLIENT_NAME.fullmatch(client) or not path.is_file():
        raise ParamError(
            Problem(f"client {client!r}", f"has no file params/{client}.yml", hint=did_you_mean(client, client_names(home)))
        )
    return path


def read_settings(client: str, *, home: Path) -> Settings:
    """A client's params file, checked: every problem at once.

    Raises
    ------
    ParamError
        One line per problem: file, key, what was found, what is allowed, the nearest right name.
    """
    path = params_path(client, home=home)
    where = path.relative_to(home).as_posix()
    found = _load(path, where)
    analyses = analysis_names(home)
    problems: list[str | Problem] = []
    common: dict[str, Any] = {}
    sections: dict[str, dict[str, Any]] = {}
    for key, value in found.items():
        if key in COMMON_KEYS:
            common[key] = value
        elif key in analyses and isinstance(value, Mapping):
            sections[key] = dict(value)
        elif key in analyses:
            problems.append(
                Problem(
                    f"{where}, {key}:", f"is {shortened(repr(value))}", "a section with the analysis' parameters is expected"
                )
            )
        else:
            problems.append(
                Problem(f"{where}:", f"unknown key {key!r}", hint=did_you_mean(str(key), [*COMMON_KEYS, *analyses]))
            )
    try:
        settings = Settings(**common, sections=sections)
    except ValidationError as err:
        problems += problems_of(err, Settings, common, where=where)
    else:
        if settings.client != path.stem:
            problems.append(f"{where}, client: is {settings.client!r} but the file is named {path.stem!r}; they must be equal")
    if problems:
        raise ParamError(problems)
    return settings


def _load(path: Path, where: str) -> dict[Any, Any]:
    try:
        found = read_yaml(path.read_text(encoding="utf-8"), unique=True)
    except (yaml.YAMLError, UnicodeDecodeError) as err:
        raise unreadable(err, where=where) from err
    if not isinstance(found, dict):
        raise ParamError(f"{where}: is empty or not a list of 'key: value' lines")
    return found


def expand(text: str, *, where: str) -> str:
    """A text with each ``${NAME}`` replaced from the environment; the result is a secret and is never stored.

    Raises
    ------
    ParamError
        Naming each variable that is not set.
    """
    names = list(_variables(text))
    missing = [name for name in names if name not in os.environ]
    if missing:
        raise ParamError(f"{where}: the environment variable {', '.join(missing)} is not set")
    return re.sub(r"\$\{(\w+)\}", lambda match: os.environ[match.group(1)], text)


def _variables(text: str) -> Iterator[str]:
    return (match.group(1) for match in re.finditer(r"\$\{(\w+)\}", text))
