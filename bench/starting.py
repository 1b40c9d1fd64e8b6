"""The command line's own start."""

from bench import floors
from bench.figures import Figure

TIMES = 15


def measure() -> list[Figure]:
    floor = [taken * 1000 for taken in floors.interpreters(TIMES, "-c", "pass")]
    figures = []
    for words in (["--version"], ["--help"]):
        taken = [seconds * 1000 for seconds in floors.interpreters(TIMES, "-m", "headrace", *words)]
        figures.append(Figure(f"headrace {words[0]}", taken, floor, "ms", "floor: python -c pass"))
    return figures
