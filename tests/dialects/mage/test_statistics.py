"""Statistics of the Mage dialect: by day, as its charts read them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.api.conftest import Served
from tests.dialects.mage.contract import like

from headrace.api.mage.runs.shapes import block_status
from headrace.api.mage.statistics import shapes
from headrace.api.mage.statistics.shapes import MonitorStat
from headrace.model.run import BlockStatus
from headrace.store.statistics import BlockCount


def stat(served: Served, kind: str, query: str = "") -> dict[str, Any]:
    answer = served.client().get(f"/api/monitor_stats/{kind}{query}").json()
    assert answer["metadata"] is None
    like(answer["monitor_stat"], MonitorStat)
    assert answer["monitor_stat"]["stats_type"] == kind
    return answer["monitor_stat"]["stats"]


@pytest.fixture(scope="module")
def today(served: Served) -> str:
    """The day on which there have been a run that completed and one that failed."""
    for pipeline in ("grind", "crack"):
        served.run(pipeline)
    return f"{datetime.now(UTC):%Y-%m-%d}"


def test_runs_are_counted_by_trigger_day_and_status(served: Served, today: str) -> None:
    by_hand = stat(served, "pipeline_run_count", "?pipeline_uuid=crack")["null"]
    assert by_hand["name"] is None
    assert by_hand["data"][today]["failed"] >= 1
    grouped = stat(served, "pipeline_run_count", "?pipeline_uuid=crack&group_by_pipeline_type=1")["null"]
    assert grouped["data"][today] == {"python": by_hand["data"][today]}


def test_how_long_runs_took(served: Served, today: str) -> None:
    stats = stat(served, "pipeline_run_time")
    assert stats["grind"]["name"] == "grind"
    assert 0 < stats["grind"]["data"][today] < 60
    assert "crack" not in stats


def test_blocks_are_counted_and_how_long_they_took(served: Served, today: str) -> None:
    counts = stat(served, "block_run_count", "?pipeline_uuid=grind")
    assert set(counts) == {"load", "sieve"}
    assert counts["load"]["data"][today]["completed"] == counts["sieve"]["data"][today]["completed"] >= 1
    times = stat(served, "block_run_time", "?pipeline_uuid=grind")
    assert 0 < times["load"]["data"][today] <= times["sieve"]["data"][today] < 60


def test_what_is_committed_counts_as_running() -> None:
    """Mage has no word of its own for it."""
    said = [BlockCount("2026-01-31", "sow", status, 2) for status in ("committing", "completed", "running")]
    assert shapes.block_counts(said)["sow"]["data"] == {"2026-01-31": {"running": 4, "completed": 2}}
    assert {block_status(status) for status in BlockStatus} == {status.value for status in BlockStatus} - {"committing"}


def test_only_the_days_that_are_asked_for_are_told(served: Served, today: str) -> None:
    before = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}"
    assert stat(served, "block_run_count", f"?end_time={before}") == {}
    assert stat(served, "block_run_count", f"?start_time={before} 00:00:00")
    assert stat(served, "pipeline_run_count", "?pipeline_schedule_id=987654") == {}
    assert stat(served, "pipeline_run_count", "?pipeline_uuid=nothing") == {}


def test_of_a_kind_that_is_unknown_there_are_none(served: Served) -> None:
    answer = served.client().get("/api/monitor_stats/bogus").json()
    assert answer == {"monitor_stat": {"stats_type": "bogus", "stats": None}, "metadata": None}
    wrong = served.client().get("/api/monitor_stats/pipeline_run_count?start_time=yesterday&_http_error_codes=1")
    assert wrong.status_code == 400
