"""A project with one client, whose files a test writes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from crmkit.data.client import Check, Client, check_client, open_client


class Project:
    """A project root with ``params/acme.yml`` and ``data/acme``."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.folder = home / "data" / "acme"
        self.folder.mkdir(parents=True)
        (home / "params").mkdir()
        (home / "notebooks").mkdir()
        self.params()

    def params(self, **keys: Any) -> None:
        said = {"client": "acme", "title": "ACME", "source": "data/acme", **keys}
        (self.home / "params" / "acme.yml").write_text(yaml.safe_dump(said, allow_unicode=True), encoding="utf-8")

    def table(self, **keys: Any) -> None:
        """Settings of transactions."""
        self.params(tables={"transactions": keys})

    def write(self, name: str, content: str | bytes, *, encoding: str = "utf-8") -> Path:
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    def open(self, **keys: Any) -> Client:
        client = open_client("acme", home=self.home, **keys)
        self.opened.append(client)
        return client

    def check(self) -> Check:
        return check_client("acme", home=self.home)

    opened: list[Client]


@pytest.fixture
def project(tmp_path: Path) -> Any:
    made = Project(tmp_path)
    made.opened = []
    yield made
    for client in made.opened:
        client.close()


@pytest.fixture
def rejected(project: Project) -> Callable[[], list[str]]:
    """Lines of the file of rows that were not kept."""
    path = project.home / "work" / "acme" / "rejects" / "transactions.csv"
    return lambda: path.read_text(encoding="utf-8").splitlines() if path.exists() else []
