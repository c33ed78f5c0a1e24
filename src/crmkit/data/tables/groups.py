"""Under which names does a reader see the columns that split customers?"""

from crmkit.core.language import mark, translate

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
