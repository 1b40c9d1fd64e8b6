"""What has become old is cleaned when somebody asks for it, or is only looked at."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from headrace import clock
from headrace.app import App
from headrace.engine.cleaning import Cleaning


@dataclass(frozen=True, slots=True)
class Share:
    """What has gone of a pipeline, or would go: so many rows of that kind, or bytes of files. Both are None for what is of none."""

    project: str | None
    pipeline: str | None
    kind: str
    rows: int
    bytes: int


def clean(app: App, tell: Callable[[str], None], *, dry: bool) -> list[Share]:
    """What has gone, or with `dry` would go, by pipeline; `tell` hears what could not be cleaned, and why.

    As much time as it takes is left to others in between.
    """
    cleaning = Cleaning(app.store, app.settings, clock.now(), tell, dry=dry)
    began = clock.monotonic()
    for _ in cleaning.steps():
        time.sleep(0 if dry else clock.monotonic() - began)
        began = clock.monotonic()
    return _shares(app, cleaning)


def _shares(app: App, cleaning: Cleaning) -> list[Share]:
    rows, sizes = cleaning.cleaned.rows, cleaning.cleaned.bytes
    found = {share for share in (*rows, *sizes) if rows[share] or sizes[share]}
    names = app.store.retention.names({pipeline for pipeline, _ in found if pipeline is not None})
    nameless: tuple[str | None, str | None] = (None, None)
    shares = [
        Share(
            *(names.get(pipeline, nameless) if pipeline else nameless),
            kind,
            rows[pipeline, kind],
            sizes[pipeline, kind],
        )
        for pipeline, kind in found
    ]
    return sorted(shares, key=lambda share: (share.project is None, share.project, share.pipeline, share.kind))
