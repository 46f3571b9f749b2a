"""Folding and stemming long texts: the time of a text is that of its length.

    python benchmarks/catalogue/texts.py

Prints CPU milliseconds for texts of 64 KB to 4 MB; the figure to keep is the last column, how many
times longer 4 MB take than 64 KB (64 times is linear).
"""

import time
from collections.abc import Callable

from geoguichet.catalogue import text

SIZES = (64_000, 256_000, 1_000_000, 4_000_000)
TEXTS = {
    "French prose": "Qualité de l'eau des forêts communales, relevée à l’échelle du 1:25 000. ",
    "é alone, no space": "é",
    "marks heaped on a letter": "e\u0301\u0327",
    "elisions of odd letters": "l'œuvre d’ß ",
    "half-width Japanese marks": "ｶﾞ",
}
WORK: dict[str, Callable[[str], object]] = {"fold": text.fold, "stems": text.stems}


def milliseconds(work: Callable[[str], object], told: str) -> float:
    """The best of three rounds."""
    rounds = []
    for _round in range(3):
        began = time.process_time()
        work(told)
        rounds.append((time.process_time() - began) * 1000)
    return min(rounds)


def main() -> None:
    print(f"| text | work | {' | '.join(f'{size // 1000} kB' for size in SIZES)} | 4 MB / 64 kB |")
    for name, unit in TEXTS.items():
        for kind, work in WORK.items():
            took = [
                milliseconds(
                    work,
                    (unit * (size // len(unit.encode()) + 1))
                    .encode()[:size]
                    .decode("utf-8", "ignore"),
                )
                for size in SIZES
            ]
            cells = " | ".join(f"{one:.1f}" for one in took)
            print(f"| {name} | {kind} | {cells} | {took[-1] / took[0]:.0f} |")


if __name__ == "__main__":
    main()
