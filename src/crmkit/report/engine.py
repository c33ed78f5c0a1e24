"""How a notebook is executed: a Papermill engine that checks parameters and gives each notebook a fresh kernel of its own.

Papermill finds it by its entry point, so ``papermill --engine crmkit notebooks/churn.ipynb out.ipynb -f params/acme.yml``
runs the notebook with the same values as ``crmkit run acme --only churn``.
"""

from __future__ import annotations

import math
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, papermill_engines
from papermill.translators import translate_parameters

from crmkit.core.settings import HOME_VARIABLE, find_home
from crmkit.report.params import flatten_nested

ENGINE = "crmkit"
INJECTED_TAG = "injected-parameters"
INLINE = "module://matplotlib_inline.backend_inline"
# Without the history database a kernel starts faster, and nothing that was run is kept outside the report.
KERNEL_COMMAND = ["-m", "ipykernel_launcher", "-f", "{connection_file}", "--HistoryManager.enabled=False"]


class OwnKernel(AsyncKernelManager):  # type: ignore[misc]
    """A kernel run by the interpreter of this process, whichever kernels are installed besides.

    It is spoken to through sockets in a private folder: no port that another user could listen at or another run could take.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if sys.platform != "win32":
            self.sockets = tempfile.TemporaryDirectory(prefix="crmkit-")
            self.transport, self.ip = "ipc", f"{self.sockets.name}/k"

    async def _async_cleanup_resources(self, restart: bool = False) -> None:
        await super()._async_cleanup_resources(restart=restart)
        if not restart and hasattr(self, "sockets"):
            self.sockets.cleanup()

    cleanup_resources = _async_cleanup_resources

    @property
    def kernel_spec(self) -> KernelSpec:
        return KernelSpec(argv=[sys.executable, *KERNEL_COMMAND], display_name="Python 3", language="python")


class KitEngine(NBClientEngine):  # type: ignore[misc]
    """Executes a notebook in an own kernel; see :func:`kernel_environment` for what the kernel gets to know."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,
        *,
        checked: bool = False,
        watch: Callable[[Any], None] | None = None,
        on_cell: Callable[[int], None] | None = None,
        kernel_cwd: Path | None = None,
        kernel_env: Mapping[str, str] | None = None,
        start_timeout: int = 60,
        execution_timeout: float | None = None,
        **_: Any,
    ) -> None:
        """Called by Papermill.

        Parameters
        ----------
        checked : bool
            Whether the parameters were checked and flattened already, as ``crmkit run`` does.
        watch : callable or None
            Is handed Papermill's manager, whose ``nb`` holds the outputs made so far, whatever happens.
        on_cell : callable or None
            Is told the number of each cell before it runs.
        kernel_cwd, kernel_env : Path, mapping or None
            Working folder and environment of the kernel; default: the project, and :func:`kernel_environment`.
        start_timeout, execution_timeout : seconds
            For the kernel to start, and for each cell; None = no limit.
        """
        home = kernel_cwd or find_home()
        if not checked:
            _flatten_in_place(nb_man.nb, home)
        if watch is not None:
            watch(nb_man)
        client = PapermillNotebookClient(
            nb_man,
            kernel_name=kernel_name,
            kernel_manager_class=OwnKernel,
            startup_timeout=start_timeout,
            timeout=None if execution_timeout is None else math.ceil(execution_timeout),
            on_cell_start=(lambda cell, cell_index: on_cell(cell_index)) if on_cell else None,
            shutdown_kernel="immediate",
        )
        environment = dict(kernel_env or kernel_environment(home))
        client.execute(cwd=str(home), env=environment)


def kernel_environment(home: Path, *, out: Path | None = None) -> dict[str, str]:
    """Environment of a kernel: this one, the project, where to write, and figures that are shown.

    Where ``MPLBACKEND`` names a backend that shows nothing, as is usual on build servers, a notebook would lose every figure
    in silence; the kernel is given the one that puts them into the notebook.
    """
    own = {HOME_VARIABLE: str(home), "MPLBACKEND": INLINE}
    return {**os.environ, **own, **({"CRMKIT_OUT": str(out)} if out else {})}


def _flatten_in_place(nb: Any, home: Path) -> None:
    """Put checked, flat parameters in the place of what Papermill was handed and has injected."""
    analysis = nb.metadata.get("crmkit", {}).get("analysis")
    injected = [cell for cell in nb.cells if INJECTED_TAG in cell.metadata.get("tags", ())]
    if not analysis or not injected:
        return
    flat = flatten_nested(dict(nb.metadata.papermill["parameters"]), analysis, home=home)
    injected[0].source = translate_parameters("python3", "python", dict(flat.values), "Parameters")
    nb.metadata.papermill["parameters"] = dict(flat.values)


papermill_engines.register(ENGINE, KitEngine)
