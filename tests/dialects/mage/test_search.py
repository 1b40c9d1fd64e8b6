"""Search of the Mage dialect: blocks of the project by name."""

from tests.api.conftest import Served
from tests.dialects.mage.contract import like

from headrace.api.mage.search.shapes import SearchResult
from headrace.model.access import Role


def test_blocks_are_found_by_a_part_of_their_name_or_one_like_it(served: Served) -> None:
    viewer = served.client(Role.VIEWER)
    for query in ("siev", "seive"):
        given = {"query": query, "type": "block_action_objects", "ratio": 60}
        answer = viewer.post("/api/search_results", json={"search_result": given}).json()
        assert answer["metadata"] is None
        like(answer["search_result"], SearchResult)
        assert [each["uuid"] for each in answer["search_result"]["results"]] == ["sieve"]
        assert answer["search_result"]["results"][0]["description"] == "transformers/sieve.py"


def test_nothing_is_found_of_another_type(served: Served) -> None:
    given = {"query": "siev", "type": "runs"}
    answer = served.client().post("/api/search_results", json={"search_result": given}).json()
    assert answer == {"search_result": {"results": [], "type": "runs", "uuid": "siev"}, "metadata": None}
