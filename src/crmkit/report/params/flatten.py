"""Which value does each parameter of an analysis have for a client, where does it come from, and is it allowed?

One function, :func:`flatten`, serves every way to run a notebook: ``crmkit run``, Papermill with the kit's engine, and a flat
file for Papermill alone. It checks before any kernel starts.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from crmkit.core.cells import FIRST_THREE, Parameter, model_of, read_cell
from crmkit.core.dates import parse_iso
from crmkit.core.errors import CrmkitError, ParamError, Problem, did_you_mean, nearest
from crmkit.core.language import mark
from crmkit.core.nested_params import OWN as PAPERMILLS_OWN
from crmkit.core.nested_params import run_by_program
from crmkit.core.refused import as_written
from crmkit.core.results import Quantity, Text, Unit
from crmkit.core.settings import AGREED, MOVED, REPLACED, Settings, analysis_names, find_home, params_path, read_settings
from crmkit.report.brand import read_brand
from crmkit.report.params.notebooks import read_notebook

DEFAULT = mark("default")
COMMAND_LINE = mark("command line")
NOTEBOOK = "notebook"
ORIGINS_VARIABLE = "CRMKIT_ORIGINS"


@dataclass(frozen=True)
class Flat:
    """All parameters of one analysis for one client: what the notebook is run with.

    Parameters
    ----------
    values : mapping
        name -> value, in the order of the parameters cell.
    origins : mapping
        name -> ``"default"``, the params file, or ``"command line"``.
    """

    values: Mapping[str, Any]
    origins: Mapping[str, str]

    def handed_over(self) -> dict[str, str]:
        """Environment that tells the notebook where each value comes from."""
        return {ORIGINS_VARIABLE: json.dumps(dict(self.origins))}

    def recorded(self) -> dict[str, dict[str, Any]]:
        """As a report records it: name -> value and origin."""
        return {name: {"value": value, "origin": self.origins[name]} for name, value in self.values.items()}


@dataclass(frozen=True)
class Used:
    """The value that a parameter has in a running notebook, and where it comes from."""

    value: Any
    origin: str


def describe(analysis: str, *, home: Path | None = None) -> tuple[Parameter, ...]:
    """Which parameters has an analysis: name, type, default, unit, what is allowed, help.

    Raises
    ------
    CrmkitError
        When there is no such notebook, or its parameters cell cannot be read.
    """
    notebook = read_notebook(analysis, home=home or find_home())
    return read_cell(notebook.parameters, where=f"notebooks/{analysis}.ipynb")


def flatten(
    settings: Settings,
    analysis: str,
    *,
    home: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Flat:
    """The values that an analysis runs with for a client, each with its origin.

    Parameters
    ----------
    settings : Settings
        The client's params file.
    analysis : str
    home : Path or None
        Default: the project that is found from here.
    overrides : mapping or None
        Values given on the command line; they win over the file.

    Raises
    ------
    ParamError
        Every unknown name and every value that is not allowed, at once.
    """
    declared = describe(analysis, home=home)
    where = f"params/{settings.client}.yml"
    agreed = {name: value for name, value in settings.agreed().items() if name in {one.name for one in declared}}
    common = {name: getattr(settings, name) for name in FIRST_THREE} | agreed
    section = settings.sections.get(analysis, {})
    given = dict(overrides or {})
    origins = {parameter.name: DEFAULT for parameter in declared}
    origins |= {name: where for name in (*FIRST_THREE, *agreed) if name in settings.model_fields_set | agreed.keys()}
    origins |= {name: where for name in section if name in origins}
    origins |= {name: COMMAND_LINE for name in given if name in origins}
    own = {
        name: value
        for name, value in section.items()
        if name not in AGREED and name not in REPLACED and (analysis, name) not in MOVED
    }
    problems = [
        *_of_all(section, where=f"{where}, {analysis}"),
        *_moved(section, analysis, where=f"{where}, {analysis}"),
        *_problems({**common, **own}, declared, where=f"{where}, {analysis}", kept=(*FIRST_THREE, *AGREED)),
        *_problems(given, declared, where=COMMAND_LINE),
    ]
    if given.get("as_of") and not problems:
        parse_iso(given["as_of"], where=f"{COMMAND_LINE}, as_of")
    if problems:
        raise ParamError(problems)
    values = {parameter.name: parameter.default for parameter in declared} | common | section | given
    return Flat(values, origins)


def _of_all(section: Mapping[str, Any], *, where: str) -> list[Problem]:
    """What stands in one analysis' section and belongs to all of them."""
    problems = [
        Problem(
            f"{where}.{name}:",
            "is the same in every analysis, so it cannot stand in the section of one",
            f"write '{key}: {{{name}: {section[name]}}}' once, and remove the line here",
        )
        for name, key in AGREED.items()
        if name in section
    ]
    return problems + [
        Problem(
            f"{where}.{old}:",
            "is no more; who is a customer is the same in every analysis",
            f"write '{AGREED[name]}: {{{name}: {section[old] if old.endswith('_days') and section[old] else 365}}}' once, "
            "and remove the line here",
        )
        for old, name in REPLACED.items()
        if old in section
    ]


