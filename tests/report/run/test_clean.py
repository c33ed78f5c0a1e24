"""What was read is forgotten with the old runs."""

import pytest

from crmkit.core.errors import ParamError
from crmkit.core.settings import copy_folder
from crmkit.report.run.clean import clean_runs


@pytest.mark.parametrize("clients", [None, ["acme"]])
def test_copies_go(tiny_home, clients):
    for client in ("acme", "beta"):
        folder = copy_folder(client, home=tiny_home)
        folder.mkdir(parents=True)
        (folder / "x.duckdb").write_bytes(b"12345")
    removed = clean_runs(tiny_home, keep=1, clients=clients)
    gone = [copy_folder(name, home=tiny_home) for name in (clients or ["acme", "beta"])]
    assert (removed.folders, removed.size_bytes) == (tuple(gone), 5 * len(gone))
    assert [folder.exists() for folder in gone] == [False] * len(gone)
    assert copy_folder("beta", home=tiny_home).exists() == (clients is not None)


def test_a_client_without_reports_and_copies_is_unknown(tiny_home):
    with pytest.raises(ParamError, match="has no reports"):
        clean_runs(tiny_home, keep=1, clients=["acme"])
