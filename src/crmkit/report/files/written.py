"""What a command that writes files has to say of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from crmkit.core.results import Text


@dataclass(frozen=True)
class Written:
    """Files that were written, and what is to be said of them."""

    paths: tuple[Path, ...]
    notes: tuple[Text, ...]
