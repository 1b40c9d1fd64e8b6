"""Server-sent events, as they are written: `id` is what a client shows in `Last-Event-ID` when it comes again."""

MEDIA = "text/event-stream"
RETRY = b"retry: 2000\n\n"  # milliseconds after which a browser comes again


def event(name: str, text: bytes, mark: str) -> bytes:
    """An event of that name; its text is JSON, which has no line ends."""
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (mark.encode(), name.encode(), text)


def unmarked(name: str, text: bytes) -> bytes:
    """An event after which a client goes on from where it would have gone on before."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), text)


def still(mark: str) -> bytes:
    """Nothing has happened: a comment, which keeps what lies between from hanging up, and up to where that holds."""
    return b": still here\nid: %b\n\n" % mark.encode()
