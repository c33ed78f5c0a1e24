"""In which order, and how many at once? Each task after those it needs, the first declared first.

Stands alone: it orders any tasks and knows no notebook.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

Key = TypeVar("Key")
Result = TypeVar("Result")


def in_order(
    needs: Mapping[Key, Sequence[Key]], work: Callable[[Key], Result], *, jobs: int, stop: threading.Event
) -> Iterator[Result]:
    """Do all tasks, each when those that it needs are done, and give each result as soon as it is there.

    Parameters
    ----------
    needs : mapping
        Task -> tasks that must be done before, in the order in which they are wanted; what is no task itself is taken as done.
    work : callable
        Does one task; runs in a thread.
    jobs : int
        How many may run at once.
    stop : Event
        Is set when this is interrupted or a task raises, so that running tasks can end; what they raise then is not shown.

    Examples
    --------
    >>> list(in_order({"b": ["a"], "a": [], "c": []}, str.upper, jobs=1, stop=threading.Event()))
    ['A', 'B', 'C']
    """
    waiting = dict(needs)
    running: dict[Future[Result], Key] = {}
    with ThreadPoolExecutor(jobs, thread_name_prefix="notebook") as pool:
        try:
            while waiting or running:
                busy = {*waiting, *running.values()}
                for key in [one for one in waiting if not busy.intersection(waiting[one])][: jobs - len(running)]:
                    del waiting[key]
                    running[pool.submit(work, key)] = key
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    del running[future]
                    yield future.result()
        except BaseException:
            stop.set()
            raise
