"""Where are a client's tables computed, and how are rows fetched? In DuckDB, in this process, within a share of the memory.

Past that it spills to disk.
No connection to a network is ever made: extensions are neither installed nor loaded on demand.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
import tempfile
import warnings
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crmkit.core.errors import ParamError

if TYPE_CHECKING:
    import pandas as pd

THREADS_VARIABLE = "CRMKIT_THREADS"
MEMORY_VARIABLE = "CRMKIT_MEMORY"
MEMORY_SHARE = 0.5
MEMORY_PATTERN = re.compile(r"\d+(\.\d+)?\s*([KMGT]i?B?|B)", re.IGNORECASE)
# stands in an expression for a day to be; what lies near it is reckoned from it, and no table's own words name such a day
ANY_DAY, NEAR_DAYS = dt.date(2999, 7, 1), 2000
DAY_PATTERN = re.compile(r"\b(MAKE_DATE|MAKE_TIMESTAMP)\((\d+), (\d+), (\d+)")
CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def connect() -> tuple[Any, Path]:
    """An ibis connection on an empty in-memory DuckDB, and the folder that it spills into.

    The folder is removed with the connection, at the latest at the end of the process.

    Returns
    -------
    connection : ibis.backends.duckdb.Backend
    spill : Path

    Raises
    ------
    ParamError
        When ``$CRMKIT_THREADS`` or ``$CRMKIT_MEMORY`` cannot be used.
    """
    import ibis

    spill = Path(tempfile.mkdtemp(prefix="crmkit-"))
    con = ibis.duckdb.connect(
        threads=threads(),
        memory_limit=memory_limit(),
        temp_directory=str(spill),
        preserve_insertion_order=False,
        autoinstall_known_extensions=False,
        autoload_known_extensions=False,
        # a list of six words or more would become a table to join with, which costs more than to compare with each of them
        disabled_optimizers="in_clause",
    )
    # forked kernels have no __main__ file, which DuckDB takes for somebody at a keyboard: a bar would stand in the page. In
    # JupyterLab, where it shows none, it cannot be turned off without ipywidgets
    ((shown,),) = query(con, "SELECT current_setting('enable_progress_bar')")
    if shown:
        query(con, "SET enable_progress_bar = false")
    weakref.finalize(con, _remove, spill, owner=os.getpid())
    return con, spill


def disconnect(con: Any) -> None:
    """End an engine and remove what it has spilled; a second time does nothing."""
    import duckdb

    try:
        (folder,) = query(con, "SELECT current_setting('temp_directory')")[0]
    except duckdb.ConnectionException:
        return
    # tables that a reader cached would be dropped when they are no longer used, which is too late then
    for entry in list(getattr(con, "_cache_name_to_entry", {}).values()):
        entry.finalizer()
    con.disconnect()
    _remove(Path(folder), owner=os.getpid())


def _remove(folder: Path, *, owner: int) -> None:
    # a forked child runs this too when it ends, while its parent still needs the folder
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


def threads() -> int:
    """How many threads the engine may use: ``$CRMKIT_THREADS``, else the processors this process may run on."""
    named = os.environ.get(THREADS_VARIABLE, "")
    if not named:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not named.isdecimal() or int(named) < 1:
        raise ParamError(f"${THREADS_VARIABLE}: {named!r} is not a number of threads; write a whole number from 1")
    return int(named)


def memory_limit() -> str:
    """How much memory the engine may use: ``$CRMKIT_MEMORY``, else half of what the machine or container has."""
    named = os.environ.get(MEMORY_VARIABLE, "")
    if not named:
        return f"{int(available_bytes() * MEMORY_SHARE)}B"
    if not MEMORY_PATTERN.fullmatch(named):
        raise ParamError(f"${MEMORY_VARIABLE}: {named!r} is not an amount of memory; write it like 4GB")
    return named


@contextmanager
def one_thread(con: Any, *, when: bool) -> Iterator[None]:
    """Let the engine work alone for a while: more threads than one wait for work at a cost where there is none for them."""
    if not when or threads() == 1:
        yield
        return
    query(con, "SET threads = 1")
    try:
        yield
    finally:
        query(con, f"SET threads = {threads()}")


def available_bytes() -> int:
    """Memory of the machine, or of the container where that has less (cgroup version 2 or 1)."""
    import psutil

    limits = [int(psutil.virtual_memory().total)]
    for path in CGROUP_LIMITS:
        try:
            text = path.read_text().strip()
        except OSError:
            continue
        if text.isdecimal() and int(text) > 0:
            limits.append(int(text))
    return min(limits)


def query(con: Any, sql: str) -> list[tuple[Any, ...]]:
    """The rows that a statement in the engine's own SQL gives; none where it gives none."""
    rows: list[tuple[Any, ...]] = con.con.execute(sql).fetchall()
    return rows


