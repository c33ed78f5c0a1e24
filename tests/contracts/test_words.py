"""Every word that a reader sees is there in both languages, and every character of ours can be drawn."""

import re
import warnings
from functools import cache
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path

import pandas as pd
import pytest
import yaml
from matplotlib import font_manager, get_data_path

from crmkit.core.format import UNITS_OF_TIME
from crmkit.locale import catalogue as messages
from crmkit.locale.extract import in_notebook
from crmkit.show.theme import FONT_FAMILIES

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb") if not messages.is_draft(path))
ALWAYS = ("clv",)
SUBSET = resources.files("crmkit.show") / "fonts" / "NotoSansSC-Subset.ttf"
BUNDLED = (str(SUBSET), str(Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"))
HIDDEN = {"style", "script", "code", "pre", "template"}
READ_ALOUD = ("alt", "aria-label", "title")
# Three Latin words in a row make a sentence that was not translated. Names are none: of models, people, files, licences.
SENTENCE = re.compile(r"[A-Za-z][a-z'’]+(?:[ ,;:]+[A-Za-z][a-z'’]+){2,}")
REFERENCE = re.compile(r"\(\d{4}\)|\bdoi:")


def catalogue(domain):
    return messages.stored("zh", domain)


@pytest.mark.parametrize("domain", messages.DOMAINS)
def test_nothing_is_untranslated_obsolete_or_fuzzy_and_numbers_stand_in_both(domain):
    """Mended by ``python -m crmkit.locale.catalogue`` and a translation."""
    found = messages.problems("zh", domain, home=ROOT)
    assert not found, "\n" + "\n".join(found)


@pytest.mark.filterwarnings("default::UserWarning")
def test_the_words_of_drafts_are_listed():
    """They may wait; what is to be translated before the notebook is finished stands in the summary of the tests."""
    for word in messages.drafted("zh", home=ROOT):
        warnings.warn(f"not translated yet, {word}", stacklevel=1)


def test_no_words_are_put_together_where_no_catalogue_can_hold_them():
    assert messages.hidden(home=ROOT) == []


@pytest.mark.parametrize("domain", messages.DOMAINS)
def test_a_translation_is_chinese(domain):
    """A message may stay as it is only where it is a name, a sign or a reference."""
    same = {str(one.id) for one in catalogue(domain) if one.id and one.id == one.string and not REFERENCE.search(str(one.id))}
    assert not [text for text in same if SENTENCE.search(text)]


def test_no_translation_mixes_the_marks_of_both_languages():
    """A comma or full stop of Latin between Chinese characters, or a Chinese one repeated."""
    wrong = re.compile(r"[\u4e00-\u9fff] ?[,;?!](?=[ \u4e00-\u9fff]|$)|[\u4e00-\u9fff]\.(?=\s|$)|，，|。。")
    for domain in messages.DOMAINS:
        assert not [one.string for one in catalogue(domain) if one.id and wrong.search(str(one.string))]


class Words(HTMLParser):
    """The pieces of text that a reader of a page sees or hears, outside of code."""

    def __init__(self):
        super().__init__()
        self.depth, self.pieces = 0, []

    def handle_starttag(self, tag, attributes):
        self.depth += tag in HIDDEN
        self.pieces += [value for name, value in attributes if name in READ_ALOUD and value]

    def handle_endtag(self, tag):
        self.depth -= tag in HIDDEN

    def handle_data(self, data):
        if not self.depth:
            self.pieces.append(data)


def sentences(html):
    """What of a page is a sentence in English, references left out."""
    words = Words()
    words.feed(html)
    return [piece.strip() for piece in words.pieces if SENTENCE.search(piece) and not REFERENCE.search(piece)]


@pytest.mark.parametrize(
    ("html", "found"),
    [
        ("<p>此处：The total is low。</p>", 1),
        ('<img alt="Bars of each group">', 1),
        ("<pre>one two three</pre><code>one two three</code><script>one two three</script>", 0),
        ("<li>Fader, Hardie (2005), Counting your customers.</li>", 0),
        ("<p>Pareto/NBD，BG/NBD；Gamma-Gamma模型</p><td>Kaplan–Meier</td><td>params/acme.yml</td>", 0),
    ],
)
def test_a_sentence_in_english_is_found(html, found):
    assert len(sentences(html)) == found


@pytest.mark.long
@pytest.mark.parametrize(
    "analysis", [pytest.param(name, marks=() if name in ALWAYS else pytest.mark.slow) for name in NOTEBOOKS]
)
def test_a_chinese_page_holds_no_english_sentence(analysis, project):
    folder = project.run(analysis)
    pages = [path.read_text(encoding="utf-8") for path in (folder / f"{analysis}.html", *folder.glob(f"{analysis}-*.html"))]
    assert all('<html lang="zh-CN">' in page for page in pages)
    own = said_by(project.home / "params" / f"{project.client(analysis)}.yml") | quoted(folder)
    own |= kept_by_hand(project.home / "data" / "demo" / project.client(analysis))
    # the title of a short page ends with the name that the company has for a department
    found = [
        said for page in pages for said in sentences(page) if not titled(said, own) and SENTENCE.search(without(said, own))
    ]
    assert not found, "\n" + "\n".join(found)


def without(said, own):
    """What is left of a sentence without the words of the client in it, the longest first."""
    for text in sorted(filter(None, own), key=lambda one: -len(str(one))):
        said = said.replace(str(text), "")
    return said


def titled(said, own):
    """Whether all that is English in a title is what the client has written."""
    return all(part in own or not SENTENCE.search(part) for part in said.split(" – "))


def said_by(params):
    """Every text of a client's params file; what the client says there is shown as it is."""

    def texts(value):
        if isinstance(value, dict):
            return [text for one in value.values() for text in texts(one)]
        if isinstance(value, list):
            # a list of words is shown in one line
            return [", ".join(map(str, value)), *(text for one in value for text in texts(one))]
        return [value]

    return set(texts(yaml.safe_load(params.read_text(encoding="utf-8"))))


def quoted(folder):
    """Customers in their own words, in the language that they wrote in."""
    path = folder / "results" / "satisfaction_quotes.parquet"
    return set(pd.read_parquet(path)["quote"]) if path.is_file() else set()


def kept_by_hand(folder):
    """What the company writes of its own plans, risks, steps and sources: shown as it is."""
    tables = [folder / f"{name}.csv" for name in ("actions", "benchmarks", "goals", "risks", "ticket_events")]
    cells = [pd.read_csv(path, dtype=str).to_numpy().ravel() for path in tables if path.is_file()]
    return {text for one in cells for text in one if isinstance(text, str)}


@cache
def characters(*fonts):
    """Every character that one of the fonts has."""
    from fontTools.ttLib import TTFont

    found = set()
    for path in fonts:
        with TTFont(path, lazy=True) as font:
            found |= {chr(code) for code in font.getBestCmap()}
    return found


def decoded(encoding, first, second):
    """The characters of a range of a two-byte encoding."""
    for high in first:
        for low in second:
            try:
                yield bytes((high, low)).decode(encoding)
            except UnicodeDecodeError:
                continue


def test_the_font_covers_gb2312_and_the_frequent_characters_of_big5():
    gb2312 = set(decoded("gb2312", range(0xB0, 0xF8), range(0xA1, 0xFF)))
    # level 1 is A440 to C67E
    low = [*range(0x40, 0x7F), *range(0xA1, 0xFF)]
    big5 = {*decoded("big5", range(0xA4, 0xC6), low), *decoded("big5", [0xC6], range(0x40, 0x7F))}
    assert len(gb2312) == 6763
    assert len(big5) == 5401
    assert not gb2312 - characters(*BUNDLED)
    assert not big5 - characters(*BUNDLED)


def test_every_character_of_ours_is_in_the_fonts_that_come_with_the_kit():
    known = characters(*BUNDLED)
    ours = {letter for domain in messages.DOMAINS for one in catalogue(domain) for letter in f"{one.id}{one.string}"}
    ours |= {letter for domain in messages.DOMAINS for one in messages.wanted(domain, home=ROOT) for letter in str(one.id)}
    ours |= {
        letter
        for path in (ROOT / "notebooks").glob("*.ipynb")
        for text in in_notebook(path.read_text("utf-8")).messages
        for letter in text
    }
    ours |= set("".join(word for words in UNITS_OF_TIME.values() for word in words)) | set("年月日–∞−€$£¥%，。（）")
    assert not {letter for letter in ours if letter.isprintable() and letter not in known}


def test_the_fonts_that_come_with_the_kit_are_asked_first_and_are_small_and_licensed():
    assert FONT_FAMILIES[:2] == ("DejaVu Sans", "Noto Sans SC")
    assert font_manager.get_font(str(SUBSET)).family_name == "Noto Sans SC"
    assert Path(str(SUBSET)).stat().st_size < 5_000_000
    assert "SIL OPEN FONT LICENSE Version 1.1" in (resources.files("crmkit.show") / "fonts" / "OFL.txt").read_text("utf-8")
