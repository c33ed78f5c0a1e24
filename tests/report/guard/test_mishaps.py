"""What is said of an error that nobody foresaw: where in the kit it came up."""

from crmkit.report.guard.mishaps import place_of


def caught(*paths):
    """An error that goes through a function of each file, the last of which raises it."""
    call = None
    for path in reversed(paths):
        names = {"call": call}
        exec(compile("def made():\n    call()" if call else "def made():\n    1 / 0", path, "exec"), names)
        call = names["made"]
    try:
        call()
    except ZeroDivisionError as error:
        # the frame of this file is none of theirs
        return error.with_traceback(error.__traceback__.tb_next)


def test_the_place_is_the_innermost_line_of_the_kit_else_the_innermost_of_all():
    assert place_of(caught("/src/crmkit/outer.py", "/src/crmkit/inner.py", "/lib/pandas/frame.py")) == "inner.py, line 2"
    assert place_of(caught("/lib/scipy/solver.py", "/lib/pandas/frame.py")) == "frame.py, line 2"
    assert place_of(ValueError("never raised")) == "nowhere"
