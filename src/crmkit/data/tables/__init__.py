"""Which tables does the kit know, and what must hold in each of their columns?

One declaration per table: the checks of :mod:`crmkit.data.tables.check`, the way text is read and the data dictionary in
``data/README.md`` all come from it. A new table is one more entry.
"""

from crmkit.data.tables.business import BUSINESS
from crmkit.data.tables.contract import CUSTOMER_IDS, Column, Kind, TableContract
from crmkit.data.tables.organisation import ORGANISATION
from crmkit.data.tables.service import SERVICE

__all__ = ["CUSTOMER_IDS", "MAIN_TABLE", "TABLES", "Column", "Kind", "TableContract"]

TABLES: dict[str, TableContract] = BUSINESS | SERVICE | ORGANISATION
MAIN_TABLE = "transactions"
