"""A customer list with copies of which every kind is known, for whoever looks for duplicates.

Persons and companies with Chinese and Latin names. One in ten has a copy: 30 % of the copies have two fields changed, 20 %
neither telephone nor e-mail, 15 % a short name or another script, the rest other ways of writing. One in twenty is of another
person with the same name in the same town. Nothing here is used by the kit, and nothing of the kit is used here.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

COPIED, NAMESAKES = 0.10, 0.05
KINDS = {
    "two fields changed": 0.30,
    "no telephone, no e-mail": 0.20,
    "short name or other script": 0.15,
    "other ways of writing": 0.35,
}


def _words(text: str) -> list[str]:
    return text.split()


SURNAMES_ZH = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔"
    "谭陆范汪廖石金贾夏付方邹熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严莫孔向常"
)
SURNAMES_SAID = _words(
    "wang li zhang liu chen yang huang zhao wu zhou xu sun ma zhu hu guo he gao lin luo zheng liang xie song tang xu han "
    "feng deng cao peng zeng xiao tian dong pan yuan cai jiang yu yu du ye cheng wei su lu ding ren lu yao shen zhong jiang "
    "cui tan lu fan wang liao shi jin jia xia fu fang zou xiong bai meng qin qiu hou jiang yin xue yan duan lei long li shi "
    "tao he mao hao gu gong shao wan qin wu qian dai yan mo kong xiang chang"
)
SURNAMES = dict(zip(SURNAMES_ZH, SURNAMES_SAID, strict=True))
GIVEN_ZH = (
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂兰英华玉建国文辉力健世广志义兴良海山仁波宁贵福生龙元全胜学祥才发武"
    "新利清飞彬富顺信子昌成康星光天达安岩中茂进林有坚和彪博诚先敬震振壮会思群豪心邦承乐绍功松善厚庆民友裕河哲江浩亮"
    "政谦亨奇固之轮翰朗伯宏言若鸣朋斌梁栋维启克伦翔旭鹏泽晨辰士以"
)
GIVEN_SAID = _words(
    "wei fang na min jing li qiang lei jun yang yong yan jie juan tao ming chao xiu xia ping gang gui lan ying hua yu jian "
    "guo wen hui li jian shi guang zhi yi xing liang hai shan ren bo ning gui fu sheng long yuan quan sheng xue xiang cai "
    "fa wu xin li qing fei bin fu shun xin zi chang cheng kang xing guang tian da an yan zhong mao jin lin you jian he biao "
    "bo cheng xian jing zhen zhen zhuang hui si qun hao xin bang cheng le shao gong song shan hou qing min you yu he zhe "
    "jiang hao liang zheng qian heng qi gu zhi lun han lang bo hong yan ruo ming peng bin liang dong wei qi ke lun xiang xu "
    "peng ze chen chen shi yi"
)
GIVEN = dict(zip(GIVEN_ZH, GIVEN_SAID, strict=True))
FIRST = _words(
    "James Mary Robert Patricia John Jennifer Michael Linda David Elizabeth William Barbara Richard Susan Joseph Jessica "
    "Thomas Sarah Karen Anna Peter Laura Stefan Petra Andreas Monika Jürgen Sabine Klaus Ursula Pierre Marie Jean Camille "
    "Luca Giulia Marco Sofia Pablo Lucía Carlos Elena Henrik Ingrid Søren Astrid Tomáš Jana Piotr Agnieszka Christopher "
    "Catherine Nicholas Alexandra"
)
LAST = _words(
    "Smith Johnson Williams Brown Jones Garcia Miller Davis Martinez Wilson Anderson Taylor Moore Jackson Martin Lee "
    "Thompson White Harris Clark Lewis Robinson Walker Young Allen King Wright Scott Hill Green Adams Baker Nelson Carter "
    "Mitchell Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Koch Bauer Richter Klein Wolf "
    "Neumann Schwarz Zimmermann Braun Krüger Hofmann Dubois Laurent Lefebvre Moreau Rossi Ferrari Bianchi Romano Fernández "
    "López Sánchez Pérez Hansen Nielsen Novák Kowalski"
)
BEGINS = _words(
    "Berg Stein Wald Linden Rosen Eichen Hart Kirch Brand Fried Gold Silber Hag Ober Unter Neu Alt Lang Kurz Wein Ash Black "
    "Bright Cart Dal El Fair Glen Hal Ken Lock Mar Nor Oak Pem Rad Shel Thorn Under West Wood Bel Cas Dur Fon Gar Mont Per "
    "Rou Sal Vil"
)
ENDS = _words(
    "mann er bach hof berg feld stein hauser meier ner ler müller son ton ley ford worth field well by croft shaw man wick "
    "ham stead ier eau ard in et ette elli ini etti one aro ez ado era oso ski wicz ova ström gren dal sen"
)
TOWNS_ZH = _words("上海 北京 广州 深圳 杭州 成都 南京 武汉 西安 苏州 天津 重庆 青岛 长沙 宁波 无锡 厦门 合肥 福州 济南")
TOWNS = _words("Berlin Hamburg München Köln London Paris Madrid Milano Wien Zürich Amsterdam Bruxelles Lyon Leeds Porto")
TRADES_ZH = _words("科技 贸易 电子 实业 信息技术 生物医药 食品 建筑工程 物流 文化传媒")
MARKS_ZH = "华东盛恒天鑫瑞宏达兴联创新益泰远通力成康宝美佳优合众博智安嘉德隆昌"
TRADES = _words("Systems Logistics Foods Software Textiles Medical Trading Energy Design Machines")
FORMS = ["GmbH", "Ltd", "Inc.", "AG", "S.A.", "Limited", "B.V."]
PROVIDERS = _words("qq.com 163.com gmail.com outlook.com gmx.de web.de foxmail.com yahoo.com 126.com icloud.com")
INDUSTRIES, SIZES = _words("retail manufacturing software health food building transport media"), _words("S M L")
COLUMNS = ["name", "email", "phone", "city", "industry", "size"]


def customers_with_copies(n: int, *, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """About n records in random order, and for each copy whose it is and of which kind.

    Returns
    -------
    customers : DataFrame
        ``customer_id, name, email, phone, city, industry, size``.
    truth : DataFrame
        ``original, copy, kind``, by customer ids.
    """
    rng = np.random.default_rng(seed)
    base = round(n / (1 + COPIED + NAMESAKES))
    people = [_person(rng, at) for at in range(base)]
    others = []
    for at in rng.choice(base, round(base * NAMESAKES), replace=False):
        other = _person(rng, base + len(others))
        script = people[at]["script"]
        others.append(
            {**other, "name": people[at]["name"], "city": people[at]["city"], "script": script, "roman": people[at]["roman"]}
        )
    kinds = rng.choice(list(KINDS), round(base * COPIED), p=list(KINDS.values()))
    chosen = rng.choice(base, len(kinds), replace=False)
    copies = [_copy(rng, people[at], kind) for at, kind in zip(chosen, kinds, strict=True)]
    rows = [*people, *others, *copies]
    order = rng.permutation(len(rows))
    ids = np.empty(len(rows), dtype=object)
    ids[order] = [f"K{place:07d}" for place in range(len(rows))]
    table = pd.DataFrame(rows)[COLUMNS]
    table.insert(0, "customer_id", ids)
    truth = pd.DataFrame({"original": ids[chosen], "copy": ids[len(people) + len(others) :], "kind": kinds})
    return table.iloc[order].reset_index(drop=True), truth


def _often(rng: np.random.Generator, words: str | list[str]) -> str:
    """One of the words; the first are the most frequent."""
    place = int(len(words) * rng.random() ** 1.4)
    return words[place]


def _person(rng: np.random.Generator, at: int) -> dict[str, object]:
    chinese, company = rng.random() < 0.65, rng.random() < 0.25
    if chinese and company:
        mark = "".join(rng.choice(list(MARKS_ZH), 3))
        town, trade = _often(rng, TOWNS_ZH), _often(rng, TRADES_ZH)
        name, short, roman = f"{town}{mark}{trade}有限公司", f"{mark}{trade}", f"{mark}"
        local = f"info{at}"
    elif chinese:
        surname, town = _often(rng, list(SURNAMES)), _often(rng, TOWNS_ZH)
        given = [_often(rng, list(GIVEN)) for _ in range(1 if rng.random() < 0.1 else 2)]
        name, short = surname + "".join(given), surname + given[-1]
        roman = f"{''.join(GIVEN[one] for one in given).title()} {SURNAMES[surname].title()}"
        local = f"{SURNAMES[surname]}{''.join(GIVEN[one] for one in given)}{rng.integers(10, 9999)}"
    elif company:
        word = f"{_often(rng, LAST)} {_often(rng, BEGINS)}{_often(rng, ENDS)}"
        town, trade = _often(rng, TOWNS), _often(rng, TRADES)
        name, short, roman = f"{word} {trade} {_often(rng, FORMS)}", f"{word} {trade}", f"{word}"
        local = f"office{at}"
    else:
        first, town = _often(rng, FIRST), _often(rng, TOWNS)
        last = _often(rng, LAST) if rng.random() < 0.3 else _often(rng, BEGINS) + _often(rng, ENDS)
        middle = f" {chr(65 + int(rng.integers(26)))}." if rng.random() < 0.25 else ""
        name, short, roman = f"{first}{middle} {last}", f"{first[0]}. {last}", f"{last}, {first}"
        local = f"{first}.{last}{rng.integers(1, 999)}"
    local = local.lower().encode("ascii", "ignore").decode()
    number = (
        f"1{rng.choice(list('35789'))}{rng.integers(10**9):09d}"
        if chinese
        else f"0{rng.integers(15, 99)}{rng.integers(10**7):07d}"
    )
    return {
        "name": name,
        "short": short,
        "roman": roman,
        "script": "han" if chinese else "latin",
        "company": company,
        "city": town,
        "email": f"{local}@{_often(rng, PROVIDERS)}" if rng.random() < 0.9 else None,
        "phone": number if rng.random() < 0.92 else None,
        "industry": rng.choice(INDUSTRIES) if rng.random() < 0.9 else None,
        "size": rng.choice(SIZES, p=[0.6, 0.3, 0.1]) if rng.random() < 0.8 else None,
    }


def _copy(rng: np.random.Generator, person: dict[str, object], kind: str) -> dict[str, object]:
    copy = dict(person)
    for name in ("industry", "size"):
        if rng.random() < 0.15:
            copy[name] = rng.choice(INDUSTRIES if name == "industry" else SIZES) if rng.random() < 0.4 else None
    if kind == "two fields changed":
        for name in rng.choice(["name", "email", "phone", "city"], 2, replace=False):
            copy[name] = _changed(rng, copy, name)
    elif kind == "no telephone, no e-mail":
        copy["email"] = copy["phone"] = None
    elif kind == "short name or other script":
        copy["name"] = copy["short"] if rng.random() < 0.5 else copy["roman"]
    copy["name"], copy["email"], copy["phone"] = (_written(rng, copy, name) for name in ("name", "email", "phone"))
    return copy


def _changed(rng: np.random.Generator, row: dict[str, object], name: str) -> object:
    """A slip of the pen, or another value: people move, and change their numbers and addresses."""
    value = str(row[name]) if row[name] is not None else None
    if name == "city" or value is None:
        return _often(rng, TOWNS_ZH if row["script"] == "han" else TOWNS) if name == "city" else value
    if name == "name":
        return _slip(rng, value, "".join(GIVEN) if row["script"] == "han" else "aeinorstlm")
    local, _, provider = value.partition("@")
    if name == "email":
        draw = rng.random()
        if draw < 0.4:
            return f"{_slip(rng, local, 'aeinorst0123456789')}@{provider}"
        return f"{local}@{_often(rng, PROVIDERS)}" if draw < 0.7 else f"user{rng.integers(10**8)}@{_often(rng, PROVIDERS)}"
    if rng.random() < 0.5:
        at = int(rng.integers(3, len(value)))
        return value[:at] + str(rng.integers(10)) + value[at + 1 :]
    return value[:3] + f"{rng.integers(10 ** (len(value) - 3)):0{len(value) - 3}d}"


def _slip(rng: np.random.Generator, text: str, letters: str) -> str:
    at = int(rng.integers(1, len(text))) if len(text) > 1 else 0
    other = letters[int(rng.integers(len(letters)))]
    draw = rng.random()
    if draw < 0.4 or len(text) < 4:
        return text[:at] + other + text[at + 1 :]
    if draw < 0.6:
        return text[:at] + text[at + 1 :]
    if draw < 0.8:
        return text[:at] + other + text[at:]
    return text[: at - 1] + text[at] + text[at - 1] + text[at + 1 :]


def _written(rng: np.random.Generator, row: dict[str, object], name: str) -> object:
    """The same as another system writes it."""
    value = row[name]
    if value is None or rng.random() < 0.4:
        return value
    text = str(value)
    if name == "email":
        return text.title() if rng.random() < 0.5 else f" {text.upper()} "
    if name == "phone":
        wide = str.maketrans("0123456789", "０１２３４５６７８９")
        ways = [f"{text[:3]} {text[3:7]} {text[7:]}", f"{text[:3]}-{text[3:]}", text.translate(wide)]
        ways.append(f"+86 {text}" if row["script"] == "han" else f"({text[:3]}) {text[3:]}")
        return ways[int(rng.integers(len(ways)))]
    if row["script"] == "han":
        return " ".join(text) if len(text) < 4 and rng.random() < 0.5 else f"{text} "
    return text.upper() if rng.random() < 0.5 else text.replace(" ", "  ")
