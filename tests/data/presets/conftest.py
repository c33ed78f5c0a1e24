"""A project without a client, and the folder that exports are put into."""

from pathlib import Path

import pytest

NOTEBOOKS = Path(__file__).parents[3] / "notebooks"


@pytest.fixture
def home(tmp_path):
    for folder in ("params", "data/acme"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "notebooks").symlink_to(NOTEBOOKS)
    return tmp_path
