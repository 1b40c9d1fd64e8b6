"""The bell of a PostgreSQL database: NOTIFY on one channel. A notice says where to look, and nothing else."""

import os
import selectors
import threading
from collections.abc import Callable, Iterable
from typing import Any

import psycopg

from headrace.store.database import About

CHANNEL = "headrace"
PING = 30.0  # seconds without a notice after which the connection is tried
FIRST_WAIT, LONGEST_WAIT = 0.1, 5.0  # seconds between attempts to connect again


class Listener:
    """Calls `wake` in a thread of its own whenever somebody rang, until it is closed.

    It connects again by itself, and calls then too: what rang meanwhile was not heard.
    """

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]], wake: Callable[[About], None]) -> None:
        self._connect = connect
        self._wake = wake
        self._closing = os.eventfd(0, os.EFD_CLOEXEC)
        self._closed = False
        self._thread = threading.Thread(target=self._live, name="bell", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closed = True
        os.eventfd_write(self._closing, 1)
        self._thread.join()
        os.close(self._closing)

    def _live(self) -> None:
        wait = FIRST_WAIT
        while not self._closed:
            try:
                with self._connect() as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    wait = FIRST_WAIT
                    self._hear(connection)
            except psycopg.Error:
                self._rest(wait)
                wait = min(2 * wait, LONGEST_WAIT)

    def _hear(self, connection: psycopg.Connection[Any]) -> None:
        """Wakes once for what may have rung before, and then for whatever rings."""
        self._wake_for(About)
        while not self._closed:
            if self._rest(PING, connection):
                said = {each.payload for each in connection.notifies(timeout=0)}
                self._wake_for(about for about in About if about.value in said)
            elif not self._closed:
                connection.execute("SELECT 1")

    def _wake_for(self, rung: Iterable[About]) -> None:
        for about in rung:
            if not self._closed:
                self._wake(about)

    def _rest(self, seconds: float, connection: psycopg.Connection[Any] | None = None) -> bool:
        """Waits that long, or until it is closed or something comes; whether something came."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._closing, selectors.EVENT_READ)
            if connection is not None:
                selector.register(connection, selectors.EVENT_READ)
            return bool(selector.select(seconds))
