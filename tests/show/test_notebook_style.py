"""Exhibits in an open notebook: styled where they stand, with nothing that reaches beyond them."""

import re

from crmkit.report.guard.html import safe_html
from crmkit.show.notebook_style import notebook_css, styled

RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")


def test_every_rule_is_kept_to_our_own_exhibits():
    rules = RULE.findall(notebook_css())
    assert len(rules) > 20
    for selectors, _ in rules:
        for selector in re.split(r",(?![^(]*\))", selectors):
            assert selector.startswith(".crmkit-shown"), selector


def test_nothing_is_loaded_and_no_theme_is_taken_for_granted():
    css = notebook_css()
    assert not re.search(r"url\(|@import|@font-face|</", css)
    # fixed are only the paper under figures, the white sign on a coloured disc, and the five tones
    assert set(re.findall(r"#[0-9a-f]{3,6}", css)) == {"#fff", "#5b6672", "#b3372a", "#8f6100", "#2a659f", "#267153"}


def test_a_page_drops_the_style_and_keeps_the_exhibit():
    html = '<figure class="exhibit" id="x"><figcaption>words</figcaption></figure>'
    assert safe_html(styled(html)) == f'<div class="crmkit-shown">{html}</div>'


def test_it_costs_little():
    assert len(notebook_css()) < 6000
