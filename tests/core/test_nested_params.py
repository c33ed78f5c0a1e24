"""What plain Papermill sets without a word is noticed in the notebook itself."""

import sys
from types import SimpleNamespace

import pytest

from crmkit.core.errors import ParamError
from crmkit.core.nested_params import refuse_injected, run_by_program
from crmkit.core.settings import read_settings

DECLARED = 'client: str = "acme"  # the client\'s name\nhorizon_days: int = 90  # days [1, 1825]; how far ahead\n'


@pytest.fixture
def running(monkeypatch):
    """A notebook in which these cells have run; ``asked`` is what the last request to its kernel said."""

    def run(*cells, asked=None, **names):
        kernel = SimpleNamespace(get_parent=lambda channel: {"content": asked or {}})
        shell = SimpleNamespace(user_ns={"In": ["", *cells], **names}, kernel=kernel)
        monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))

    return run


def refuse(home):
    refuse_injected(read_settings("acme", home=home), home=home)


def test_a_misspelt_name_is_told_with_the_nearest(tiny_home, running):
    running(DECLARED, "# Parameters\nhorizn_days = 30\nclient = 'acme'\n", "open_client(client)")
    with pytest.raises(ParamError, match=r"^command line: unknown parameter 'horizn_days'; did you mean 'horizon_days'\?$"):
        refuse(tiny_home)


def test_all_unknown_names_are_told_at_once(tiny_home, running):
    running(DECLARED, "# Parameters\nhorizn_days = 30\nklient = 'acme'\n")
    with pytest.raises(ParamError) as caught:
        refuse(tiny_home)
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize(
    "cells",
    [
        (DECLARED, '# Parameters\nhorizon_days = 30\nPAPERMILL_INPUT_PATH = "notebooks/clv.ipynb"\n'),
        (DECLARED, "horizn_days = 30"),
        (DECLARED, "# my own\nhorizn_days = 30"),
        (DECLARED, "%matplotlib inline"),
        (),
    ],
)
def test_what_is_known_or_was_written_by_the_reader_is_taken(tiny_home, running, cells):
    running(*cells)
    refuse(tiny_home)


def test_a_program_says_that_it_cannot_be_asked(running, monkeypatch):
    running(asked={"allow_stdin": False})
    assert run_by_program()
    running(asked={"allow_stdin": True})
    assert not run_by_program()
    running()
    assert not run_by_program()
    monkeypatch.delitem(sys.modules, "IPython")
    assert not run_by_program()
