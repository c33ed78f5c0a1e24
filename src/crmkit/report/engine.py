"""How a notebook is executed: a Papermill engine that checks parameters and gives each notebook a fresh kernel of its own.

Papermill finds it by its entry point, so ``papermill --engine crmkit notebooks/churn.ipynb out.ipynb -f params/acme.yml``
runs the notebook with the same values as ``crmkit run acme --only churn``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from papermill.engines import NBClientEngine, papermill_engines
from papermill.translators import translate_parameters

from crmkit.core.settings import HOME_VARIABLE, find_home
from crmkit.report.kernels.client import KernelClient
from crmkit.report.kernels.managers import ForkedKernel, OwnKernel
from crmkit.report.kernels.pool import ONE_THREAD, KernelServer, Session, can_fork
from crmkit.report.params.flatten import flatten_nested

ENGINE = "crmkit"
INJECTED_TAG = "injected-parameters"
INLINE = "module://matplotlib_inline.backend_inline"
# a forked kernel answers in a fraction of a second; one that is silent for so long has inherited a lock that nobody frees
FORK_TIMEOUT = 10.0


class KitEngine(NBClientEngine):  # type: ignore[misc]
    """Executes a notebook in an own kernel; see :func:`kernel_environment` for what the kernel gets to know."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,
        *,
        session: Session | None = None,
        start_timeout: float = 60,
        execution_timeout: float | None = None,
        **_: Any,
    ) -> None:
        """Called by Papermill.

        Parameters
        ----------
        session : Session or None
            How ``crmkit run`` wants it, with parameters that were checked; it learns what happens. None = Papermill was
            started by itself: the parameters are checked here, and the kernel forked from a server of its own.
        start_timeout, execution_timeout : seconds
            For a cold kernel to start, and for each cell where there is no session; None = no limit.
        """
        if session is not None:
            _execute(nb_man, session, start_timeout)
            return
        home = find_home()
        environment = {**kernel_environment(home), **_flatten_in_place(nb_man.nb, home)}
        own = Session(home, environment, cell_limit=execution_timeout)
        if not can_fork():
            _execute(nb_man, own, start_timeout)
            return
        with KernelServer([str(nb_man.nb.metadata.get("crmkit", {}).get("analysis", ""))]) as own.server:
            _execute(nb_man, own, start_timeout)


def kernel_environment(home: Path, *, out: Path | None = None) -> dict[str, str]:
    """Environment of a kernel: this one, the project, where to write, figures that are shown, and one thread of BLAS.

    Where ``MPLBACKEND`` names a backend that shows nothing, as is usual on build servers, a notebook would lose every figure
    in silence; the kernel is given the one that puts them into the notebook. Sums over several threads differ in the last
    digits from run to run.
    """
    own = {HOME_VARIABLE: str(home), "MPLBACKEND": INLINE, **ONE_THREAD}
    return {**os.environ, **own, **({"CRMKIT_OUT": str(out)} if out else {})}


def _execute(nb_man: Any, session: Session, start_timeout: float) -> None:
    session.nb = nb_man.nb
    client = _started(nb_man, session, start_timeout)
    try:
        client.execute(cleanup_kc=False)
    finally:
        session.nb = nb_man.nb
        client.end()


def _started(nb_man: Any, session: Session, start_timeout: float) -> KernelClient:
    """A kernel that answers: forked where that is possible; one that does not start is tried once more, cold."""
    tries = _tries(session, start_timeout)
    manager, timeout = next(tries)
    client = KernelClient(nb_man, manager, session=session, startup_timeout=timeout)
    try:
        client.start()
    except RuntimeError as err:
        if session.stop.is_set():
            raise
        session.not_forked = str(err)
        manager, timeout = next(tries)
        client = KernelClient(nb_man, manager, session=session, startup_timeout=timeout)
        client.start()
    session.kernel = "forked" if isinstance(manager, ForkedKernel) else "cold"
    return client


def _tries(session: Session, start_timeout: float) -> Iterator[tuple[OwnKernel, float]]:
    if session.server is not None and session.server.alive:
        yield ForkedKernel(session.server), FORK_TIMEOUT
    else:
        yield OwnKernel(), start_timeout
    yield OwnKernel(), start_timeout


def _flatten_in_place(nb: Any, home: Path) -> dict[str, str]:
    """Put checked, flat parameters in the place of what Papermill was handed and has injected; gives what tells origins."""
    analysis = nb.metadata.get("crmkit", {}).get("analysis")
    injected = [cell for cell in nb.cells if INJECTED_TAG in cell.metadata.get("tags", ())]
    if not analysis or not injected:
        return {}
    flat = flatten_nested(dict(nb.metadata.papermill["parameters"]), analysis, home=home)
    injected[0].source = translate_parameters("python3", "python", dict(flat.values), "Parameters")
    nb.metadata.papermill["parameters"] = dict(flat.values)
    return flat.handed_over()


papermill_engines.register(ENGINE, KitEngine)
