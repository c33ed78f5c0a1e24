"""Jupyter's packages without what they import and never use here, which is most of the time that they take to start.

Stands alone: the one place at which modules are hidden from others.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

# jsonschema: formats that no schema of Jupyter's has; for the first it compiles some 35 grammars at import
FORMATS = ("rfc3987_syntax", "isoduration", "fqdn", "webcolors", "uri_template", "jsonpointer")
# papermill: notebooks in Hadoop, which are not run here
STORAGE = ("pyarrow.fs",)


@contextmanager
def light_imports(hidden: Sequence[str] = (*FORMATS, *STORAGE)) -> Iterator[None]:
    """While it lasts, importing these optional packages fails, which those who import them take for absent.

    Afterwards they can be imported again; what is imported already is left alone.
    """
    absent = [name for name in hidden if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in absent:
            if sys.modules.get(name) is None:
                sys.modules.pop(name, None)
