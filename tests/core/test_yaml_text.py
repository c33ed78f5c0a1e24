"""A fault in YAML is told with the same line on every machine."""

import pytest
import yaml

from crmkit.core import yaml_text
from crmkit.core.yaml_text import read_yaml


@pytest.mark.parametrize(
    ("text", "line"),
    [("P-RESP: {target: 1", 1), ("a: 1\nb: [1, 2\nc: 3\n", 3), ("a: 1\n b: 2\n", 2), ("a: 1\na: 2\n", 2), ("a: '1\n", 2)],
)
def test_both_parsers_tell_the_same_line(monkeypatch, text, line):
    told = []
    for quick in (yaml_text.UNIQUE, yaml_text.PLAIN_UNIQUE):
        monkeypatch.setattr(yaml_text, "UNIQUE", quick)
        with pytest.raises(yaml.YAMLError) as caught:
            read_yaml(text, unique=True)
        told.append((caught.value.problem_mark.line + 1, caught.value.problem))
    assert told[0] == told[1]
    assert told[0][0] == line


def test_a_key_that_stands_twice_is_refused_only_where_asked():
    assert read_yaml("a: 1\na: 2\n") == {"a": 2}
    with pytest.raises(yaml.YAMLError, match="the key 'a' stands twice"):
        read_yaml("a: 1\na: 2\n", unique=True)
