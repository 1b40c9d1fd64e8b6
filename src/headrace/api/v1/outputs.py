"""Outputs: what blocks left behind, and what is in it: as JSON, or exactly as it is kept, as Arrow."""

from typing import Annotated

from anyio import to_thread
from fastapi import Path, Query
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from headrace.api.v1 import answers, here, media
from headrace.api.v1.given import GREATEST, RunId
from headrace.api.v1.here import Home
from headrace.app import App
from headrace.model.output import Output
from headrace.operations import documents, runs, values
from headrace.outputs import crossing

router = here.routes("outputs")

MOST = 10_000  # rows of a page
USUAL = 100

Name = Annotated[str, Path(description="The output's name.", examples=["output_0"])]
First = Annotated[int, Query(ge=0, le=GREATEST, description="The number of the first row, from 0 on.")]
Count = Annotated[
    int | None, Query(ge=1, le=MOST, description="Rows at most; 100 as JSON and all as Arrow unless said.")
]


CONTENT = answers.tells(
    "Content", said="Rows, or the value; an Arrow IPC stream where that is asked for.", media=crossing.MEDIA
)


@router.get(
    "/runs/{run_id:run}/blocks/{block:path}/outputs",
    summary="What a block left behind in a run",
    responses=answers.tells("Outputs"),
)
def list_outputs(home: Home, run_id: RunId, block: str) -> Response:
    """Of the attempt that completed; of the earlier run, where the block was not run again."""
    found = values.find(home, run_id, block)
    return answers.written({"outputs": [documents.output(each) for each in found]})


@router.get("/runs/{run_id:run}/blocks/{block:path}/outputs/{name}", summary="What is in an output", responses=CONTENT)
async def show_output(
    home: Home, request: Request, run_id: RunId, block: str, name: Name, offset: First = 0, limit: Count = None
) -> Response:
    """A page of the rows of a frame or array; any other value as a whole.

    What JSON has no form for is text: NaN and infinities, moments, decimals, bytes. With
    `Accept: application/vnd.apache.arrow.stream` the rows of a frame are streamed exactly as they are kept. 410 for what
    was cleaned, 413 for more than 16 MiB as JSON.
    """
    output = await to_thread.run_sync(values.named, home, run_id, block, name)
    if media.prefers(request, crossing.MEDIA):
        rows = await to_thread.run_sync(values.arrow, home, output, offset, limit)
        return StreamingResponse(rows, media_type=crossing.MEDIA)
    return Response(await to_thread.run_sync(_content, home, output, offset, limit or USUAL), media_type=answers.MEDIA)


@router.get(
    "/runs/{run_id:run}/blocks/{block:path}/outputs/{name}/head",
    summary="The beginning of an output, for people",
    responses=answers.tells("Head"),
)
def head(
    home: Home,
    run_id: RunId,
    block: str,
    name: Name,
    rows: Annotated[int, Query(ge=0, le=MOST, description="Rows, elements or keys at most.")] = 10,
) -> Response:
    """Rows of a frame, elements of a list, keys of a mapping; of an object only its type."""
    begin = runs.head(home, values.named(home, run_id, block, name), rows)
    document = documents.written({"columns": begin.columns, "rows": begin.rows}, indent=None)
    return Response(document.encode("utf-8", "replace"), media_type=answers.MEDIA)


def _content(home: App, output: Output, offset: int, limit: int) -> bytes:
    """Text may hold halves of characters, which JSON cannot: a question mark stands for them."""
    of = {"name": output.name, "kind": output.kind}
    if values.has_rows(output):
        page = values.rows(home, output, offset, limit)
        document = {**of, "columns": page.columns, "rows": page.rows, "offset": offset, "total": output.rows}
    else:
        document = {**of, "value": values.whole(home, output)}
    return documents.written(document, indent=None).encode("utf-8", "replace")
