"""Themes of comments: planted ones are found, in two languages, whatever the order, and the same again."""

import sys

import numpy as np
import pytest

from crmkit.core.errors import ModelError, ParamError
from crmkit.models.survey import themes as th

PLANTED = {
    "delivery": (["late", "parcel", "delivery", "waited", "courier"], "The {} and {} again, {}."),
    "price": (["expensive", "price", "money", "cheaper", "cost"], "Too {}, {} and {} matter."),
    "app": (["crashes", "login", "app", "screen", "update"], "My {} and {}: {}!"),
    "快递": (["快递慢", "包裹破损", "送货晚", "物流信息不准"], "{}，而且{}。"),
    "价格": (["价格贵", "性价比低", "优惠太少", "涨价太快"], "{}，{}！"),
}


def planted(n=40, seed=0):
    rng = np.random.default_rng(seed)
    texts, truth = [], []
    for theme, (words, frame) in PLANTED.items():
        for _ in range(n):
            texts.append(frame.format(*rng.permutation(words)[: frame.count("{}")]))
            truth.append(theme)
    order = rng.permutation(len(texts))
    return [texts[at] for at in order], np.array(truth)[order]


@pytest.mark.long
def test_planted_themes_are_found_in_both_languages():
    texts, truth = planted()
    found = th.find_themes(texts, themes=5)
    assert found.members.shape == (200, 5)
    for theme in PLANTED:
        own = truth == theme
        jaccard = (found.members & own[:, None]).sum(axis=0) / (found.members | own[:, None]).sum(axis=0)
        assert jaccard.max() > 0.9
        words = " ".join(found.words[int(jaccard.argmax())])
        assert any(word in words for word in PLANTED[theme][0]) or any(part in words for part in ("快递", "物流", "价", "优惠"))
    assert found.stability.min() >= 0.8


def test_no_theme_speaks_two_scripts():
    texts, _ = planted()
    found = th.find_themes(texts)
    for k, words in enumerate(found.words):
        scripts = {bool(th.CHINESE.search(texts[at])) for at in np.flatnonzero(found.members[:, k])}
        assert len(scripts) == 1
        assert {bool(th.CHINESE.search(word)) for word in words} <= scripts


def test_the_same_comments_give_the_same_themes_in_any_order():
    texts, _ = planted()
    first, again = th.find_themes(texts), th.find_themes(texts)
    order = np.random.default_rng(1).permutation(len(texts))
    other = th.find_themes([texts[at] for at in order])
    assert np.array_equal(first.parts, again.parts)
    assert np.array_equal(first.members[order], other.members)
    assert first.words == other.words
    assert np.array_equal(first.stability, other.stability)


def test_parts_of_a_comment_are_shares():
    texts, _ = planted()
    parts = th.find_themes([*texts, "?!", "xyzzy"]).parts
    sums = parts.sum(axis=1)
    assert np.allclose(sums[:-2], 1)
    assert sums[-2:].tolist() == [0, 0]


def test_noise_makes_no_stable_theme():
    rng = np.random.default_rng(0)
    words = [
        "".join(rng.choice(list("bcdfgklmnprst"), 2).tolist()) + "".join(rng.choice(list("aeiou"), 3).tolist())
        for _ in range(60)
    ]
    texts = [" ".join(rng.choice(words, 4)) for _ in range(150)]
    assert np.median(th.find_themes(texts, themes=6).stability) < th.STABLE


def test_too_few_comments_are_refused():
    with pytest.raises(ModelError, match="of 3 too few do"):
        th.find_themes(["late parcel", "parcel late", "late late parcel"])
    with pytest.raises(ModelError, match="of 0 too few do"):
        th.find_themes([])
    with pytest.raises(ModelError, match="too few do"):
        th.find_themes([chr(0x4E00 + 3 * k) * 2 for k in range(40)])


def test_a_number_of_themes_out_of_range_is_refused():
    with pytest.raises(ParamError, match="themes: is 31; a number from 0 to 30"):
        th.find_themes(["a"], themes=31)


def test_without_the_package_there_is_one_clear_message(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.feature_extraction.text", None)
    with pytest.raises(ModelError, match=r"^themes need scikit-learn, which is not installed: pip install 'crmkit\[text\]'$"):
        th.find_themes(planted()[0])


def test_hostile_comments_are_only_counted():
    texts, _ = planted()
    hostile = ["<script>alert(1)</script>", "=cmd|' /C calc'!A0", "{n}{0.__class__}", "%s%n", "\u202e\x00", "('" * 400, "" * 3]
    assert th.find_themes(texts + hostile).parts.shape[0] == len(texts) + len(hostile)


def test_common_words_and_particles_are_not_counted():
    assert th.grams("and the for") == []
    assert "的客" not in th.grams("你们的客服")
    assert "客服" in th.grams("你们的客服")


def test_comments_without_a_word_are_too_few_however_many_they_are():
    """Forty comments are enough, but not where nearly all of them say nothing."""
    texts = ["late parcel", "late delivery"] * 3 + ["!", "..."] * 40
    with pytest.raises(ModelError, match="comments"):
        th._of_one_script(texts, range(len(texts)), 2)
