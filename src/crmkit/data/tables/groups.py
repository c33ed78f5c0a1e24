"""Under which names does a reader see the columns that split customers?"""

import re

from crmkit.core.language import mark, translate
from crmkit.core.masking import CHINESE

GROUP_NAMES = {
    "plan": mark("Plan"),
    "size": mark("Size"),
    "region": mark("Region"),
    "industry": mark("Industry"),
    "acquisition_channel": mark("Acquisition channel"),
    "department": mark("Department"),
}
NOT_KNOWN, OTHERS = mark("not known"), mark("other")


def group_name(column: str, language: str) -> str:
    """The name of a column in the words of a language; a column of the client's own keeps its name.

    Examples
    --------
    >>> group_name("acquisition_channel", "en"), group_name("tarif", "en")
    ('Acquisition channel', 'tarif')
    """
    return translate(GROUP_NAMES.get(column, column), language)


def level_name(group: str, level: str) -> str:
    """A level with its group before it: two groups may have levels of one name. The colon is that of the group's language.

    Examples
    --------
    >>> level_name("Region", "North"), level_name("地区", "North")
    ('Region: North', '地区：North')
    """
    return f"{group}{'：' if re.search(f'[{CHINESE}]', group) else ': '}{level}"
