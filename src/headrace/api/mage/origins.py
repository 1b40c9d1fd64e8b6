"""Origins: pages of any other may call, as they may call Mage; what they show is a token, for no cookie goes with it."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-headers", b"*"),
    (b"access-control-allow-methods", b"DELETE, GET, PATCH, POST, PUT, OPTIONS"),
]


class Origins:
    """Says so with every answer, and answers whoever asks beforehand."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *HEADERS]
            await send(message)

        if scope["type"] == "http" and scope["method"] == "OPTIONS":
            await sending({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body"})
        else:
            await self._inner(scope, receive, sending)
