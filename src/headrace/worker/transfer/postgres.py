"""PostgreSQL as jobs speak to it: at either end alike."""

from typing import Any

import psycopg
from psycopg import conninfo

from headrace.worker.transfer.connections import PORTS, TIMEOUT, Address

_OURS = "-c DateStyle=ISO -c IntervalStyle=iso_8601 -c TimeZone=UTC -c extra_float_digits=1 -c bytea_output=hex"


def connect(where: Address) -> "psycopg.Connection[Any]":
    """A session in which values are written one way, whatever the server's own is. psycopg.Error.

    Letters go as UTF-8, which the database has as its own ones, or refuses.
    """
    terms: dict[str, Any] = {"connect_timeout": TIMEOUT, "application_name": "headrace", **where.options}
    terms |= {"host": where.host, "port": where.port or PORTS["postgresql"], "user": where.user or None}
    terms |= {"password": where.password or None, "dbname": where.database or None}
    terms["client_encoding"] = "UTF8"
    terms["options"] = f"{where.options.get('options', '')} {_OURS}".strip()
    return psycopg.connect(conninfo.make_conninfo(**terms))
