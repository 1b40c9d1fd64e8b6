"""The warden: the supervisor's parent, which does nothing until the supervisor is gone.

Whatever a worker started belongs to the supervisor once its worker dies. Should the supervisor itself be killed, all
of it falls to the warden, which ends it and leaves: so nothing survives, and whoever waits for the warden knows that
nothing does. It is started as `python -m headrace.worker.warden ENGINE KEPT BOUNDS`: one end of a socket to the engine,
one end of a socket that nobody reads, and the bounds as JSON.

A file that the engine sends over the second socket stays in it, open, until both warden and supervisor are gone, which
are the only ones to have this end. So a lock on that file is free once nothing that the engine had started is left.
"""

import os
import signal
import sys
import traceback

from headrace.worker import processes

STUBBORN = 60.0  # seconds that a process which cannot be killed is waited for


def main(engine: int, _kept: int, bounds: str) -> None:
    """Starts the supervisor and waits for its end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    processes.name("headrace-warden")
    processes.adopt_orphans()
    warden = os.getpid()
    supervisor = os.fork()
    if supervisor == 0:
        _supervise(engine, bounds, warden)
    os.close(engine)  # the other socket stays open

    def pass_on(number: int, _: object) -> None:
        os.kill(supervisor, number)

    signal.signal(signal.SIGTERM, pass_on)
    os.waitpid(supervisor, 0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    processes.end_children(STUBBORN)


def _supervise(engine: int, bounds: str, warden: int) -> None:
    try:
        from headrace.worker import supervisor  # only here, so that the warden stays small

        processes.die_with(warden, signal.SIGTERM)
        supervisor.main(engine, bounds)
    except SystemExit:
        pass  # the warden is gone already
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
