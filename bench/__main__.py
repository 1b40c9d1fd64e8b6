"""`python -m bench [NAME…]`: every measurement, or those named."""

import importlib
import os
import platform
import sys

ALL = ["starting", "moving", "many", "restarting", "scheduling", "serving", "logs", "handover", "steps"]


def main(names: list[str]) -> None:
    os.environ["PYTHONDONTWRITEBYTECODE"] = (
        ""  # what is started imports what was compiled before, as an installed one does
    )
    print(f"python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}; medians (from to)")
    for name in names or ALL:
        for figure in importlib.import_module(f"bench.{name}").measure():
            print(figure.line(), flush=True)


main(sys.argv[1:])
