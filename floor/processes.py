"""What a process that another began does when that one is gone."""

import multiprocessing
import os
import signal
import threading


def end_with_parent() -> None:
    """Have this process told to end (SIGTERM) once the one that began it, by multiprocessing, has
    ended, however that ended.
    """
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
