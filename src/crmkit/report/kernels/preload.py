"""What will the notebooks import? Found in the kit's own source, so that the server imports that and nothing else.

The kit imports heavy libraries inside the functions that use them; those lines are read too. No module is imported to find out.
"""

from __future__ import annotations

import gc
import importlib
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from crmkit.report.imports import FORMATS, light_imports

PACKAGE = "crmkit"
SHOWN = "crmkit.show"
# what every kernel needs, whichever the analysis
KERNEL = (
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
    "ipykernel.comm",
    "IPython.core.completer",
    "encodings.utf_8_sig",
)
# what every notebook calls
ENTRY = ("crmkit.data.client", "crmkit.report.page.page")
# parts of libraries that are imported by their own code when they are first used
INNER = {
    "babel": ("babel.numbers", "babel.dates"),
    "ibis": (
        "ibis.backends.duckdb",
        "ibis.backends.duckdb.converter",
        "ibis.backends.sql.compilers.duckdb",
        "ibis.formats.numpy",
        "ibis.formats.pandas",
        "ibis.formats.pyarrow",
    ),
    "matplotlib": ("matplotlib.pyplot", "matplotlib.backends.backend_agg", "matplotlib_inline.backend_inline"),
    "PIL": tuple(f"PIL.{kind}ImagePlugin" for kind in ("Bmp", "Gif", "Jpeg", "Png", "Ppm")),
    "pandas": ("pandas.core.arrays.arrow.extension_types", "pyarrow.parquet", "pyarrow.pandas_compat"),
}
# says what is wrong with a table that breaks its contract, which no run survives
RARE = ("pandera",)
IMPORT = re.compile(r"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import[ \t]+(\([^)]*\)|[^\n#]*)|import[ \t]+([^\n#]+))", re.MULTILINE)
CHECKED_ONLY = re.compile(r"^if TYPE_CHECKING:\n(?:[ \t]+[^\n]*\n|\n)*", re.MULTILINE)
BY_NAME = re.compile(r"import_module\(f\"(crmkit(?:\.\w+)*)\.\{")


def modules_of(analyses: Iterable[str], *, root: Path | None = None) -> list[str]:
    """Modules that the notebooks of these analyses import, wherever in the kit the import stands.

    Parameters
    ----------
    analyses : iterable of str
        Names of analyses. One that has no module adds nothing; where none has one, nothing will be drawn, and what only
        figures need is left out.
    root : Path or None
        Folder that holds the package; default: where the kit is installed.

    Returns
    -------
    list of str
        Names of modules, those of the kit last.
    """
    source = root or Path(__file__).parents[3]
    asked = [name for name in (f"{PACKAGE}.analyses.{one}" for one in analyses) if _path(name, source)]
    waiting = [*ENTRY, *asked]
    own: dict[str, None] = {}
    foreign: dict[str, None] = dict.fromkeys(KERNEL)
    while waiting:
        name = waiting.pop()
        path = _path(name, source)
        if name in own or path is None:
            continue
        own[name] = None
        if not asked and name.startswith(SHOWN):
            continue
        for found in imported(path.read_text(encoding="utf-8")):
            if found.endswith(".*"):
                waiting += [f"{found[:-2]}.{one.stem}" for one in path.parent.glob("*.py")]
            elif found.split(".")[0] == PACKAGE:
                waiting.append(found)
            elif found.split(".")[0] not in RARE:
                foreign[found] = None
    libraries = {name.split(".")[0] for name in foreign}
    inner = [name for library, names in INNER.items() if library in libraries for name in names]
    return [*foreign, *inner, *own]


def imported(text: str) -> Iterator[str]:
    """Modules that a source text may import, inside functions too; those only for a type checker are left out.

    A name that is imported from a package may be a module of it; ``package.*`` stands for a module that is named at run time.

    Examples
    --------
    >>> list(imported("import os, sys as s\\ndef f():\\n    from scipy.special import ndtri\\n"))
    ['os', 'sys', 'scipy.special']
    >>> list(imported("from crmkit.models.purchases import btyd"))
    ['crmkit.models.purchases', 'crmkit.models.purchases.btyd']
    """
    for match in IMPORT.finditer(CHECKED_ONLY.sub("", text)):
        package, names, plain = match.groups()
        if plain:
            yield from (name.split(" as ")[0].strip() for name in plain.split(","))
            continue
        yield package
        if package.split(".")[0] == PACKAGE:
            listed = (name.split(" as ")[0].strip() for name in names.strip("()").split(","))
            yield from (f"{package}.{name}" for name in listed if name.isidentifier())
    yield from (f"{match[1]}.*" for match in BY_NAME.finditer(text))


def load(names: Iterable[str]) -> None:
    """Import modules. What is no module, or cannot be imported, is left to the notebook, where it gets its error message."""
    collects = gc.isenabled()
    gc.disable()  # what is imported stays: to look through it for what does not takes a tenth of the time
    try:
        with light_imports(FORMATS):
            for name in names:
                with suppress(Exception):
                    importlib.import_module(name)
    finally:
        if collects:
            gc.enable()


def _path(name: str, source: Path) -> Path | None:
    base = source.joinpath(*name.split("."))
    return next((path for path in (base / "__init__.py", base.with_suffix(".py")) if path.is_file()), None)
