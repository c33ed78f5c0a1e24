"""What the catalogues find, and what they say is wrong with a translation."""

import json

import pytest
from babel.messages.pofile import read_po

from crmkit.locale import catalogue as messages
from crmkit.locale.extract import in_notebook, in_python, in_template

CODE = '''
a = Text("one"
         " sentence {n}", {"n": x})
b = [mark("word"), language.translate("said", "zh"), Axis(label="Days", unit="days"), t("Generated")]
c = Column("name", "Label"), Column(name="x", label="By keyword"), Column("only_a_name", name)
d = Text("many" if n > 1 else ("one" if n else "none"), numbers), Text(reason or "no reason")
e = mark({"a": "first", "b": "second"}[key])
f = Text(template="by name"), Text(other.template), translate(row["group"], "en"), mark("""long""")
g = other("not ours"), Textual("nor this"), Text(*parts)
'''
FOUND = {
    *("one sentence {n}", "word", "said", "Days", "Generated", "Label", "By keyword", "many", "one", "none", "no reason"),
    *("first", "second", "by name", "long"),
}


def test_code_is_searched_for_every_word_that_is_shown():
    found = in_python(CODE)
    assert set(found.messages) == FOUND
    assert found.hidden == ()


@pytest.mark.parametrize(
    "call",
    ['Text(f"{n} customers")', 'mark("a" + name)', 'Text("%s days" % n)', 'Column("a", f"n {x}")', 'Text("{}".format(n))'],
)
def test_words_put_together_as_the_code_runs_are_named(call):
    assert in_python(f"\nx = {call}").hidden == ((2, call),)


def test_a_name_that_is_put_together_without_words_is_none_of_ours():
    assert in_python('Text(f"{a}{b}")').hidden == ()


def test_templates_are_searched_over_several_lines():
    source = '{{ t("One "\n "sentence") }}<a title="{{ t(\'Two\' if x else "Three") }}">{{ t(severities[x]) }}</a>'
    assert in_template(source).messages == ("One sentence", "Two", "Three")


def test_the_words_of_a_draft_may_wait(tmp_path):
    (tmp_path / "notebooks").mkdir()
    path = tmp_path / "notebooks" / "returns.ipynb"
    content = {"cells": [{"cell_type": "markdown", "source": "# How many come back?"}], "metadata": {"crmkit": {"draft": True}}}
    missing = "notebooks: '# How many come back?' is not translated"
    path.write_text(json.dumps(content))
    assert missing not in messages.problems("zh", "notebooks", home=tmp_path)
    assert "notebooks: '# How many come back?' of a draft" in messages.drafted("zh", home=tmp_path)
    content["metadata"]["crmkit"]["draft"] = False
    path.write_text(json.dumps(content))
    assert missing in messages.problems("zh", "notebooks", home=tmp_path)
    assert messages.drafted("zh", home=tmp_path) == []


def test_notebooks_give_one_message_for_each_block():
    cells = [{"cell_type": "markdown", "source": ["# A\n", "\n", "b\n", "c"]}, {"cell_type": "code", "source": "x"}]
    assert in_notebook(json.dumps({"cells": cells})).messages == ("# A", "b\nc")


@pytest.mark.parametrize(
    ("block", "translation", "what"),
    [
        ("## A", "# 一", "heading"),
        ("- a\n- b", "- 一", "list item"),
        ("see `orders`", "见`order`", "code"),
        ("[a](https://x.org/1)", "[一](https://x.org/2)", "link"),
        ("| a |\n|---|", "| 一 |", "row of a table"),
        ("a **term**", "一个词", "bold term"),
    ],
)
def test_a_translation_keeps_the_markdown(block, translation, what):
    assert messages.different_markdown(block, translation).startswith(what)
    assert messages.different_markdown(block, block) == ""


def test_each_thing_that_is_wrong_with_a_catalogue_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(messages, "PACKAGE", tmp_path / "crmkit")
    (tmp_path / "crmkit").mkdir()
    (tmp_path / "crmkit" / "a.py").write_text(
        'a = [mark("new"), mark("open"), mark("unsure"), Text("{n} days"), mark("done"), Text("{n}")]'
    )
    path = messages.catalogue_path("zh", "crmkit")
    path.parent.mkdir(parents=True)
    path.write_text(
        'msgid ""\nmsgstr ""\n"Language: zh\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'
        'msgid "open"\nmsgstr ""\n\n#, fuzzy\nmsgid "unsure"\nmsgstr "也许"\n\nmsgid "{n} days"\nmsgstr "{m}天"\n\n'
        'msgid "done"\nmsgstr "完成"\n\nmsgid "gone"\nmsgstr "没了"\n\n#~ msgid "long gone"\n#~ msgstr "早没了"\n',
        encoding="utf-8",
    )
    assert messages.problems("zh", "crmkit", home=tmp_path) == [
        "crmkit: 'gone' is used nowhere",
        "crmkit: 'long gone' is used nowhere",
        "crmkit: 'new' is not translated",
        "crmkit: 'open' is not translated",
        "crmkit: 'unsure' is marked fuzzy",
        "crmkit: '{n} days' and its translation differ in the places {m}, {n}",
    ]
    messages.update("zh", "crmkit", home=tmp_path)
    once = path.read_bytes()
    messages.update("zh", "crmkit", home=tmp_path)
    assert path.read_bytes() == once
    with path.open("rb") as file:
        kept = {message.id: message.string for message in read_po(file, locale="zh") if message.id}
    assert kept == {"new": "", "open": "", "unsure": "也许", "{n} days": "{m}天", "done": "完成"}


def test_the_command_says_what_is_missing(monkeypatch, capsys, tiny_home):
    monkeypatch.setattr(messages, "problems", lambda language, domain, home: [f"{domain}: bad"])
    monkeypatch.setattr(messages, "hidden", lambda home: [])
    assert messages.main(["--check"]) == 1
    assert capsys.readouterr().err == "zh, crmkit: bad\nzh, messages: bad\nzh, notebooks: bad\n"
