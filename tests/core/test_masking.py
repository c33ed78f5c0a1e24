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
    "customer, small": ("greta holmström called twice", "holmström"),
    "customer, capitals": ("GRETA HOLMSTRÖM called", "GRETA"),
    "customer, without the middle": ("so says greta holmström", "greta"),
    "customer, turned by a comma": ("holmström, greta wartet", "greta"),
    "customer, spelled": ("it is h o l m s t r ö m", "s t r"),
    "customer, spelled with dots": ("H-O-L-M-S-T-R-Ö-M here", "S-T-R"),
    "mail, in words": ("write to bob dot stone at posteo dot net", "posteo"),
    "mail, in words, German": ("bob at posteo punkt de", "posteo"),
    "mail, Chinese full stop": ("发到 bob@posteo。cn 谢谢", "posteo"),
    "mail, brackets": ("bob [at] posteo {dot} net", "posteo"),
    "mail, Spanish": ("bob arroba correo punto es", "correo"),
    "numerals": ("打一五九二二三三四四五五吧", "二三三"),
    "numerals, formal": ("卡号陆贰贰伍 捌捌玖玖 零零", "捌捌"),
    "plate, German": ("mein Wagen M-XY 4711 stand da", "4711"),
    "plate, in words": ("licence plate AB12 CDE was towed", "AB12"),
    "plate, French": ("immatriculé AB-123-CD", "AB-123"),
    "plate, Chinese": ("我的车沪A·12B45被拖走", "12B45"),
    "street, German": ("wohne in der Lindenallee 7a", "Lindenallee"),
    "street, German in two words": ("Liefern Sie in die Berliner Straße 118", "Berliner"),
    "street, short": ("Hauptstr. 5 bitte", "Hauptstr"),
    "street, way": ("Birkenweg 12, 80331 München", "Birkenweg"),
    "street, English": ("I live at 221b Baker Street", "Baker"),
    "street, English, small": ("deliver it to 14 elm street please", "elm"),
    "street, American": ("1600 Pennsylvania Ave. is wrong", "Pennsylvania"),
    "street, French": ("au 12 bis, rue de la Paix", "Paix"),
    "street, Spanish": ("vivo en calle de Alcalá 48", "Alcalá"),
    "street, Italian": ("abito in Via Garibaldi, 21", "Garibaldi"),
    "street, Dutch": ("op de Prinsengracht 263", "Prinsengracht"),
    "street, Russian": ("живу на ул. Ленина, д. 10", "Ленина"),
    "street, Polish": ("przy ul. Długa 3", "Długa"),
    "street, Chinese numerals": ("住在人民路二十三号", "二十三"),
    "house, Chinese": ("我家在12栋301室", "301"),
    "handle, Instagram": ("find me on Instagram: greta.h", "greta.h"),
    "handle, Chinese": ("小红书：greta_h", "greta_h"),
    "handle, TikTok": ("tiktok: @gretah88", "gretah"),
    "account": ("GB29 NWBK 6016 1331 9268 19 is mine", "GB29"),
}


@pytest.mark.parametrize(("text", "hidden"), PERSONAL.values(), ids=list(PERSONAL))
def test_what_finds_a_person_is_covered(text, hidden):
    masked = mask_personal([text], names=["Smith Ltd", "王小明", "Greta Holmström", "Holmström Greta"], ids=["a17"])[0]
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
        "2 minute drive, 3 hours on the road, a 5 km road and a 2 way street",
        "on my way home 3 times, the street was closed, 12 streets away",
        "Parkplatz 12 war besetzt, Heimweg 2 Stunden, der Weg 3 km lang",
        "USB-C 3 and PS VR 2 work, A-Z 9, iPhone 15 Pro Max",
        "price at this point it was fine, look at the dot on it",
        "look at point 3 of the list",
        "一二三，七上八下，一九九八年，二〇二五年十二月三十一日",
        "Facebook: nothing works, line: busy again, Instagram is better",
        "V I P and U S A, a b c",
        "register my plate of food, plate is empty",
        "via Amazon 3 days earlier, bought 2 on Main Street",
        "第3栋楼梯坏了",
        "Platz 1 im Ring, 2 Wege zum Ziel",
        "greta was here",
        "12 main reasons to stay, 3 Court cases, 5 Star service",
        "IBAN please, DE is my country",
    ],
)
def test_what_finds_nobody_stays(text):
    assert mask_personal([text], names=["Smith Ltd", "Greta Holmström"], ids=["a17"]) == [text]


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
