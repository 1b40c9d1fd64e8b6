"""What the file of a job says, to whoever looks at the job."""

from headrace.model.pipeline import Block, BlockType, Language
from headrace.operations import jobs

MOVING = {"job_type": "transfer"}


def _job(text: str) -> Block:
    return Block("job_0", BlockType.CUSTOM, Language.YAML, configuration=MOVING, text=text)


def test_it_is_what_json_can_hold_as_everywhere_in_a_project() -> None:
    said = jobs.document(
        _job("input: {table_name: 2026-01-02, memory_allocation_mb: 512}\n1: {since: 2026-01-02 03:04:05Z}")
    )
    assert said == {
        "input": {"table_name": "2026-01-02", "memory_allocation_mb": 512},
        "1": {"since": "2026-01-02T03:04:05+00:00"},
    }


def test_of_a_block_that_moves_no_table_it_is_nothing() -> None:
    assert jobs.document(_job("")) == {}
    assert jobs.document(Block("other", BlockType.CUSTOM, Language.YAML, text="input: {}")) == {}
