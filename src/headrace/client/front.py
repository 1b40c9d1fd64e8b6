"""A client of a headrace server: what it can do, noun by noun, in values.

import headrace

with headrace.Client("http://127.0.0.1:6789", token) as client:
    run = client.runs.create("orders", variables={"day": "2026-01-31"}, wait=60)
    print(run.status)
"""

from types import TracebackType

from headrace.client.address import Address
from headrace.client.audit import Audit
from headrace.client.backfills import Backfills
from headrace.client.cleaning import Cleaning
from headrace.client.connection import Connection
from headrace.client.datasets import Datasets
from headrace.client.engines import Engines
from headrace.client.events import Events
from headrace.client.outputs import Outputs
from headrace.client.pipelines import Pipelines
from headrace.client.projects import Projects
from headrace.client.runs import Runs
from headrace.client.secrets import Secrets
from headrace.client.stream import Changes
from headrace.client.tokens import Tokens
from headrace.client.triggers import Triggers
from headrace.client.users import Users

__all__ = ["Client"]


class Client:
    """Talks to one server; close it, or use it as a context. Threads may share it.

    The server is `url`, or HEADRACE_URL, or the one that `headrace serve` starts on this machine. The token is `token`,
    or HEADRACE_TOKEN, or what the file says that HEADRACE_TOKEN_FILE names. Beyond this machine a token goes over https
    alone, unless `insecure` (or HEADRACE_INSECURE=1) says otherwise.

    What a server refuses is raised as the class of headrace.errors that says so, else as ServerRefused; ServerProblem is
    what else it answers that is no success, and ServerUnreached that it did not answer. For `patience` seconds a request
    that may be sent twice is tried again.
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        insecure: bool = False,
        patience: float = 10.0,
        timeout: float = 30.0,
    ) -> None:
        connection = Connection(Address.of(url, token, insecure=insecure), patience=patience, timeout=timeout)
        self._connection = connection
        self.url = connection.url
        self.runs = Runs(connection)
        self.outputs = Outputs(connection)
        self.projects = Projects(connection)
        self.pipelines = Pipelines(connection)
        self.triggers = Triggers(connection)
        self.backfills = Backfills(connection)
        self.events = Events(connection)
        self.datasets = Datasets(connection)
        self.engines = Engines(connection)
        self.secrets = Secrets(connection)
        self.tokens = Tokens(connection)
        self.users = Users(connection)
        self.audit = Audit(connection)
        self.cleaning = Cleaning(connection)
        self.changes = Changes(connection)

    def version(self) -> str:
        """Which headrace the server is."""
        return self._connection.read("/version")["version"]

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
