"""The newest runs of a store."""

from collections.abc import Sequence

from headrace.model.query import Query
from headrace.store import Store
from headrace.store.runs import Listed


def newest(store: Store, count: int) -> Sequence[Listed]:
    """At most so many, the newest first."""
    return store.runs.page(Query(), count).runs
