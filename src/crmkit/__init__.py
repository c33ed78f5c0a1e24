"""crmkit: how satisfied are our customers, who is about to leave, what is each worth, and what to do about it.

Two names open a notebook: :func:`open_client` gives one client's checked data, :func:`open_page` the page that results are
shown on. Both are loaded on first use, so that ``import crmkit`` stays cheap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crmkit.data.client import Client
    from crmkit.report.page.page import Page, open_client, open_page

__version__ = "0.1.0"
__all__ = ["Client", "Page", "__version__", "open_client", "open_page"]


def __getattr__(name: str) -> Any:
    if name == "Client":
        from crmkit.data import client

        return client.Client
    if name in ("open_client", "open_page", "Page"):
        from crmkit.report.page import page

        return getattr(page, name)
    raise AttributeError(f"module 'crmkit' has no attribute {name!r}")
