"""Make the next parts of a stream while the last ones are being used."""

import threading
from collections.abc import Iterable, Iterator
from queue import Queue
from typing import TypeVar

Part = TypeVar("Part")
DEPTH = 8


def ahead(parts: Iterable[Part], depth: int = DEPTH) -> Iterator[Part]:
    """Yield *parts*, at most *depth* of which a thread makes beforehand.

    An error in making them is raised here, in its place.
    """
    queue: Queue[Part | BaseException | None] = Queue(depth)
    stopped = threading.Event()

    def make() -> None:
        try:
            for part in parts:
                if stopped.is_set():
                    return
                queue.put(part)
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
            while not queue.empty():
                queue.get_nowait()
            thread.join(timeout=0.05)
