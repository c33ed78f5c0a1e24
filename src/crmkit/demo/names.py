"""Who are the customers of a company that does not exist? Names from two parts, half of them Chinese, half Western."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FAMILY_ZH = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧"
GIVEN_ZH = (
    "伟 芳 娜 敏 静 丽 强 磊 军 洋 勇 艳 杰 娟 涛 明 超 秀英 霞 平 刚 桂英 文 建华 建国 志强 雪 晨 "
    "雨桐 子涵 浩然 欣怡 宇轩 梓萱 一诺 思远"
)
FAMILY = (
    "Adler Bauer Becker Brown Clarke Costa Dubois Evans Fischer Garcia Hansen Hughes Jensen Keller Kowalski "
    "Lambert Lopez Maier Moreau Murphy Novak Petit Rossi Schmidt Silva Taylor Vogel Weber Wilson Wolf"
)
GIVEN = (
    "Anna Ben Carla David Emma Felix Greta Hugo Ines Jonas Klara Leo Marie Nils Olga Paul Rosa Simon Tara Uwe "
    "Vera Willem Yara Zoe"
)


def draw_names(rng: np.random.Generator, n: int) -> NDArray[np.object_]:
    """Names of customers; many are borne by more than one, as in life."""
    chinese = rng.random(n) < 0.5
    family_zh, given_zh = np.array(list(FAMILY_ZH), dtype=object), np.array(GIVEN_ZH.split(), dtype=object)
    family, given = np.array(FAMILY.split(), dtype=object), np.array(GIVEN.split(), dtype=object)
    in_chinese = family_zh[rng.integers(len(family_zh), size=n)] + given_zh[rng.integers(len(given_zh), size=n)]
    in_latin = given[rng.integers(len(given), size=n)] + " " + family[rng.integers(len(family), size=n)]
    return np.asarray(np.where(chinese, in_chinese, in_latin))
