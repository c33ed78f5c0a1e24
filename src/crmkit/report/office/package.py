"""How is a file of PowerPoint or Word opened and written? A template is checked; the same content gives the same bytes."""

from __future__ import annotations

import datetime as dt
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

from crmkit.core.errors import ParamError, ReportError

Kind = Literal["deck", "doc"]
LARGEST = 50_000_000
TYPES = "[Content_Types].xml"
# what a template calls its main part, and what a file does; the libraries open files only
CALLED = {
    "deck": ("presentationml.template.main+xml", "presentationml.presentation.main+xml"),
    "doc": ("wordprocessingml.template.main+xml", "wordprocessingml.document.main+xml"),
}
PROGRAMS = {"deck": "PowerPoint", "doc": "Word"}
PACKAGES = {"deck": ("pptx", "python-pptx"), "doc": ("docx", "python-docx")}
EPOCH = (1980, 1, 1, 0, 0, 0)


def needed(kind: Kind) -> None:
    """Whether the library is installed that writes files of a kind.

    Raises
    ------
    ReportError
        With the command that installs it.
    """
    from importlib.util import find_spec

    module, package = PACKAGES[kind]
    if find_spec(module) is None:
        raise ReportError(f"crmkit {kind} needs {package}, which is not installed: pip install 'crmkit[office]'")


def opened(kind: Kind, template: Path | None) -> Any:
    """A presentation or document to be filled: the client's template, or one of the library.

    Raises
    ------
    ParamError
        When the template cannot be used, with what is wrong with it.
    """
    content = None if template is None else BytesIO(_content(kind, template))
    if kind == "deck":
        from pptx import Presentation

        read: Any = Presentation
    else:
        from docx import Document

        read = Document
    try:
        made = read(content)
    # whatever is in a file that somebody else has made
    except Exception as err:
        raise ParamError(f"{_where(template)}: cannot be opened as a file of {PROGRAMS[kind]}") from err
    if kind == "deck" and template is not None and not any(len(master.slide_layouts) for master in made.slide_masters):
        raise ParamError(f"{_where(template)}: has no layouts; a template of slides needs a layout with a title")
    return made


def _content(kind: Kind, template: Path) -> bytes:
    """A template as the library opens it."""
    where = _where(template)
    size = template.stat().st_size
    if size > LARGEST:
        raise ParamError(f"{where}: has {size / 1e6:.0f} MB; a template may have {LARGEST / 1e6:.0f} MB at most")
    was, wanted = CALLED[kind]
    changed = BytesIO()
    try:
        with zipfile.ZipFile(template) as old, zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as new:
            for one in old.infolist():
                part = old.read(one)
                if one.filename == TYPES:
                    if b"macroEnabled" in part:
                        raise ParamError(f"{where}: holds macros; save it as a template without them")
                    part = part.replace(was.encode(), wanted.encode())
                new.writestr(one.filename, part)
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError) as err:
        raise ParamError(f"{where}: is no file of {PROGRAMS[kind]}") from err
    return changed.getvalue()


def _where(template: Path | None) -> str:
    return f"params/{template.parent.name}/{template.name}" if template else "template"


def describe(made: Any, *, title: str, author: str, moment: dt.datetime, language: str) -> None:
    """Write the properties of a file: nothing in them is of the clock or of this machine."""
    core = made.core_properties
    core.title, core.author, core.last_modified_by = title[:255], author[:255], author[:255]
    core.subject = core.keywords = core.comments = core.category = core.version = ""
    core.language, core.revision = {"en": "en-GB", "zh": "zh-CN"}[language], 1
    core.created = core.modified = core.last_printed = moment


def write(made: Any, path: Path) -> None:
    """Write a file whole or not at all; its parts bear no date."""
    content, fixed = BytesIO(), BytesIO()
    made.save(content)
    with zipfile.ZipFile(content) as old, zipfile.ZipFile(fixed, "w", zipfile.ZIP_DEFLATED) as new:
        for one in old.infolist():
            entry = zipfile.ZipInfo(one.filename, EPOCH)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            new.writestr(entry, old.read(one))
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    try:
        draft.write_bytes(fixed.getvalue())
        draft.replace(path)
    except OSError as err:
        raise ReportError(f"{path.name}: cannot be written: {err.strerror}; is it open in {PROGRAMS_OF[path.suffix]}?") from err
    finally:
        draft.unlink(missing_ok=True)


PROGRAMS_OF = {".pptx": PROGRAMS["deck"], ".docx": PROGRAMS["doc"]}