def to_frame(expression: Any) -> pd.DataFrame:
    """The rows of an ibis expression as a pandas table, in the same order in every run.

    An expression that does not end with ``order_by`` is ordered by all its columns, from the left. Dates become
    ``datetime64[ns]``, decimals ``float64``.
    """
    fetched = _ordered(expression)
    with quiet(), _as_it_stands(fetched):
        frame: pd.DataFrame = fetched.to_pandas()
    return _with_days(frame, expression)


@contextmanager
def _as_it_stands(expression: Any) -> Iterator[None]:
    """Let ibis leave each step of an expression a query of its own: to make fewer of them costs more than it takes to run it.

    Only where the last step puts the rows into their order: that of an inner query need not last.
    """
    import ibis
    from ibis.expr import operations as ops

    before = ibis.options.sql.fuse_selects
    ibis.options.sql.fuse_selects = before and not isinstance(expression.op(), ops.Sort)
    try:
        yield
    finally:
        ibis.options.sql.fuse_selects = before


def _ordered(expression: Any) -> Any:
    from ibis.expr import operations as ops

    decimals = {name: expression[name].cast("float64") for name, kind in expression.schema().items() if kind.is_decimal()}
    if not isinstance(expression.op(), ops.Sort):
        expression = expression.order_by(list(expression.columns))
    return expression.mutate(**decimals) if decimals else expression


def _with_days(frame: pd.DataFrame, expression: Any) -> pd.DataFrame:
    import pandas as pd

    days = [name for name, kind in expression.schema().items() if kind.is_date()]
    return frame.assign(**{name: pd.to_datetime(frame[name]).astype("datetime64[ns]") for name in days})


def frames_on(make: Callable[[dt.date], Any], days: Sequence[dt.date]) -> list[pd.DataFrame]:
    """The rows of one expression on several days, as :func:`to_frame` gives them.

    Parameters
    ----------
    make : callable
        Makes the expression for a day; whatever other day it names is that many days before or after it.
    days : sequence of date

    Returns
    -------
    list of DataFrame
        One per day.

    Notes
    -----
    To put a long expression into the engine's words takes four times as long as to run it, and they differ in the days alone.
    """
    import ibis
    import pandas as pd
    from ibis.backends.duckdb.converter import DuckDBPandasData

    expression = make(ANY_DAY)
    fetched = _ordered(expression)
    con, schema = ibis.get_backend(expression), fetched.schema()
    with _as_it_stands(fetched):
        words = str(con.compile(fetched))
    frames = []
    for day in days:
        rows = con.con.sql(_on(words, day)).to_arrow_table()
        # as ibis fetches: what is empty in part goes by way of Python, so that it stays empty
        columns = {
            name: one.to_pylist() if one.null_count else one.to_pandas() for name, one in zip(schema, rows.columns, strict=True)
        }
        frames.append(_with_days(DuckDBPandasData.convert_table(pd.DataFrame(columns), schema), expression))
    return frames


def _on(words: str, day: dt.date) -> str:
    def moved(found: re.Match[str]) -> str:
        kind, *numbers = found.groups()
        away = dt.date(*map(int, numbers)) - ANY_DAY
        if abs(away.days) > NEAR_DAYS:
            return found[0]
        there = day + away
        return f"{kind}({there.year}, {there.month}, {there.day}"

    return DAY_PATTERN.sub(moved, words)


@contextmanager
def quiet() -> Iterator[None]:
    """Fetch from the engine without the warning that ibis 12 calls a method by the name it had before DuckDB 1.5."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*fetch_arrow_table.*", category=DeprecationWarning)
        yield


def literal(text: object) -> str:
    """A text as an SQL literal."""
    return "'" + str(text).replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A name as an SQL identifier, whatever it holds."""
    return '"' + name.replace('"', '""') + '"'
