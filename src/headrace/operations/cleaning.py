"""What has become old is cleaned when somebody asks for it, or is only looked at."""

import time
from collections.abc import Sequence
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


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What has gone, or would go where it is a `dry_run`, by pipeline; `faults` say what could not be cleaned, and why."""

    dry_run: bool
    cleaned: Sequence[Share]
    faults: Sequence[str]


def clean(app: App, *, dry: bool) -> Cleaned:
    """Has go what has become old, or with `dry` only tells of it.

    As much time as it takes is left to others in between.
    """
    faults = list[str]()
    cleaning = Cleaning(app.store, app.settings, clock.now(), faults.append, dry=dry)
    began = clock.monotonic()
    for _ in cleaning.steps():
        time.sleep(0 if dry else clock.monotonic() - began)
        began = clock.monotonic()
    return Cleaned(dry, _shares(app, cleaning), faults)


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
