"""The command line under a clock that somebody else sets: `jumping.py FILE words of the command line …`.

FILE says by how many seconds the clock is wrong, and may be written anew at any time. Only what asks `clock.now` is
told the wrong time, and nothing asks anywhere else; clocks that cannot be set are right.
"""

import sys
from datetime import datetime, timedelta
from pathlib import Path

from headrace import cli, clock

if __name__ == "__main__":
    error, true = Path(sys.argv[1]), clock.now

    def now() -> datetime:
        return true() + timedelta(seconds=float(error.read_text()))

    clock.now = now
    sys.argv[1:] = sys.argv[2:]
    sys.exit(cli.main())
