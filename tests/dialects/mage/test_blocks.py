"""Blocks, as Mage's clients make, change, rename and delete them: in their pipelines' files and in their own."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from tests.api.conftest import Caller, Served, serving
from tests.dialects.mage.contract import like

from headrace.api.mage.blocks import shapes

LOADS = "@data_loader\ndef load(*args, **kwargs):\n    return {'day': 1}\n"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of this file's own: its project's blocks come and go."""
    with serving(tmp_path_factory.mktemp("shop")) as made:
        yield made


@pytest.fixture
def owner(shop: Served) -> Caller:
    return shop.client()


@pytest.fixture
def pipeline(shop: Served, owner: Caller) -> str:
    """A new pipeline without blocks."""
    return owner.post("/api/pipelines", json={"pipeline": {"name": shop.name("empty")}}).json()["pipeline"]["uuid"]


def make(client: Caller, pipeline: str, title: str, type: str = "custom", **given: Any) -> dict[str, Any]:
    body = {"block": {"name": title, "type": type, **given}}
    answer = client.post(f"/api/pipelines/{pipeline}/blocks", json=body).json()
    assert answer.get("metadata", "") is None, answer
    return answer["block"]


def put(client: Caller, pipeline: str, block: str, **given: Any) -> dict[str, Any]:
    answer = client.put(f"/api/pipelines/{pipeline}/blocks/{block}", json={"block": given}).json()
    assert "block" in answer, answer
    return answer["block"]


def get(client: Caller, pipeline: str, block: str) -> dict[str, Any]:
    return client.get(f"/api/pipelines/{pipeline}/blocks/{block}").json()["block"]


def edges(client: Caller, pipeline: str) -> dict[str, list[str]]:
    """Each block with those above it, as they are told; those below are checked to be the same edges."""
    listed = client.get(f"/api/pipelines/{pipeline}/blocks").json()["blocks"]
    found = {each["uuid"]: each["upstream_blocks"] for each in listed}
    below = {(each["uuid"], name) for each in listed for name in each["downstream_blocks"]}
    assert below == {(name, each) for each, above in found.items() for name in above}
    return found


