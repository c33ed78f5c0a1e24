"""What Papermill finds of the kit by its entry point ``papermill.engine``.

Papermill loads entry points while it is itself being imported, and the engine needs Papermill: this module stands between
them, so that either may be imported first.
"""

from __future__ import annotations

from typing import Any


class KitEngine:
    """The kit's engine, loaded when a notebook is to be run."""

    @classmethod
    def execute_notebook(cls, nb: Any, kernel_name: str, **options: Any) -> Any:
        """Called by Papermill; see :class:`crmkit.report.engine.KitEngine`."""
        from crmkit.report import engine

        return engine.KitEngine.execute_notebook(nb, kernel_name, **options)

    @classmethod
    def nb_kernel_name(cls, nb: Any, name: str | None = None) -> Any:
        """Name of the kernel that a notebook asks for; the engine starts its own."""
        from crmkit.report import engine

        return engine.KitEngine.nb_kernel_name(nb, name)

    @classmethod
    def nb_language(cls, nb: Any, language: str | None = None) -> Any:
        """Language of a notebook's code."""
        from crmkit.report import engine

        return engine.KitEngine.nb_language(nb, language)
