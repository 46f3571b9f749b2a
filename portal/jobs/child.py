"""The program that answers questions for a worker: ``python -m geoguichet.portal.jobs.child WORKSPACE``.

It reads a question a line on its standard input, and writes lines of JSON: each step, then how it ended;
an answer's bytes follow theirs. It ends when its standard input closes: it never outlives its worker,
which kills it when a job is dismissed or takes too much.
"""

import json
import os
import sys
import threading
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any

from geoguichet.floor.errors import GeoguichetError
from geoguichet.floor.words import _, speaking
from geoguichet.portal.jobs.answering import answer
from geoguichet.portal.jobs.contract import Question, Result
from geoguichet.portal.jobs.grounds import Ground


def main(workspace: Path) -> None:
    """Answer questions until there are none."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    asked: SimpleQueue[str] = SimpleQueue()
    threading.Thread(target=_listen, args=(asked,), daemon=True).start()
    if (workspace / "types.toml").is_file():
        from geoguichet.referentials.directory.services import add_types

        add_types(workspace / "types.toml")
    while True:
        told = json.loads(asked.get())
        _limit(told["memory"])
        _answer(Question.from_json(told["question"]), Ground.of(workspace), out)


# Hand lines over; the end of the input is the end of all.
def _listen(asked: "SimpleQueue[str]") -> None:
    for line in sys.stdin:
        asked.put(line)
    os._exit(0)


# Bound the memory of this process; where the system has no such bound, there is none.
def _limit(memory: int) -> None:
    if sys.platform == "linux":
        import resource

        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        resource.setrlimit(resource.RLIMIT_DATA, (memory, hard))


def _answer(question: Question, ground: Ground, out: IO[bytes]) -> None:
    def tell(**told: Any) -> None:
        out.write(json.dumps(told).encode() + b"\n")
        out.flush()

    def ended(state: str, message: str = "", result: Result | None = None) -> None:
        result = result or Result("", b"")
        tell(ended=state, message=message, media=result.media, size=len(result.body))
        out.write(result.body)
        out.flush()

    with speaking(question.language):
        try:
            result = answer(
                question, ground, lambda progress, said: tell(progress=progress, said=said)
            )
        except GeoguichetError as error:
            ended("failed", ground.bare(str(error)))
        except MemoryError:
            ended("failed", _("Ce calcul demande plus de mémoire qu'il n'est permis."))
        else:
            ended("successful", result=result)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
