"""Which kinds there are, and the export of a number: every one can be made again from its seed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from random import Random

from exports.files import is_writable
from exports.kinds_files import file_kinds, header_kinds, type_kinds, workbook_kinds
from exports.kinds_rows import row_kinds, said_kinds
from exports.kinds_values import date_kinds, number_kinds, word_kinds
from exports.model import AFTER, TABLES_MADE, USED, WEIGHTS, Export, Kind, make

SEED = 20261129
TRIES, UNEVEN = 240, 40
TOGETHER, LOOKED_AT, FEW_TRIES = 3, 14, 8
# reasons that never stop a run
HARMLESS = ("empty line", "repeated header line", "line of totals")


@cache
def kinds() -> tuple[Kind, ...]:
    """Every kind, in a fixed order."""
    listed = (
        *number_kinds(),
        *date_kinds(),
        *word_kinds(),
        *row_kinds(),
        *said_kinds(),
        *header_kinds(),
        *file_kinds(),
        *workbook_kinds(),
        *type_kinds(),
    )
    assert len({kind.name for kind in listed}) == len(listed), "two kinds with one name"
    return listed


@dataclass(frozen=True)
class Case:
    """An export with the kinds that made it."""

    number: int
    kinds: tuple[Kind, ...]
    export: Export

    def __str__(self) -> str:
        return f"{self.number}: {self.export.table}, {self.export.source}, {' + '.join(kind.name for kind in self.kinds)}"


def build(wanted: tuple[Kind, ...], number: int, *, seed: int = SEED, tries: int = TRIES) -> Case | None:
    """An export to which these kinds were done; None where they do not go together."""
    for turn in range(tries):
        rng = Random(f"{seed}-{number}-{turn}")
        tables = set(TABLES_MADE)
        sources = {"csv", "xlsx", "parquet", "duckdb"}
        for kind in wanted:
            tables &= set(kind.tables or TABLES_MADE)
            sources &= set(kind.sources)
        if not tables or not sources:
            return None
        listed = [name for name in TABLES_MADE if name in tables]
        # the large tables more often, until it seems that only a small one will do
        weights = [WEIGHTS[TABLES_MADE.index(name)] if turn < UNEVEN else 1 for name in listed]
        table = rng.choices(listed, weights)[0]
        forms = [name for name in ("csv", "xlsx", "parquet", "duckdb") if name in sources]
        source = rng.choices(forms, [{"csv": 6, "xlsx": 2, "parquet": 2, "duckdb": 1}[name] for name in forms])[0]
        export = make(table, rng, source=source)
        if all(kind.change(export, rng) for kind in wanted) and is_writable(export):
            _decide(export, rng)
            return Case(number, wanted, export)
    return None


def _decide(export: Export, rng: Random) -> None:
    """Whether rows that cannot be used stop the run, or were allowed for."""
    stopping = [row for row in export.rows if _stops(row.fate)]
    if not stopping or export.refused:
        return
    if len(stopping) <= len(export.rows) // 3 and rng.random() < 0.6:
        export.declared["rejects"] = 0.5
        return
    for row in stopping:
        column, _, _ = row.fate.rpartition(": ")
        place = f"column '{row.fate.partition(': ')[0]}'" if column else export.table
        exact = export.source in ("csv", "xlsx") and not (export.form.get("parts") or export.form.get("unnumbered"))
        export.refused.append((place, f"{export.number_of(row)}") if exact else (place,))


def _stops(fate: str) -> bool:
    return fate not in (USED, AFTER, *HARMLESS) and "left out: " not in fate and "no customer: " not in fate


def sample(*, seed: int = SEED) -> list[Case]:
    """Few exports that touch every kind: up to three kinds in one where they go together."""
    waiting = list(kinds())
    Random(seed).shuffle(waiting)
    made: list[Case] = []
    while waiting:
        chosen = (waiting.pop(),)
        case = build(chosen, len(made), seed=seed)
        assert case is not None, f"{chosen[0].name} can be done to no export"
        for place in range(len(waiting) - 1, max(-1, len(waiting) - LOOKED_AT - 1), -1):
            if "file" in {chosen[0].stage, waiting[place].stage} or len(chosen) == TOGETHER:
                continue
            if found := build((*chosen, waiting[place]), len(made), seed=seed, tries=FEW_TRIES):
                case, chosen = found, (*chosen, waiting.pop(place))
        made.append(case)
    return made


def draw(number: int, *, seed: int = SEED) -> Case:
    """The export of this number: the first ones each kind alone, then pairs, now and then three."""
    every = kinds()
    if number < len(every):
        case = build((every[number],), number, seed=seed)
        assert case is not None, f"{every[number].name} can be done to no export"
        return case
    for turn in range(1000):
        rng = Random(f"{seed}-{number}-draw-{turn}")
        chosen = tuple(rng.sample(every, 3 if rng.random() < 0.15 else 2))
        if sum(kind.stage == "file" for kind in chosen) == 0 and (case := build(chosen, number, seed=seed)):
            return case
    raise AssertionError(f"no two kinds go together for {number}")
