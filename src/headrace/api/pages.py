"""Pages that need no user interface: a few words for whoever looks at the server with a browser."""

import html

from starlette.responses import HTMLResponse, Response

from headrace import version

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>headrace</title>
<body style="font: 16px/1.5 system-ui, sans-serif; max-width: 40em; margin: 4em auto; padding: 0 1em">
<h1>headrace {version}</h1><p>{said}</p>
<p>Its API is at <code>/v1</code>, described by <a href="/v1/openapi.json">/v1/openapi.json</a>.</p></body></html>
"""


def page(said: str, status: int) -> Response:
    """What is said is HTML."""
    return HTMLResponse(PAGE.format(version=html.escape(version.__version__), said=said), status)
