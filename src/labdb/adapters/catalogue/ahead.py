"""Make the next parts of a stream while the last ones are being used."""

import threading
from collections.abc import Callable, Generator, Iterable
from queue import Queue
from typing import TypeVar

Part = TypeVar("Part")
DEPTH = 8


def ahead(
    parts: Iterable[Part], depth: int = DEPTH, drop: Callable[[Part], None] | None = None
) -> Generator[Part, None, None]:
    """Yield *parts*, at most *depth* of which a thread makes beforehand.

    An error in making them is raised here, in its place. *drop* gets each part that was made and
    is not wanted any more, because the generator was closed.
    """
    queue: Queue[Part | BaseException | None] = Queue(depth)
    stopped = threading.Event()

    def make() -> None:
        try:
            for part in parts:
                queue.put(part)
                if stopped.is_set():
                    return
            queue.put(None)
        except BaseException as error:  # noqa: BLE001 - raised again where the parts are used
            queue.put(error)

    thread = threading.Thread(target=make, name="encoder", daemon=True)
    thread.start()
    try:
        while (part := queue.get()) is not None:
            if isinstance(part, BaseException):
                raise part
            yield part
    finally:
        stopped.set()
        while thread.is_alive():
            _empty(queue, drop)
            thread.join(timeout=0.05)
        _empty(queue, drop)


def _empty(
    queue: "Queue[Part | BaseException | None]", drop: Callable[[Part], None] | None
) -> None:
    while not queue.empty():
        part = queue.get_nowait()
        if drop is not None and part is not None and not isinstance(part, BaseException):
            drop(part)