def failed(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 200
    return answer.json()["error"]


def test_a_new_block_has_every_key_as_mage_has_it_and_a_file_that_runs(
    shop: Served, owner: Caller, pipeline: str
) -> None:
    made = make(owner, pipeline, "Load Grain", "data_loader", language="python", configuration={"a": 1}, color="red")
    like(made, shapes.WrittenBlock)
    assert (made["uuid"], made["name"], made["type"]) == ("load_grain", "Load Grain", "data_loader")
    assert (made["configuration"], made["color"], made["status"]) == ({"a": 1}, "red", "not_executed")
    assert (shop.folder / "data_loaders" / "load_grain.py").read_text() == made["content"]
    shown = get(owner, pipeline, "load_grain")
    like(shown, shapes.ShownBlock)
    assert (shown["content"], shown["outputs"]) == (made["content"], [])
    (listed,) = owner.get(f"/api/pipelines/{pipeline}/blocks").json()["blocks"]
    like(listed, shapes.ListedBlock)
    assert list(listed) == [
        "all_upstream_blocks_executed", "color", "configuration", "downstream_blocks", "executor_config", "executor_type",
        "has_callback", "name", "language", "retry_config", "status", "timeout", "type", "upstream_blocks", "uuid", "tags",
    ]  # fmt: skip
    assert shop.run(pipeline)["status"] == "completed"


@pytest.mark.parametrize("type", ["transformer", "data_exporter", "custom"])
def test_what_is_written_into_a_new_file_runs(shop: Served, owner: Caller, pipeline: str, type: str) -> None:
    make(owner, pipeline, shop.name("first"), "data_loader")
    (first,) = edges(owner, pipeline)
    make(owner, pipeline, shop.name(type), type, upstream_blocks=[first])
    assert shop.run(pipeline)["status"] == "completed"


@pytest.mark.parametrize(
    ("type", "decorator"), [("sensor", "sensor"), ("conditional", "condition"), ("callback", "callback")]
)
def test_a_new_file_has_the_function_that_its_type_asks_for(
    shop: Served, owner: Caller, pipeline: str, type: str, decorator: str
) -> None:
    made = make(owner, pipeline, shop.name(type), type)
    assert f"@{decorator}\ndef " in made["content"]
    compile(made["content"], "block", "exec")


def test_a_block_is_put_between_others(shop: Served, owner: Caller, pipeline: str) -> None:
    one, three = (make(owner, pipeline, shop.name(name))["uuid"] for name in ("one", "three"))
    two = make(owner, pipeline, shop.name("two"), upstream_blocks=[one], downstream_blocks=[three], priority=1)["uuid"]
    assert list(edges(owner, pipeline).items()) == [(one, []), (two, [one]), (three, [two])]


def test_edges_are_changed_from_either_end_and_never_make_a_circle(shop: Served, owner: Caller, pipeline: str) -> None:
    one, two, three = (make(owner, pipeline, shop.name(name))["uuid"] for name in ("one", "two", "three"))
    assert put(owner, pipeline, two, upstream_blocks=[one])["upstream_blocks"] == [one]
    put(owner, pipeline, one, downstream_blocks=[three])
    assert edges(owner, pipeline) == {one: [], two: [], three: [one]}
    put(owner, pipeline, two, upstream_blocks=[three])
    circle = owner.put(f"/api/pipelines/{pipeline}/blocks/{one}", json={"block": {"upstream_blocks": [two]}})
    assert "wait for each other" in failed(circle)["exception"]
    nowhere = owner.put(f"/api/pipelines/{pipeline}/blocks/{one}", json={"block": {"upstream_blocks": ["nowhere"]}})
    assert failed(nowhere)["message"] == f"Block nowhere does not exist in pipeline {pipeline}."
    assert edges(owner, pipeline) == {one: [], two: [three], three: [one]}


def test_a_change_says_only_what_changes(shop: Served, owner: Caller, pipeline: str) -> None:
    name = make(owner, pipeline, shop.name("b"), content="print(1)\n")["uuid"]
    changed = put(
        owner,
        pipeline,
        name,
        timeout=5,
        retry_config={"retries": 2},
        executor_config={"fresh_process": True},
        configuration={"dynamic": True},
        content="print(2)\n",
        outputs=[],
    )
    like(changed, shapes.WrittenBlock)
    assert (changed["timeout"], changed["retry_config"], changed["content"]) == (5, {"retries": 2}, "print(2)\n")
    assert get(owner, pipeline, name)["tags"] == ["dynamic"]
    assert put(owner, pipeline, name, timeout=None, retry_config=None)["timeout"] is None
    assert put(owner, pipeline, name, content="print(2)\n")["executor_config"] == {"fresh_process": True}


def test_code_that_is_no_python_is_not_written(shop: Served, owner: Caller, pipeline: str) -> None:
    name = make(owner, pipeline, shop.name("b"), content="print(1)\n")["uuid"]
    answer = owner.put(f"/api/pipelines/{pipeline}/blocks/{name}", json={"block": {"content": "x = (\n"}})
    assert f"custom/{name}.py line 1" in failed(answer)["exception"]
    assert get(owner, pipeline, name)["content"] == "print(1)\n"


def test_no_file_but_a_blocks_own_is_written(shop: Served, owner: Caller, pipeline: str) -> None:
    (shop.folder / "utils").mkdir(exist_ok=True)
    (shop.folder / "utils" / "own.py").write_text("print('ours')\n")
    configuration = {"file_path": "utils/own.py"}
    name = make(owner, pipeline, shop.name("b"), configuration=configuration)["uuid"]
    assert get(owner, pipeline, name)["content"] == "print('ours')\n"
    answer = owner.put(f"/api/pipelines/{pipeline}/blocks/{name}", json={"block": {"content": "print('theirs')\n"}})
    assert "utils/own.py" in failed(answer)["exception"]
    assert (shop.folder / "utils" / "own.py").read_text() == "print('ours')\n"
    for file in ("../outside.py", "/etc/passwd", "io_config.yaml"):
        given = {"configuration": {"file_path": file}}
        put_there = owner.put(f"/api/pipelines/{pipeline}/blocks/{name}", json={"block": given}).json()
        assert "passwd" not in put_there.get("block", {}).get("content", "")


def test_callbacks_and_conditions_are_put_to_a_block(shop: Served, owner: Caller, pipeline: str) -> None:
    block = make(owner, pipeline, shop.name("b"))["uuid"]
    callback = make(owner, pipeline, shop.name("cb"), "callback")["uuid"]
    condition = make(owner, pipeline, shop.name("if"), "conditional", upstream_blocks=[block])["uuid"]
    changed = put(owner, pipeline, block, callback_blocks=[callback])
    assert (changed["callback_blocks"], changed["conditional_blocks"]) == ([callback], [condition])
    assert get(owner, pipeline, block)["tags"] == ["condition"]
    put(owner, pipeline, block, callback_blocks=[], conditional_blocks=[])
    written = yaml.safe_load((shop.folder / "pipelines" / pipeline / "metadata.yaml").read_text())
    assert [written[kind][0]["upstream_blocks"] for kind in ("callbacks", "conditionals")] == [[], []]
    assert get(owner, pipeline, callback)["type"] == "callback"


def test_another_name_is_had_in_every_pipeline_and_by_the_file(shop: Served, owner: Caller, pipeline: str) -> None:
    old = make(owner, pipeline, shop.name("old"), "data_loader", content=LOADS)["uuid"]
    make(owner, pipeline, shop.name("below"), "transformer", upstream_blocks=[old])
    other = owner.post("/api/pipelines", json={"pipeline": {"name": shop.name(), "clone_pipeline_uuid": pipeline}})
    other_uuid = other.json()["pipeline"]["uuid"]
    third = owner.post("/api/pipelines", json={"pipeline": {"name": shop.name()}}).json()["pipeline"]["uuid"]
    make(owner, third, old, "transformer")  # of the same name, and another file
    new = shop.name("new")
    changed = put(owner, pipeline, old, name=f"Sub/{new}")
    assert edges(owner, third) == {old: []}
    assert (changed["name"], changed["content"]) == (f"Sub/{new}", LOADS)
    uuid = changed["uuid"]
    for each in (pipeline, other_uuid):
        assert list(edges(owner, each).values()) == [[], [uuid]]
        assert shop.run(each)["status"] == "completed"
    files = {str(each.relative_to(shop.folder)) for each in (shop.folder / "data_loaders").rglob("*.py")}
    assert f"data_loaders/{uuid}.py" in files
    assert f"data_loaders/{old}.py" not in files


def test_a_name_that_is_taken_is_not_given_again(shop: Served, owner: Caller, pipeline: str) -> None:
    one, two = (make(owner, pipeline, shop.name(name))["uuid"] for name in ("one", "two"))
    lone = shop.folder / "custom" / "lone.py"
    lone.write_text("print()\n")
    for answer in (
        owner.post(f"/api/pipelines/{pipeline}/blocks", json={"block": {"name": one, "type": "custom"}}),
        owner.put(f"/api/pipelines/{pipeline}/blocks/{one}", json={"block": {"name": two}}),
        owner.put(f"/api/pipelines/{pipeline}/blocks/{one}", json={"block": {"name": "lone"}}),
        owner.post(
            f"/api/pipelines/{pipeline}/blocks",
            json={"block": {"name": "lone", "type": "custom", "require_unique_name": True}},
        ),
    ):
        assert failed(answer)["code"] == 500
    assert edges(owner, pipeline) == {one: [], two: []}
    assert make(owner, pipeline, "lone")["content"] == "print()\n"


@pytest.mark.parametrize(
    "given", [{"name": "x", "type": "never"}, {"name": "x", "type": "custom", "language": "cobol"}, {"type": "custom"},
              {"name": "../../x", "type": "custom"}, {"name": "x"}, {"name": "x", "type": "custom", "upstream_blocks": ["nowhere"]},
              {"name": "x", "type": "custom", "content": "def ("}, {"name": "x", "type": "custom", "configuration": []}],
)  # fmt: skip
def test_what_cannot_be_made_leaves_no_file(shop: Served, owner: Caller, pipeline: str, given: dict[str, Any]) -> None:
    before = {*shop.folder.rglob("*.py")}
    answer = owner.post(f"/api/pipelines/{pipeline}/blocks", json={"block": given})
    assert failed(answer)["code"] in (200, 400, 500)
    assert edges(owner, pipeline) == {}
    assert {*shop.folder.rglob("*.py")} == before


def test_what_others_wait_for_is_deleted_by_force_alone(shop: Served, owner: Caller, pipeline: str) -> None:
    one = make(owner, pipeline, shop.name("one"))["uuid"]
    two = make(owner, pipeline, shop.name("two"), upstream_blocks=[one])["uuid"]
    path = f"/api/pipelines/{pipeline}/blocks/{one}"
    assert two in failed(owner.delete(path))["exception"]
    told = owner.delete(f"{path}?force=true").json()
    like(told["block"], shapes.MageBlock)
    assert (told["block"]["downstream_blocks"], told["metadata"]) == ([two], None)
    assert edges(owner, pipeline) == {two: []}
    assert failed(owner.delete(path)) == {
        "code": 400,
        "message": f"Block {one} does not exist in pipeline {pipeline}.",
        "type": "record_invalid",
    }


def test_a_file_goes_with_its_last_block_when_that_is_asked(shop: Served, owner: Caller, pipeline: str) -> None:
    name = make(owner, pipeline, shop.name("b"))["uuid"]
    other = owner.post("/api/pipelines", json={"pipeline": {"name": shop.name(), "clone_pipeline_uuid": pipeline}})
    file = shop.folder / "custom" / f"{name}.py"
    owner.delete(f"/api/pipelines/{pipeline}/blocks/{name}?delete_file=true")
    assert file.exists()
    path = f"/api/pipelines/{other.json()['pipeline']['uuid']}/blocks/{name}"
    assert "block" in owner.delete(f"{path}?delete_file=true").json()
    assert not file.exists()
    note = make(owner, pipeline, shop.name("note"), "markdown", language="markdown", content="# hello\n")["uuid"]
    assert (shop.folder / "markdowns" / f"{note}.md").read_text() == "# hello\n"
    owner.delete(f"/api/pipelines/{pipeline}/blocks/{note}")
    assert not (shop.folder / "markdowns" / f"{note}.md").exists()


def test_a_copy_has_the_code_of_the_other(shop: Served, owner: Caller, pipeline: str) -> None:
    one = make(owner, pipeline, shop.name("one"), content="print('one')\n")["uuid"]
    copy = make(owner, pipeline, shop.name("copy"), replicated_block=one)
    assert copy["content"] == "print('one')\n"
    assert get(owner, pipeline, copy["uuid"])["tags"] == ["replica"]
    assert not (shop.folder / "custom" / f"{copy['uuid']}.py").exists()


def test_lists_are_cut_and_chosen_from(shop: Served, owner: Caller, pipeline: str) -> None:
    names = [make(owner, pipeline, shop.name(each))["uuid"] for each in "abc"]
    path = f"/api/pipelines/{pipeline}/blocks"
    page = owner.get(f"{path}?_limit=2").json()
    assert ([each["uuid"] for each in page["blocks"]], page["metadata"]) == (names[:2], {"count": 3, "next": True})
    chosen = owner.get(f"{path}?block_uuid[]={names[2]},{names[0]},none").json()
    assert [each["uuid"] for each in chosen["blocks"]] == [names[0], names[2]]
    assert owner.get(path).json()["metadata"] == {"count": 3, "next": False}


def test_a_block_is_found_by_its_type_and_name(owner: Caller) -> None:
    shown = owner.get("/api/blocks/data_loader%2Fload").json()["block"]
    like(shown, shapes.ShownBlock)
    assert "def load(" in shown["content"]
    assert failed(owner.get("/api/blocks/data_loader%2Fnone"))["type"] == "record_not_found"
    assert failed(owner.get("/api/pipelines/grind/blocks/none"))["type"] == "record_invalid"
