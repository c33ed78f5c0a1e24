"""Which earlier results may be read: those of another analysis, where everything fits, and those of the run before this one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crmkit.core.cells import FIRST_THREE
from crmkit.core.errors import CrmkitError, ReportError, did_you_mean
from crmkit.core.language import mark
from crmkit.core.results import Text
from crmkit.core.settings import read_settings
from crmkit.report.folders import RECORD, REPORT, UNDATED, dates_of, read_json, read_latest, reports_folder
from crmkit.report.params.flatten import flatten

if TYPE_CHECKING:
    import pandas as pd

RUN_FIRST = mark("run {analysis} first")
OUTDATED = mark("{analysis} was run with other {what}; run it again")


@dataclass(frozen=True)
class Reading:
    """Results of another analysis, or the reason why they cannot be used.

    Parameters
    ----------
    analysis : str
    folder : Path or None
        Where they are.
    report : mapping or None
        Its ``report.json``; None when they cannot be used.
    reason : Text or None
        Why not, to be shown in the place of what would have been.
    """

    analysis: str
    folder: Path | None = None
    report: Mapping[str, Any] | None = None
    reason: Text | None = field(default=None)
    _tables: dict[str, pd.DataFrame] = field(default_factory=dict, repr=False, compare=False)

    @property
    def as_of(self) -> str:
        """The date that they are about; empty when they cannot be used."""
        return str((self.report or {}).get("as_of", ""))

    @property
    def run(self) -> str:
        """The run that made them; empty when they cannot be used."""
        return self.folder.parent.name if self.folder is not None else ""

    def table(self, name: str) -> pd.DataFrame:
        """One of its result tables.

        Raises
        ------
        ReportError
            When the results cannot be used, or hold no such table.
        """
        import pandas as pd

        if self.folder is None or self.report is None:
            raise ReportError(f"{self.analysis}: its results cannot be used here")
        path = self.folder / "results" / f"{name}.parquet"
        if not path.is_file():
            names = [one.stem for one in path.parent.glob("*.parquet")]
            raise ReportError(f"{self.analysis}: has no result {name!r}; {did_you_mean(name, names)}")
        if name not in self._tables:
            self._tables[name] = pd.read_parquet(path)
        return self._tables[name].copy()


def read_results(
    analysis: str,
    *,
    client: str,
    as_of: str,
    fingerprint: str,
    home: Path,
    overrides: Mapping[str, Any] | None = None,
) -> Reading:
    """The last good results of another analysis, where they fit.

    Parameters
    ----------
    analysis : str
        Whose results.
    client : str
    as_of : str
        ISO date that the reading report is about.
    fingerprint : str
        Of the data that the reading report is about.
    home : Path
    overrides : mapping or None
        Values that were given on the command line.

    Returns
    -------
    Reading
        With the report, or with the reason why there is none.
    """
    entry = read_latest(home, client, as_of)["analyses"].get(analysis)
    if entry is None:
        return Reading(analysis, reason=Text(RUN_FIRST, {"analysis": analysis}))
    folder = reports_folder(home) / client / as_of / entry["folder"]
    report = read_json(folder / REPORT)
    if not report:
        return Reading(analysis, reason=Text(RUN_FIRST, {"analysis": analysis}))
    different = _difference(report, client=client, as_of=as_of, fingerprint=fingerprint)
    if not different and not _same_parameters(report, analysis, client=client, home=home, overrides=overrides):
        different = mark("parameters")
    if different:
        return Reading(analysis, reason=Text(OUTDATED, {"analysis": analysis, "what": Text(different)}))
    return Reading(analysis, folder, report)


def previous(client: str, analysis: str, *, as_of: str, run_id: str, home: Path) -> Reading | None:
    """The run that a report is compared with: what has changed since then?

    Parameters
    ----------
    client, analysis : str
    as_of : str
        ISO date that the report is about.
    run_id : str
        The run that makes the report.
    home : Path

    Returns
    -------
    Reading or None
        The last good run of the nearest earlier date; where there is none, the last good run of the same date that began before
        this one; None where there is neither. Its ``as_of`` and ``run`` name it. Its parameters and data may differ.
    """
    dates = [date for date in dates_of(home, client) if UNDATED != date < as_of]
    found = _newest(dates, analysis, client=client, home=home)
    if found is not None:
        return found
    runs = (reports_folder(home) / client / as_of / "runs").glob(f"*/{analysis}")
    earlier = sorted((folder for folder in runs if folder.parent.name < run_id), reverse=True)
    return next((found for folder in earlier if (found := _good(folder, analysis)) is not None), None)


def last_results(analysis: str, *, client: str, home: Path) -> Reading | None:
    """The last good run of an analysis, of whichever day; None where there is none."""
    return _newest(dates_of(home, client), analysis, client=client, home=home)


def _newest(dates: Iterable[str], analysis: str, *, client: str, home: Path) -> Reading | None:
    for date in dates:
        entry = read_latest(home, client, date)["analyses"].get(analysis)
        found = _good(reports_folder(home) / client / date / entry["folder"], analysis) if entry else None
        if found is not None:
            return found
    return None


def _good(folder: Path, analysis: str) -> Reading | None:
    record, report = read_json(folder / RECORD), read_json(folder / REPORT)
    return Reading(analysis, folder, report) if report and record.get("status") == "ok" else None


def _difference(report: Mapping[str, Any], *, client: str, as_of: str, fingerprint: str) -> str:
    if report.get("client") != client or report.get("as_of") != as_of:
        return mark("client or date")
    return "" if report.get("data", {}).get("fingerprint") == fingerprint else mark("data")


def _same_parameters(
    report: Mapping[str, Any], analysis: str, *, client: str, home: Path, overrides: Mapping[str, Any] | None
) -> bool:
    """Whether it would run with the same values now; client, date and language do not change a result."""
    try:
        flat = flatten(read_settings(client, home=home), analysis, home=home, overrides=overrides)
    except CrmkitError:
        return False
    then = {name: used.get("value") for name, used in report.get("parameters", {}).items() if name not in FIRST_THREE}
    now = {name: value for name, value in flat.values.items() if name not in FIRST_THREE}
    return then == now
