"""What the tests share that draw any request from a description."""

import os
import re

from starlette.types import Receive, Scope, Send
from tests.api.conftest import Served

EXAMPLES = int(os.environ.get("HEADRACE_EXAMPLES", "3"))
SEED = None if "HEADRACE_EXAMPLES" in os.environ else 1  # the suite asks the same each time
FRAME = re.compile(r"File .{1,200}, line \d+")  # of a traceback


class Later:
    """Stands for the applications of a server that is there once tests run."""

    served: Served

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.served.application(scope, receive, send)
