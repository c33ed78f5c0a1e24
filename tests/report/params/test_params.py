"""Parameters: what a cell declares, what a file may say, and the same values through every door."""

import subprocess
import sys

import pytest
import yaml
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook

from crmkit.core.cells import model_of, read_cell
from crmkit.core.errors import ParamError, ReportError
from crmkit.core.settings import read_settings
from crmkit.report.params.flatten import check_clients, describe, flatten, flatten_nested, schema, to_yaml, used_parameters

FIRST = 'client: str = "acme"\nas_of: str = ""\nlanguage: str = "en"\n'


def params_file(home, text, client="acme"):
    (home / "params" / f"{client}.yml").write_text(f"client: {client}\ntitle: A\nsource: data\n{text}", encoding="utf-8")


def problems_of(home, text):
    params_file(home, text)
    with pytest.raises(ParamError) as caught:
        flatten(read_settings("acme", home=home), "tiny", home=home)
    return caught.value.problems


def test_a_cell_is_read_with_units_limits_choices_and_help(tiny_home):
    found = {one.name: one for one in describe("tiny", home=tiny_home)}
    assert list(found)[:3] == ["client", "as_of", "language"]
    horizon = found["horizon_days"]
    assert (horizon.type, horizon.default, horizon.unit) == ("int", 90, "days")
    assert (horizon.low, horizon.high, horizon.low_open, horizon.high_open) == (1, 1825, False, False)
    assert horizon.help == "how far ahead"
    assert found["confidence"].low_open
    assert found["confidence"].high_open
    assert found["confidence"].unit == "share"
    assert found["kind"].choices == ("contractual", "non_contractual")
    assert found["kind"].help == "how customers leave, '#' and all"
    assert found["as_of"].help == "last day that counts; empty: the last complete day"
    assert found["share"].allowed == "a number from 0 to 1"


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("x = 3", "is not a declaration; write 'name: type = default  # help'"),
        ("x: set = None", "the type 'set' is not one of str, int, float, bool, list, dict"),
        ("x: int = 5  # days [10, 20]; too few", "the default of 'x' is 5; a whole number from 10 to 20 (days)"),
        ('x: str = "c"  # a | b; kind', "the default of 'x' is 'c'; a or b"),
        ("x: int = len('abc')  # no", "must be a plain value, not \"len('abc')\""),
    ],
)
def test_a_declaration_that_cannot_be_used_is_named(line, text):
    with pytest.raises(ReportError) as caught:
        read_cell(FIRST + line + "\n", where="notebooks/t.ipynb")
    assert text in str(caught.value)
    assert str(caught.value).startswith("notebooks/t.ipynb, parameters cell, line 4:")


def test_the_first_three_lines_are_the_same_in_every_notebook():
    with pytest.raises(ReportError, match="must begin with client, as_of, language"):
        read_cell('as_of: str = ""\nclient: str = "a"\nlanguage: str = "en"\n', where="n")


@pytest.mark.parametrize(
    ("declared", "good", "bad"),
    [
        ("x: float = 1.0", [2, 2.5], [True, "2", None]),
        ("x: int = 1", [2], [True, 2.0, "2"]),
        ("x: bool = True", [False], [0, "no"]),
        ("x: float | None = None  # (0, 1]; s", [None, 1, 0.5], [0, 1.5, "a"]),
        ("x: 'Optional[int]' = None", [None, 3], [3.5]),
        ('x: list[str] = ["a"]  # a | b; m', [[], ["b", "a"]], [["c"], "a", [1]]),
        ("x: list[float] = [0.5]  # share of customers [0.01, 0.99]; cuts", [[0.2, 0.5]], [[0.2, 1.0], [True]]),
        ("x: dict[str, float] = {}", [{"a": 1}], [{"a": "b"}]),
        ("x: list = []  # anything", [[1, "a"]], [{}]),
    ],
)
def test_types_are_strict(declared, good, bad):
    model = model_of(list(read_cell(FIRST + declared, where="n")[3:]))
    for value in good:
        assert model.model_validate({"x": value}).x == value
    for value in bad:
        with pytest.raises(ValueError, match="validation error"):
            model.model_validate({"x": value})


def test_all_problems_come_at_once_with_file_key_value_and_what_is_allowed(tiny_home):
    found = problems_of(
        tiny_home,
        "tiny:\n  horizn_days: 30\n  horizon_days: twelve\n  confidence: 1\n  kind: contractul\n  models: [a, c]\n",
    )
    assert found == (
        "params/acme.yml, tiny: unknown parameter 'horizn_days'; did you mean 'horizon_days'?",
        "params/acme.yml, tiny.horizon_days: is 'twelve'; allowed is a whole number from 1 to 1825 (days).",
        "params/acme.yml, tiny.confidence: is 1; allowed is a number above 0 below 1 (share).",
        "params/acme.yml, tiny.kind: is 'contractul'; allowed is contractual or non_contractual; did you mean 'contractual'?",
        "params/acme.yml, tiny.models: is 'c'; allowed is a list of a or b.",
    )


@pytest.mark.parametrize("value", ["007", "2025-12-31", "no", "1.5"])
def test_text_that_yaml_reads_as_something_else_is_to_be_quoted(tiny_home, value):
    (problem,) = problems_of(tiny_home, f"tiny: {{kind: {value}}}\n")
    assert "not as text; quote it" in problem