def _moved(section: Mapping[str, Any], analysis: str, *, where: str) -> list[Problem]:
    """What stands in a section and belongs to that of another analysis by now."""
    return [
        Problem(
            f"{where}.{name}:",
            "belongs to another report by now",
            f"write '{owner}: {{{name}: {section[name]}}}', and remove the line here",
        )
        for (mine, name), owner in MOVED.items()
        if mine == analysis and name in section
    ]


def check_clients(
    clients: Iterable[str], analyses: Iterable[str], *, home: Path, overrides: Mapping[str, Any] | None = None
) -> dict[str, tuple[Settings, dict[str, Flat]]]:
    """Settings and parameters of several clients, or every problem of all of them at once.

    Returns
    -------
    dict
        client -> (settings, analysis -> parameters). Sections of analyses that are not asked for are checked too.

    Raises
    ------
    ParamError
    """
    problems: dict[str, None] = {}
    found: dict[str, tuple[Settings, dict[str, Flat]]] = {}
    wanted = list(analyses)
    for client in clients:
        try:
            settings = read_settings(client, home=home)
        except CrmkitError as err:
            problems |= dict.fromkeys(err.problems)
            continue
        try:
            read_brand(settings, home=home)
        except CrmkitError as err:
            problems |= dict.fromkeys(err.problems)
        flats: dict[str, Flat] = {}
        for analysis in dict.fromkeys([*wanted, *settings.sections]):
            try:
                flats[analysis] = flatten(settings, analysis, home=home, overrides=overrides)
            except CrmkitError as err:
                problems |= dict.fromkeys(err.problems)
        found[client] = settings, {name: flat for name, flat in flats.items() if name in wanted}
    if problems:
        raise ParamError(list(problems))
    return found


def flatten_nested(given: Mapping[str, Any], analysis: str, *, home: Path | None = None) -> Flat:
    """Parameters from what Papermill was handed: a whole params file (``-f params/acme.yml``), or flat values already.

    A params file is recognised by its ``source`` key or by its sections; the file itself is then read again, so that nothing
    that Papermill made of it counts. What Papermill was handed besides wins, as on its command line.
    """
    place = home or find_home()
    names = {parameter.name for parameter in describe(analysis, home=place)}
    given = {name: value for name, value in given.items() if not name.startswith(PAPERMILLS_OWN)}
    nested = any(key not in names and (key in Settings.model_fields or key in analysis_names(place)) for key in given)
    client = given.get("client")
    if not nested:
        settings = Settings(client="none", title="none", source="none") if client is None else read_settings(client, home=place)
        return flatten(settings, analysis, home=place, overrides=given)
    if client is None:
        raise ParamError("parameters: a params file without 'client' was given; add 'client: NAME'")
    settings = read_settings(params_path(client, home=place).stem, home=place)
    in_file = {name: getattr(settings, name) for name in FIRST_THREE}
    extra = {name: value for name, value in given.items() if name in names and in_file.get(name, _NOTHING) != value}
    return flatten(settings, analysis, home=place, overrides=extra)


_NOTHING = object()


def used_parameters(
    analysis: str, settings: Settings, *, home: Path, values: Mapping[str, Any] | None = None
) -> dict[str, Used]:
    """Which values does a running notebook use, and where do they come from?

    Parameters
    ----------
    analysis : str
    settings : Settings
        The client's params file.
    home : Path
    values : mapping or None
        Values in use; default: the variables of the running notebook that its parameters cell declares.

    Returns
    -------
    dict
        name -> value and origin. A run hands the origins over in ``$CRMKIT_ORIGINS``. Where nobody does, as in JupyterLab, they
        are inferred: a value that is neither the default nor the file's was given on a command line, or typed into the
        notebook. An empty ``as_of`` or ``language`` means that of the file.

    Raises
    ------
    ParamError
        For every value that is not allowed, at once.
    """
    declared = describe(analysis, home=home)
    running = _notebook_variables() if values is None else values
    current = {one.name: running.get(one.name, one.default) for one in declared} if values is None else dict(running)
    problems = _problems(current, declared, where=f"notebooks/{analysis}.ipynb, parameters")
    if problems:
        raise ParamError(problems)
    where = f"params/{settings.client}.yml"
    section = settings.sections.get(analysis, {})
    in_file = {name: getattr(settings, name) for name in FIRST_THREE if name in settings.model_fields_set}
    in_file |= settings.agreed() | section
    elsewhere = COMMAND_LINE if run_by_program() else NOTEBOOK
    origins: Mapping[str, str] = json.loads(os.environ.get(ORIGINS_VARIABLE) or "{}")
    used: dict[str, Used] = {}
    for one in declared:
        value = current.get(one.name, one.default)
        if one.name in FIRST_THREE and value == "":
            value = getattr(settings, one.name)
        if one.name in origins:
            used[one.name] = Used(value, origins[one.name])
        elif one.name in in_file and in_file[one.name] == value:
            used[one.name] = Used(value, where)
        else:
            used[one.name] = Used(value, DEFAULT if value == one.default else elsewhere)
    return used


