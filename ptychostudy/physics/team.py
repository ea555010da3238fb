"""Threads that work beside the one that asks."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
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

    def map(self, function: Callable[[Item], Made], items: Iterable[Item]) -> Iterator[Made]:
        """Yield what a function makes of each item, in their order.

        One thread makes one after the other as they are asked for. Several make all of them first:
        the one that calls asks for the items, with which the others begin meanwhile. What goes
        wrong with one is raised, once no other is being made any more.

        Parameters
        ----------
        function : callable
            For several threads at once.
        items : iterable
        """
        if self._others is None:
            return map(function, items)
        return iter(self._beside(self._others, function, items))

    @staticmethod
    def _beside(
        others: ThreadPoolExecutor, function: Callable[[Item], Made], items: Iterable[Item]
    ) -> list[Made]:
        begun: list[tuple[Item, Future[Made]]] = []
        made: list[Made] = []
        try:
            for item in items:
                begun.append((item, others.submit(function, item)))
            # From the last one on: the others come from the first.
            for item, future in reversed(begun):
                made.append(function(item) if future.cancel() else future.result())
        except Exception:
            # It holds memory, or what is to be made anew. Whoever stops the program does not wait.
            wait([future for _, future in begun if not future.cancel()])
            raise
        finally:
            for _, future in begun:
                future.cancel()
        return made[::-1]
