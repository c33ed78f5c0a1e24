"""Messages of others: their names and words are kept, values of customers are not."""

import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from crmkit.core.errors import DataError, quoted
from crmkit.report.guard.messages import keepable, kept_error, without_values
from crmkit.report.guard.secrets import clean_notebook

SAID = [
    ("division by zero", "division by zero"),
    ("could not convert string to float: 'Anna Adler'", "could not convert string to float: 'xxxx xxxxx'"),
    ("Unknown datetime string format, unable to parse: Anna Adler, at position 3", "Anna"),
    ("time data \"O'Neil\" doesn't match format '%Y'", "O'Neil"),
    ("can't find anna.adler@example.org there", "adler"),
    ("call +49 171 555 0123 back", "0123"),
    ("['Anna Adler'] not in index", "['xxxx xxxxx'] not in index"),
    ('Could not convert string "王小明" to INT32', "王"),
    ("no column 'amount' in 'transactions'", "no column 'amount' in 'transactions'"),
    ("wrong\nOriginal line: 7,Anna Adler", "wrong …"),
    ("", ""),
]


@pytest.mark.parametrize(("message", "kept"), SAID)
def test_values_are_covered_and_words_stay(message, kept):
    found = without_values(message)
    if kept in message and found != message:
        assert kept not in found
    else:
        assert found == kept


@pytest.mark.parametrize(
    ("name", "kept"), [("KeyError", "KeyError: 'xxxx'"), ("DataError", "'Anna'"), ("ParamError", "'Anna'")]
)
def test_errors_of_the_kit_have_covered_their_values_themselves(name, kept):
    assert keepable(name, "'Anna'") == kept


def test_what_the_kit_says_is_covered_and_the_terminal_shows_it():
    error = DataError([f"row 7: {quoted('Anna')} is no date", "row 9"])
    assert str(error) == "row 7: xxxx is no date\nrow 9"
    assert error.shown == ("row 7: Anna is no date", "row 9")
    # handed on as a list of problems, as the client's door does
    again = DataError([*error.problems, "row 11"])
    assert again.shown == (*error.shown, "row 11")
    assert "Anna" not in f"{again} {again.problems} {again.texts} {again.text}"


def test_a_value_cannot_break_out_of_its_cover():
    assert str(DataError(quoted("An\ue001na \ue000Adler"))) == "xxxx xxxxx"


def test_tracebacks_keep_the_code_and_lose_the_values():
    lines = [
        "\x1b[31m-------\x1b[39m",
        "\x1b[31mKeyError\x1b[39m            Traceback (most recent call last)",
        'line 3, in read\n    people["Anna"]  # of the code\n',
        "\x1b[31mKeyError\x1b[39m: 'Anna Adler'",
        "\nThe above exception was the direct cause of the following exception:\n",
        "\x1b[31mValueError\x1b[39m: could not parse: Anna",
    ]
    output = new_output("error", ename="ValueError", evalue="could not parse: Anna", traceback=lines)
    kept = kept_error(output)
    assert kept["evalue"] == "could not parse: xxxx"
    assert kept["traceback"] == [*lines[:3], "KeyError: 'xxxx xxxxx'", lines[4], "ValueError: could not parse: xxxx"]


def test_secrets_are_covered_before_values(tmp_path):
    output = new_output("error", ename="KeyError", evalue="'s3cr3t word'", traceback=["KeyError: 's3cr3t word'"])
    nb = clean_notebook(
        new_notebook(cells=[new_code_cell("x", outputs=[output])]), home=tmp_path, secrets={"s3cr3t word": "${WORD}"}
    )
    assert nb.cells[0].outputs[0].evalue == "'${WORD}'"
    assert nb.cells[0].outputs[0].traceback == ["KeyError: '${WORD}'"]