AGREED_WORDS: dict[str, tuple[Text, Unit]] = {
    "margin": (Text("The margin is {here} here, and {agreed} on the client's other pages."), "share"),
    "discount_rate": (
        Text("Later money is discounted by {here} a year here, and by {agreed} on the client's other pages."),
        "share",
    ),
    "active_days": (
        Text("Customers are active here who bought within {here}, and on the client's other pages within {agreed}."),
        "days",
    ),
    "loop_days": (
        Text("Low answers of the last {here} are followed up here, and of {agreed} on the client's other pages."),
        "days",
    ),
    "sampling": (Text("The data are taken to hold {here} here, and {agreed} on the client's other pages."), "text"),
}


def other_than_agreed(used: Mapping[str, Used], settings: Settings) -> list[Text]:
    """What has been given for this notebook alone, although the client's file says it for all of them."""
    differing = {name: value for name, value in settings.agreed().items() if name in used and used[name].value != value}
    return [
        Text(words.template, {"here": Quantity(used[name].value, unit), "agreed": Quantity(value, unit)})
        for name, value in differing.items()
        for words, unit in [AGREED_WORDS[name]]
    ]


def _notebook_variables() -> Mapping[str, Any]:
    """Variables of the running notebook; none where this is no notebook."""
    if "IPython" not in sys.modules:
        return {}
    from IPython import get_ipython

    shell = get_ipython()
    return {} if shell is None else shell.user_ns


def to_yaml(flat: Flat) -> str:
    """The flat file of one analysis, for Papermill without the kit's engine; text stays text."""
    import yaml

    return yaml.safe_dump(dict(flat.values), sort_keys=False, allow_unicode=True, default_flow_style=False)


def schema(home: Path) -> dict[str, Any]:
    """JSON Schema of a params file: the common keys, and one section for each notebook."""
    document = Settings.model_json_schema()
    document["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    document["title"] = "crmkit params file"
    document["properties"].pop("sections", None)
    for analysis in analysis_names(home):
        elsewhere = (*FIRST_THREE, *AGREED)
        own = [parameter for parameter in describe(analysis, home=home) if parameter.name not in elsewhere]
        section = model_of(own, name=analysis).model_json_schema()
        document["properties"][analysis] = {key: value for key, value in section.items() if key != "$defs"}
    return document


def _problems(
    values: Mapping[str, Any], declared: tuple[Parameter, ...], *, where: str, kept: tuple[str, ...] = ()
) -> list[Problem | Text]:
    """One problem for each name that is unknown and each value that is not allowed."""
    by_name = {parameter.name: parameter for parameter in declared}
    own = [name for name in by_name if name not in kept]
    problems: list[Problem | Text] = [
        Problem(f"{where}:", f"unknown parameter {name!r}", hint=did_you_mean(str(name), own))
        for name in values
        if name not in by_name
    ]
    known = {name: value for name, value in values.items() if name in by_name}
    try:
        model_of([by_name[name] for name in known]).model_validate(known)
    except ValidationError as err:
        seen: set[tuple[Any, ...]] = set()
        for error in err.errors():
            name = str(error["loc"][0])
            if (name, id(error["input"])) not in seen:
                seen.add((name, id(error["input"])))
                problems.append(_explain(by_name[name], error["input"], where=where))
    return problems


def _explain(parameter: Parameter, value: Any, *, where: str) -> Problem | Text:
    place = f"{where}.{parameter.name}"
    if "str" in parameter.type and isinstance(value, bool | int | float | dt.date):
        allowed = parameter.allowed if parameter.choices else ""
        return Problem(f"{place}:", f"was read as {as_written(value)}, not as text", "quote it", allowed)
    said: dict[str, Quantity | Text | str] = {"place": place, "value": as_written(value), "allowed": parameter.allowed_text}
    near = nearest(value, map(str, parameter.choices)) if isinstance(value, str) else None
    if near is None:
        return Text("{place}: is {value}; allowed is {allowed}.", said)
    return Text("{place}: is {value}; allowed is {allowed}; did you mean {near}?", {**said, "near": repr(near)})
