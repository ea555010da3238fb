"""Work shared by threads, whose results come in the order of what was asked."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Asked = TypeVar("Asked")
Done = TypeVar("Done")


def in_order(
    function: Callable[[Asked], Done], items: Iterable[Asked], threads: int
) -> Iterator[Done]:
    """Yield what a function makes of each item, as ``map`` does; some items ahead are in work.

    Sums of what is yielded have the same bits for any number of threads. Arithmetic of NumPy and
    SciPy lets go of the interpreter, so threads do share it.

    Parameters
    ----------
    function : callable
        Of one item; it must bear to be called by several threads.
    items : iterable
        Taken one by one by the caller's own thread.
    threads : int
        With one, none is started.
    """
    if threads == 1:
        yield from map(function, items)
        return
    waiting: deque[Future[Done]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for item in items:
            waiting.append(pool.submit(function, item))
            # As many more as threads: enough that none waits, and few results stand in memory.
            if len(waiting) > 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