def test_problems_of_all_clients_and_analyses_come_at_once(tiny_home):
    params_file(tiny_home, "tiny: {horizon_days: 0}\n")
    params_file(tiny_home, "currency: euro\n", client="beta")
    with pytest.raises(ParamError) as caught:
        check_clients(["acme", "beta", "gamma"], ["tiny"], home=tiny_home)
    assert [problem.split(":")[0] for problem in caught.value.problems] == [
        "params/acme.yml, tiny.horizon_days",
        "params/beta.yml, currency",
        "client 'gamma' has no file params/gamma.yml; there are 'acme', 'beta'.",
    ]


def test_every_value_knows_where_it_comes_from(tiny_home):
    params_file(tiny_home, 'as_of: "2025-06-30"\ntiny: {horizon_days: 180}\n')
    flat = flatten(read_settings("acme", home=tiny_home), "tiny", home=tiny_home, overrides={"language": "zh"})
    assert flat.values["horizon_days"] == 180
    assert flat.origins["horizon_days"] == flat.origins["as_of"] == "params/acme.yml"
    assert flat.origins["language"] == "command line"
    assert flat.origins["confidence"] == "default"


def test_a_value_typed_on_the_command_line_is_no_value_of_the_file_though_it_is_equal(tiny_home):
    params_file(tiny_home, "language: zh\ntiny: {horizon_days: 180}\n")
    typed = {"language": "zh", "horizon_days": 180}
    flat = flatten(read_settings("acme", home=tiny_home), "tiny", home=tiny_home, overrides=typed)
    assert flat.origins["language"] == flat.origins["horizon_days"] == "command line"


def test_a_running_notebook_takes_the_origins_that_it_is_handed(tiny_home, monkeypatch):
    params_file(tiny_home, "tiny: {horizon_days: 180}\n")
    settings = read_settings("acme", home=tiny_home)
    flat = flatten(settings, "tiny", home=tiny_home, overrides={"horizon_days": 180, "confidence": 0.95})
    for name, value in flat.handed_over().items():
        monkeypatch.setenv(name, value)
    used = used_parameters("tiny", settings, home=tiny_home, values=flat.values)
    assert {name: one.origin for name, one in used.items()} == flat.origins
    assert used["horizon_days"].origin == used["confidence"].origin == "command line"


def test_three_doors_give_equal_values(tiny_home):
    text = 'as_of: "2025-06-30"\ntiny: {horizon_days: 180, models: [b]}\n'
    params_file(tiny_home, text)
    direct = flatten(read_settings("acme", home=tiny_home), "tiny", home=tiny_home)
    whole_file = yaml.safe_load((tiny_home / "params" / "acme.yml").read_text())
    assert flatten_nested(whole_file, "tiny", home=tiny_home).values == direct.values
    flat_file = yaml.safe_load(to_yaml(direct))
    assert flat_file == dict(direct.values)
    assert flatten_nested(flat_file, "tiny", home=tiny_home).values == direct.values


def test_a_value_beside_a_params_file_wins_as_on_papermills_command_line(tiny_home):
    params_file(tiny_home, "tiny: {horizon_days: 180}\n")
    whole_file = yaml.safe_load((tiny_home / "params" / "acme.yml").read_text())
    flat = flatten_nested({**whole_file, "horizon_days": 30}, "tiny", home=tiny_home)
    assert (flat.values["horizon_days"], flat.origins["horizon_days"]) == (30, "command line")


def test_a_running_notebook_knows_where_its_values_come_from(tiny_home):
    params_file(tiny_home, "language: zh\ntiny: {horizon_days: 180}\n")
    settings = read_settings("acme", home=tiny_home)
    values = {"client": "acme", "as_of": "", "language": "", "horizon_days": 180, "confidence": 0.9}
    used = used_parameters("tiny", settings, home=tiny_home, values=values)
    assert (used["horizon_days"].origin, used["confidence"].origin, used["kind"].origin) == (
        "params/acme.yml",
        "notebook",
        "default",
    )
    assert (used["language"].value, used["language"].origin) == ("zh", "params/acme.yml")
    with pytest.raises(ParamError, match="unknown parameter 'horizn'"):
        used_parameters("tiny", settings, home=tiny_home, values={"horizn": 3})


def test_papermill_lists_the_same_names(tiny_home):
    notebook = tiny_home / "notebooks" / "tiny.ipynb"
    help_text = subprocess.run(
        [sys.executable, "-m", "papermill", "--help-notebook", str(notebook)], capture_output=True, text=True, check=True
    ).stdout
    listed = {line.strip().split(":")[0] for line in help_text.splitlines() if line.startswith("  ") and ":" in line}
    # Papermill cannot read `float | None`; notebooks of the kit do without
    assert {one.name for one in describe("tiny", home=tiny_home)} - {"share"} <= listed


def test_injected_values_are_those_of_the_flat_file(tiny_home):
    flat = flatten(read_settings("acme", home=tiny_home), "tiny", home=tiny_home)
    nb = parameterize_notebook(load_notebook_node(str(tiny_home / "notebooks" / "tiny.ipynb")), dict(flat.values))
    cell = next(cell for cell in nb.cells if "injected-parameters" in cell.metadata.get("tags", ()))
    found: dict = {}
    exec(cell.source, found)
    assert {name: found[name] for name in flat.values} == dict(flat.values)


def test_the_schema_knows_common_keys_and_each_notebooks_section(tiny_home):
    document = schema(tiny_home)
    assert {"client", "source", "tiny"} <= set(document["properties"])
    horizon = document["properties"]["tiny"]["properties"]["horizon_days"]
    assert (horizon["minimum"], horizon["maximum"], horizon["unit"], horizon["default"]) == (1, 1825, "days", 90)
