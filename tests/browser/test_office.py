"""Slides and document as LibreOffice draws them: nothing is cut, nothing covers anything else, and no chart is empty."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from xml.etree import ElementTree

import pytest
from docx import Document
from pptx import Presentation

POINT = 12700
# how far ink may stand beyond its box, in points: fonts of this machine are not those of the reader
SLACK = 4.0
HANGING = "。，；：、）"
WORD = re.compile(r"\{http://www\.w3\.org/1999/xhtml\}word")
PAGE = "{http://www.w3.org/1999/xhtml}page"


@dataclass(frozen=True)
class Word:
    """A word where it was drawn, in points from the upper left corner."""

    text: str
    left: float
    top: float
    right: float
    bottom: float


@pytest.fixture(scope="session")
def soffice():
    """LibreOffice."""
    found = shutil.which("soffice") or shutil.which("libreoffice")
    if found is None or not shutil.which("pdftotext") or not shutil.which("pdftoppm"):
        pytest.skip("office checks: there is no LibreOffice, or no pdftotext")
    return found


@pytest.fixture(scope="session")
def taken_away(soffice, project, reports, tmp_path_factory):
    """Slides and document in both languages as PDF: kind and language -> (file, pdf)."""
    kept, made = tmp_path_factory.mktemp("office"), {}
    for language in ("zh", "en"):
        project("run", "retailco", "--only", "clv", "--language", language)
        for command, ending in (("deck", "pptx"), ("doc", "docx")):
            project(command, "retailco")
            (path,) = (project.home / "reports" / "retailco" / "2025-12-31").glob(f"*.{ending}")
            copy = shutil.copy(path, kept / f"{language}.{ending}")
            profile = f"-env:UserInstallation=file://{kept}/profile"
            call = [soffice, profile, "--headless", "--convert-to", "pdf", "--outdir", str(kept / ending), str(copy)]
            done = subprocess.run(call, capture_output=True, text=True, timeout=180)
            pdf = kept / ending / f"{language}.pdf"
            assert pdf.is_file(), done.stdout + done.stderr
            made[ending, language] = (kept / f"{language}.{ending}", pdf)
    return made


def pages(pdf):
    """Size and words of each page."""
    done = subprocess.run(["pdftotext", "-bbox", str(pdf), "-"], capture_output=True, text=True, check=True, timeout=60)
    found = []
    for page in ElementTree.fromstring(re.sub(r"&#x?\w+;|[\x00-\x08\x0b-\x1f]", "", done.stdout)).iter(PAGE):
        words = [
            Word(one.text or "", *(float(one.get(side)) for side in ("xMin", "yMin", "xMax", "yMax")))
            for one in page.iter()
            if WORD.fullmatch(one.tag)
        ]
        found.append((float(page.get("width")), float(page.get("height")), words))
    return found


def words_in(shape):
    if shape.has_text_frame:
        return shape.text_frame.text
    if shape.has_table:
        return "\n".join(cell.text for row in shape.table.rows for cell in row.cells)
    return ""


def outside(word, box):
    left, top, right, bottom = box
    # the box of a word is that of its font, which is higher than its ink; a mark of Chinese may hang over the end of a line
    size = word.bottom - word.top
    hangs = size if word.text[-1:] in HANGING else 0.0
    low, high = word.bottom - 0.2 * size, word.top + 0.2 * size
    return word.left < left - SLACK or high < top - SLACK or word.right > right + SLACK + hangs or low > bottom + SLACK


def cut(slide, words):
    """Words of a slide that stand in no shape which could hold them; charts hold whatever stands in them."""
    boxes, tops = [], sorted(shape.top / POINT for shape in slide.shapes)
    for shape in slide.shapes:
        left, top, width, height = (side / POINT for side in (shape.left, shape.top, shape.width, shape.height))
        if shape.has_table:
            # rows grow with their words, which cuts nothing as long as they reach nothing
            height = next((other for other in tops if other >= top + height), top + height) - top - SLACK
        said = None if shape.has_chart else re.sub(r"\s", "", words_in(shape))
        boxes.append(((left, top, left + width, top + height), said))
    return [
        word
        for word in words
        if not any((said is None or word.text in said) and not outside(word, box) for box, said in boxes if said != "")
        and word.text != "•"
    ]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_word_of_a_slide_leaves_its_place(taken_away, language):
    path, pdf = taken_away["pptx", language]
    slides, drawn = list(Presentation(str(path)).slides), pages(pdf)
    assert len(slides) == len(drawn) >= 8
    found = {place: cut(slide, words) for place, (slide, (_, _, words)) in enumerate(zip(slides, drawn, strict=True), start=1)}
    assert not {place: words for place, words in found.items() if words}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_word_of_a_slide_is_drawn(taken_away, language):
    path, pdf = taken_away["pptx", language]
    for slide, (_, _, words) in zip(Presentation(str(path)).slides, pages(pdf), strict=True):
        shown = "".join(word.text for word in words)
        for shape in slide.shapes:
            for piece in words_in(shape).split():
                assert set(piece) <= set(shown), piece
        charts = [shape.chart for shape in slide.shapes if shape.has_chart]
        for chart in charts:
            names = [re.sub(r"\s", "", str(name)) for name in chart.plots[0].categories]
            assert not [name for name in names if not set(name) <= set(shown)]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_chart_is_empty(taken_away, language, tmp_path):
    """Each series has left its colour on the slide."""
    from PIL import Image

    path, pdf = taken_away["pptx", language]
    subprocess.run(["pdftoppm", "-r", "60", "-png", str(pdf), str(tmp_path / "p")], check=True, timeout=120)
    pictures, charts = sorted(tmp_path.glob("p*.png")), 0
    for slide, picture in zip(Presentation(str(path)).slides, pictures, strict=True):
        with Image.open(picture) as image:
            seen = {colour for _, colour in image.convert("RGB").getcolors(maxcolors=1 << 24)}
        for shape in slide.shapes:
            for series in shape.chart.plots[0].series if shape.has_chart else ():
                charts += 1
                wanted = re.findall(r'srgbClr val="([0-9A-F]{6})"', series._element.xml)[0]
                red, green, blue = bytes.fromhex(wanted)
                assert any(abs(r - red) + abs(g - green) + abs(b - blue) <= 24 for r, g, b in seen), (picture.name, series.name)
    assert charts >= 4


@pytest.mark.parametrize("language", ["en", "zh"])
def test_nothing_of_the_document_is_cut(taken_away, language):
    path, pdf = taken_away["docx", language]
    drawn, made = pages(pdf), Document(str(path))
    section = made.sections[0]
    edge = section.left_margin / POINT
    shown = "".join(word.text for _, _, words in drawn for word in words)
    for width, height, words in drawn:
        beyond = [
            word for word in words if word.left < edge - 12 or word.right > width - edge + 12 or word.bottom > height - 10
        ]
        assert not beyond
    cells = [cell.text for table in made.tables for row in table.rows for cell in row.cells]
    for words in [*(paragraph.text for paragraph in made.paragraphs), *cells]:
        assert not [piece for piece in words.split() if not set(piece) <= set(shown)]
    assert len(made.inline_shapes) >= 3


def test_a_word_that_leaves_its_place_is_found():
    made = Presentation()
    slide = made.slides.add_slide(made.slide_layouts[6])
    box = slide.shapes.add_textbox(100 * POINT, 100 * POINT, 200 * POINT, 20 * POINT)
    box.text_frame.text = "inside and outside"
    inside, below = Word("inside", 101, 101, 150, 115), Word("outside", 101, 128, 150, 142)
    assert cut(slide, [inside, below]) == [below]
    assert cut(slide, [Word("elsewhere", 101, 101, 150, 115)])
