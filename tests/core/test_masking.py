"""Nobody can be found in what is quoted, and what is quoted stays what it was."""

import pytest

from crmkit.core.masking import MASK, mask_personal

PERSONAL = {
    "mail": ("write to anna.adler@example.com please", "anna.adler@example.com"),
    "mail, spelled": ("anna (at) example (dot) com", "anna"),
    "mobile": ("请打我电话 13800138000。", "13800138000"),
    "mobile, full width": ("电话１３８００１３８０００", "１３８"),
    "telephone": ("Call me at +49 30 23125 014.", "23125"),
    "telephone, brackets": ("+49 (0)30-23 12 50", "23 12"),
    "identity number": ("身份证11010519491231002X", "002X"),
    "card": ("card 4111 1111 1111 1111 was charged", "4111"),
    "order": ("order DE-2024-00123 never came", "00123"),
    "handle": ("加我微信号：wangwei88", "wangwei"),
    "handle with digits": ("QQ 12345678 找我", "1234"),
    "at": ("ask @anna_b", "anna_b"),
    "link": ("see https://example.com/u?id=7 now", "example.com"),
    "street": ("我住中山北路12号3楼", "12号"),
    "room": ("1203室太吵", "1203"),
    "title": ("Mrs Jane Doe was rude", "Doe"),
    "title, Chinese": ("陈小明经理态度好", "陈小明"),
    "surname": ("王总，你好", "王"),
    "customer": ("Smith and Sons wait", "Smith"),
    "customer, Chinese": ("我是王小明", "王小明"),
    "customer number": ("number A17 again", "A17"),
}


@pytest.mark.parametrize(("text", "hidden"), PERSONAL.values(), ids=list(PERSONAL))
def test_what_finds_a_person_is_covered(text, hidden):
    masked = mask_personal([text], names=["Smith Ltd", "王小明"], ids=["a17"])[0]
    assert MASK in masked
    assert hidden not in masked


@pytest.mark.parametrize(
    "text",
    [
        "iphone15 works, 100 % of 2025 was fine",
        "客户经理很好，我们公司很满意",
        "高工资，工程师很专业",
        "10.000 Euro are too much",
        "=HYPERLINK(1) {n} <script>alert(1)</script> %s",
        "WeChat is great",
        "Smiths is no name of ours, and a17b no number",
    ],
)
def test_what_finds_nobody_stays(text):
    assert mask_personal([text], names=["Smith Ltd"], ids=["a17"]) == [text]


def test_a_word_that_others_write_small_is_no_name():
    texts = ["Delivery was late", "the delivery came", "no delivery", "my delivery"]
    assert mask_personal(texts, names=["Delivery Hero"]) == texts
    assert mask_personal(texts[:1], names=["Delivery Hero"]) == [f"{MASK} was late"]


def test_a_short_chinese_name_that_is_a_word_is_left_where_many_write_it():
    assert mask_personal(["高兴"] * 3, names=["高兴"]) == ["高兴"] * 3
    assert mask_personal(["高兴来过"], names=["高兴"]) == [f"{MASK}来过"]


def test_what_is_not_seen_is_taken_out_and_lines_become_one():
    assert mask_personal(["a\u202eb\u200bc\x00\nd\u2028e"]) == ["abc d e"]


def test_masks_that_touch_become_one():
    assert mask_personal(["Call 030 2312501 +49 171 5550100 now"]) == [f"Call {MASK} now"]
