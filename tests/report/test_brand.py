"""The brand of a client: on its pages, readable in the light and in the dark; what cannot be used is refused in one line."""

import re
from io import BytesIO

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from crmkit.core.errors import ParamError
from crmkit.core.language import Locale, say
from crmkit.core.results import REPORT_MIME
from crmkit.core.settings import read_settings
from crmkit.report.brand import NIGHT, brand_css, brand_record, contrast, read_brand
from crmkit.report.page.render import render_notebook
from finished import picture


@pytest.fixture
def folder(tiny_home):
    made = tiny_home / "params" / "acme"
    made.mkdir()
    return made


def brand(home, **given):
    """The brand of a params file that says so."""
    said = "".join(f"  {name}: {value}\n" for name, value in given.items())
    (home / "params" / "acme.yml").write_text(f"client: acme\ntitle: ACME\nsource: data/acme\nbrand:\n{said}", encoding="utf-8")
    return read_brand(read_settings("acme", home=home), home=home)


def noise(width, height):
    return Image.frombytes("RGB", (width, height), bytes((place * 7919) % 251 for place in range(width * height * 3)))


def saved(image, kind):
    content = BytesIO()
    image.save(content, format=kind)
    return content.getvalue()


def test_a_logo_is_made_small_and_loses_all_but_its_pixels(tiny_home, folder):
    exif = Image.Exif()
    exif[0x010E] = "WHERE IT WAS TAKEN"
    content = BytesIO()
    noise(600, 500).save(content, format="JPEG", exif=exif)
    (folder / "logo.jpg").write_bytes(content.getvalue())
    logo = brand(tiny_home, logo="logo.jpg").logo
    with Image.open(BytesIO(logo)) as small:
        assert small.format == "PNG"
        assert small.size[1] == 144
    assert b"WHERE IT WAS TAKEN" in content.getvalue()
    assert b"WHERE IT WAS TAKEN" not in logo
    assert len(logo) < 120_000


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("logo.png", saved(Image.new("RGB", (10, 10)), "PNG") + b"\0" * 5_000_000, "has 5.0 MB; a logo may have 1 MB at most"),
        ("logo.svg", b"<svg xmlns='http://www.w3.org/2000/svg'><script></script></svg>", "is a drawing (SVG)"),
        ("logo.png", b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "is a drawing (SVG)"),
        ("logo.png", saved(Image.new("L", (5001, 10)), "PNG"), "has 5001 x 10 pixels"),
        ("logo.png", b"no picture", "cannot be read as a picture"),
        ("logo.png", b"", "cannot be read as a picture"),
        ("logo.gif", saved(Image.new("P", (10, 10)), "GIF"), "cannot be read as a picture"),
        ("logo.png", picture()[:60], "cannot be read as a picture"),
        ("logo.png", None, "there is no such file, and brand, logo of params/acme.yml names it"),
    ],
)
def test_a_logo_that_cannot_be_used_is_refused_in_one_line(tiny_home, folder, command, name, content, said):
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(ParamError, match=re.escape(said)):
        brand(tiny_home, logo=name)
    for asked in ("deck", "doc", "brief", "run"):
        code, _, err = command(asked, "acme")
        assert code == 2
        assert err.count(said) == 1
        assert err.count("\n") == 1


def test_a_logo_may_have_5000_pixels(tiny_home, folder):
    (folder / "logo.png").write_bytes(saved(Image.new("L", (5000, 10)), "PNG"))
    assert brand(tiny_home, logo="logo.png").logo


def test_all_that_is_wrong_is_said_at_once(tiny_home, folder):
    (folder / "letter.txt").write_text("x")
    with pytest.raises(ParamError) as caught:
        brand(tiny_home, logo="logo.png", deck="deck.pptx", doc="letter.txt")
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"logo": "../other/logo.png"}, "is no name of a file"),
        ({"deck": "/etc/passwd"}, "is no name of a file"),
        ({"colours": "[red]"}, "is no colour"),
        ({"colours": "['#12345']"}, "is no colour"),
        ({"colours": "['#111111', '#222222', '#333333']"}, "colours"),
        ({"author": "x" * 81}, "author"),
        ({"logos": "a.png"}, "logos"),
    ],
)
def test_what_is_no_brand_is_refused(tiny_home, folder, given, said):
    with pytest.raises(ParamError) as caught:
        brand(tiny_home, **given)
    assert len(caught.value.problems) == 1
    assert said in str(caught.value)


@pytest.mark.parametrize("colour", ["#ffff00", "#ffffff", "#aabbcc", "#ff8800", "#777777"])
def test_a_colour_without_contrast_is_mended_and_said(tiny_home, folder, colour):
    found = brand(tiny_home, colours=f"['{colour}', '{colour}']")
    assert contrast(found.colours[0], "#ffffff") >= 4.5
    assert contrast(found.colours[1], "#ffffff") >= 3
    assert len(found.notes) == sum(contrast(colour, "#ffffff") < least for least in (4.5, 3.0))
    assert colour in say(found.notes[0], Locale())
    assert found.colours[0] in say(found.notes[0], Locale())


def test_a_colour_that_can_be_read_stays(tiny_home, folder):
    found = brand(tiny_home, colours="['#0F3D66', '#E27514']")
    assert (found.colours, found.notes) == (("#0f3d66", "#e27514"), ())


@pytest.mark.parametrize("colours", [["#000000", "#0f3d66"], ["#880000"]])
def test_colours_can_be_read_in_the_dark_too(colours):
    css = brand_css({"colours": colours})
    light, dark = css.split("@media (prefers-color-scheme:dark)")
    assert f"--strong:{colours[0]}" in light
    assert all(contrast(one, NIGHT) >= 4.5 for one in re.findall("#[0-9a-f]{6}", dark))


def notebook(recorded):
    report = {"language": "en", "title": "ACME", "analysis": "clv", "findings": [], "brand": recorded}
    outputs = [new_output("display_data", data={REPORT_MIME: report, "text/plain": "p"})]
    return new_notebook(cells=[new_markdown_cell("# How good?"), new_code_cell("page.publish()", outputs=outputs)])


def test_a_page_has_the_logo_colours_author_and_confidential_line(tiny_home, folder):
    (folder / "logo.png").write_bytes(picture())
    given = {"logo": "logo.png", "colours": "['#880000']", "author": "A <b>", "confidential": "'For \"ACME\"</style> only'"}
    page = render_notebook(notebook(brand_record(brand(tiny_home, **given))))
    assert page.count('<img class="logo" src="data:image/png;base64,') == 1
    assert "--strong:#880000" in page
    assert "<dd>A &lt;b&gt;</dd>" in page
    assert page.count("For &#34;ACME&#34;&lt;/style&gt; only") == 2
    # at the foot of each printed page, where it cannot end the style sheet
    assert page.count("</style>") == 1
    assert "@bottom-left{content:" in page
    plain_page = render_notebook(notebook({}))
    assert 'class="logo"' not in plain_page
    assert "--brand" not in plain_page


def test_what_a_notebook_claims_to_be_a_colour_is_not_taken():
    page = render_notebook(notebook({"colours": ["red}</style><script>", "#12345"]}))
    assert "red}" not in page


def test_the_brand_is_part_of_what_a_run_depends_on(tiny_home, folder):
    from crmkit.report.run.inputs import _beside

    before = _beside(folder)
    (folder / "logo.png").write_bytes(picture())
    with_logo = _beside(folder)
    (folder / "logo.png").write_bytes(picture(70, 30))
    assert len({before, with_logo, _beside(folder)}) == 3
