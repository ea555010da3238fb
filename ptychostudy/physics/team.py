"""Threads that work beside the one that asks."""

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Made = TypeVar("Made")


class Team:
    """So many threads, the one that asks among them.

    To wake a thread and to wait for one takes as long as some frames do: whoever asks works, too.

    Parameters
    ----------
    threads : int
        One or more.
    """

    def __init__(self, threads: int) -> None:
        self._others = ThreadPoolExecutor(threads - 1) if threads > 1 else None

    def map(self, function: Callable[[Item], Made], items: Iterable[Item]) -> list[Made]:
        """Return what a function makes of each item, in their order.

        The items are asked for one after the other by the thread that calls; the others begin with
        the first of them meanwhile. What goes wrong with one is raised.

        Parameters
        ----------
        function : callable
            For several threads at once.
        items : iterable
        """
        if self._others is None:
            return [function(item) for item in items]
        begun: list[tuple[Item, Future[Made]]] = []
        made: list[Made] = []
        try:
            for item in items:
                begun.append((item, self._others.submit(function, item)))
            # From the last one on: the others come from the first.
            for item, future in reversed(begun):
                made.append(function(item) if future.cancel() else future.result())
        finally:
            for _, future in begun:
                future.cancel()
        return made[::-1]
