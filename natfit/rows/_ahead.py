"""Items of an iterator, which one thread makes ahead of their use."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterator
from typing import Any

#: Items that wait at most, seconds after which a waiting thread looks whether it is still wanted,
#: and seconds for which the end of a pass waits for a thread that is reading.
_AHEAD, _LOOK, _END_OF_PASS = 2, 0.1, 1.0

_END = object()


def ahead(make: Callable[[], Iterator[Any]]) -> Generator[Any]:
    """Yield the items of an iterator that is made and read in a thread of its own.

    The thread ends with the iterator, with its first error, which is raised here, and when this
    generator is closed, as it is where a pass ends early.

    Parameters
    ----------
    make : callable
        Returns the iterator; it is called in the thread.

    Yields
    ------
    object
        At most two items wait, and one is being made.
    """
    items: queue.Queue[Any] = queue.Queue(_AHEAD)
    closed = threading.Event()
    thread = threading.Thread(target=_read, args=(make, items, closed), daemon=True)
    thread.name = "natfit-ahead"
    thread.start()
    try:
        while True:
            item, error = items.get()
            if error is not None:
                raise error
            if item is _END:
                return
            yield item
            # The item is not held while the next one is waited for.
            del item
    finally:
        closed.set()
        # A thread that waits for a slow disk ends when it has read; Ctrl-C does not wait for it.
        thread.join(_END_OF_PASS)


def _read(
    make: Callable[[], Iterator[Any]], items: queue.Queue[Any], closed: threading.Event
) -> None:
    """Put the items, and what ends them, into a queue until it is closed."""
    try:
        for item in make():
            if not _put(items, (item, None), closed):
                return
            del item
        _put(items, (_END, None), closed)
    except BaseException as error:
        _put(items, (None, error), closed)


def _put(items: queue.Queue[Any], item: Any, closed: threading.Event) -> bool:
    """Put an item as soon as there is room; False if nobody wants it any more."""
    while not closed.is_set():
        try:
            items.put(item, timeout=_LOOK)
            return True
        except queue.Full:
            continue
    return False
