"""What a process does with itself: what it imports it keeps, and it ends with the one that began it."""

import gc
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def importing(name: str) -> Iterator[None]:
    """Import a module, and those that it needs, meanwhile, without the collector of garbage: what is
    imported stays, and no collection need look at it again. Nothing is done the second time.
    """
    if name in sys.modules or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()


def end_with_parent() -> None:
    """Have this process told to end (SIGTERM) once the one that began it, by multiprocessing, has
    ended, however that ended.
    """
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    import multiprocessing  # a study needs none of it

    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
