"""Where are data files that lie inside an installed distribution? It is never imported."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path, PurePosixPath

from crmkit.core.errors import DataError, did_you_mean

PREFIX = "package:"


def package_folder(source: str) -> Path:
    """The folder that ``package:<distribution>/<subfolder>`` names.

    Raises
    ------
    DataError
        When the distribution is not installed, with how to get it, or has no such folder.
    """
    distribution, _, subfolder = source.removeprefix(PREFIX).partition("/")
    try:
        files = metadata.files(distribution) or []
    except metadata.PackageNotFoundError as err:
        raise DataError(
            f"source {source}: {distribution!r} is not installed; get the example data with: make examples"
        ) from err
    wanted = PurePosixPath(subfolder)
    folders = {str(file.parent): file for file in files}
    inside = next((file for file in files if file.parent == wanted), None)
    if inside is None:
        raise DataError(f"source {source}: has no folder {subfolder!r}; {did_you_mean(subfolder, folders)}")
    return Path(str(inside.locate())).parent
