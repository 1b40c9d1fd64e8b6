"""Tags that were written down, and those that pipelines and triggers carry."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from headrace import errors
from headrace.model.pipeline import Pipeline
from headrace.store import Store
from headrace.store.projects import Pinned
from headrace.store.tags import Tag

AT = datetime(2026, 3, 1, tzinfo=UTC)


def test_a_tag_is_written_down_once(store: Store) -> None:
    rye = store.tags.create("rye", "what is sown in autumn", AT)
    assert store.tags.create("corn", None, AT) == Tag(rye.id + 1, "corn", None)
    with pytest.raises(errors.TagExists):
        store.tags.create("rye", None, AT)
    assert store.tags.all() == [Tag(rye.id + 1, "corn", None), rye]


def test_what_a_project_s_pipelines_and_triggers_carry(
    store: Store, pinned: Pinned, trigger: Callable[..., int]
) -> None:
    mill = Path("/projects/mill")
    grind = store.projects.pin(mill, "mill", Pipeline("grind", tags=("corn", "rye")), "v", "s", 1, AT)
    trigger(grind, "nightly", tags=("night", "rye"))
    gone = trigger(grind, "gone", tags=("old",))
    trigger(pinned, "elsewhere", tags=("other",))
    store.triggers.delete(gone, AT)
    assert store.tags.carried(grind.project.id) == {"corn", "rye", "night"}
    assert store.tags.carried(pinned.project.id) == {"other"}
