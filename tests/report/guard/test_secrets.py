"""Secrets: whatever way they are written, what stands for them is kept instead."""

import base64
import json
from html import escape
from urllib.parse import quote

import pytest

from crmkit.report.guard.secrets import scrub_json, scrub_text, secrets_of

PASSWORD = "p@ss <w0rd> & 'more' \"\\é"


@pytest.fixture
def secrets(tmp_path, monkeypatch):
    (tmp_path / "params").mkdir()
    (tmp_path / "params" / "acme.yml").write_text("source: postgres://u:${DB_WORD}@h/db\nother: ${SHORT} ${NOT_SET}\n")
    (tmp_path / "params" / "acme.key").write_text("0123456789abcdef\n")
    monkeypatch.setenv("DB_WORD", PASSWORD)
    monkeypatch.setenv("SHORT", "abc")
    monkeypatch.delenv("NOT_SET", raising=False)
    monkeypatch.delenv("CRMKIT_KEY", raising=False)
    return secrets_of("acme", home=tmp_path)


@pytest.mark.parametrize(
    "written",
    [
        PASSWORD,
        quote(PASSWORD, safe=""),
        escape(PASSWORD),
        escape(PASSWORD, quote=False),
        json.dumps(PASSWORD)[1:-1],
        json.dumps(PASSWORD, ensure_ascii=False)[1:-1],
        repr(PASSWORD)[1:-1],
        base64.b64encode(PASSWORD.encode()).decode(),
    ],
)
def test_a_secret_is_found_however_it_is_written(secrets, written):
    assert scrub_text(f"a {written} b", secrets) == "a ${DB_WORD} b"
    assert scrub_json({written: [written, 1]}, secrets) == {"${DB_WORD}": ["${DB_WORD}", 1]}


def test_the_key_of_the_pseudonyms_is_a_secret_and_short_words_are_none(secrets):
    assert scrub_text("0123456789abcdef abc", secrets) == "(key) abc"
