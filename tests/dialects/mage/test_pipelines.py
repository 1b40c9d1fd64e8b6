"""Pipelines, as Mage's clients list, make, change, rename and delete them; the files on disk are kept in step."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from tests.api.conftest import Caller, Served, serving
from tests.dialects.mage.contract import like

from headrace import project
from headrace.api.mage.backfills import routes as backfills
from headrace.api.mage.blocks import routes as blocks
from headrace.api.mage.pipelines import routes as pipelines
from headrace.api.mage.pipelines import shapes
from headrace.api.mage.triggers import routes as triggers
from headrace.model.access import Grant, Role
from headrace.operations import pipeline_files, sessions, users


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of this file's own: its project's pipelines come and go."""
    with serving(tmp_path_factory.mktemp("shop")) as made:
        yield made


@pytest.fixture
def owner(shop: Served) -> Caller:
    return shop.client()


def make(client: Caller, name: str, **given: Any) -> dict[str, Any]:
    answer = client.post("/api/pipelines", json={"pipeline": {"name": name, **given}}).json()
    assert answer.get("metadata", "") is None, answer
    return answer["pipeline"]


def put(client: Caller, pipeline: str, **given: Any) -> dict[str, Any]:
    answer = client.put(f"/api/pipelines/{pipeline}", json={"pipeline": given}).json()
    assert "pipeline" in answer, answer
    return answer["pipeline"]


def written(shop: Served, name: str) -> dict[str, Any]:
    return yaml.safe_load((shop.folder / "pipelines" / name / "metadata.yaml").read_text())


def failed(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 200
    return answer.json()["error"]


def test_the_detail_has_every_key_as_mage_has_it_and_the_code_of_the_blocks(owner: Caller) -> None:
    answer = owner.get("/api/pipelines/grind").json()
    assert answer["metadata"] is None
    shown = answer["pipeline"]
    like(shown, shapes.ShownPipeline)
    assert list(shown) == [
        "cache_block_output_in_memory", "concurrency_config", "created_at", "data_integration", "description",
        "executor_config", "executor_count", "executor_type", "name", "notification_config", "remote_variables_dir",
        "retry_config", "run_pipeline_in_one_process", "settings", "tags", "type", "uuid", "variables_dir", "variables",
        "spark_config", "blocks", "callbacks", "conditionals", "widgets", "extensions", "updated_at",
    ]  # fmt: skip
    assert (shown["uuid"], shown["type"], shown["tags"], shown["settings"]) == (
        "grind",
        "python",
        ["corn"],
        {"triggers": None},
    )
    load, sieve = shown["blocks"]
    assert list(load) == [
        "all_upstream_blocks_executed", "color", "configuration", "downstream_blocks", "executor_config", "executor_type",
        "has_callback", "name", "language", "retry_config", "status", "timeout", "type", "upstream_blocks", "uuid",
        "callback_blocks", "conditional_blocks", "content", "outputs", "metadata", "tags",
    ]  # fmt: skip
    assert (load["downstream_blocks"], sieve["upstream_blocks"]) == (["sieve"], ["load"])
    assert "def load(" in load["content"]


def test_one_that_is_not_there_does_not_exist(owner: Caller) -> None:
    answers = (
        owner.get("/api/pipelines/none_such"),
        owner.put("/api/pipelines/none_such", json={"pipeline": {"description": "x"}}),
        owner.put("/api/pipelines/none_such", json={"pipeline": {"status": "active"}}),
        owner.delete("/api/pipelines/none_such"),
        owner.get("/api/pipelines/none_such/blocks"),
    )
    for answer in answers:
        assert failed(answer)["exception"] == "Pipeline none_such does not exist."
        assert answer.json()["url_parameters"]["pk"] == "none_such"


def test_a_new_one_is_a_folder_named_after_its_title(shop: Served, owner: Caller) -> None:
    made = make(owner, "Night Shift", description="grinds", tags=["oats"])
    like(made, shapes.MagePipeline)
    assert (made["uuid"], made["name"], made["type"], made["tags"]) == (
        "night_shift",
        "Night Shift",
        "python",
        ["oats"],
    )
    assert written(shop, "night_shift")["created_at"] == made["created_at"]
    assert owner.get("/api/pipelines/night_shift").json()["pipeline"] == made
    again = failed(owner.post("/api/pipelines", json={"pipeline": {"name": "night-shift"}}))
    assert "already exists" in again["exception"]


@pytest.mark.parametrize(
    "given", [{}, {"name": ""}, {"name": "../up"}, {"name": "x", "type": "no"}, {"name": "x", "tags": [1]}, {"name": 5},
              {"name": "x", "custom_template_uuid": "t"}, {"clone_pipeline_uuid": "none_such", "name": "x"}],
)  # fmt: skip
def test_what_cannot_be_made_is_refused(shop: Served, owner: Caller, given: dict[str, Any]) -> None:
    before = {each.name for each in (shop.folder / "pipelines").iterdir()}
    assert failed(owner.post("/api/pipelines", json={"pipeline": given}))["code"] == 500
    assert {each.name for each in (shop.folder / "pipelines").iterdir()} == before


def test_one_like_another_shares_its_blocks(shop: Served, owner: Caller) -> None:
    made = make(owner, "grind too", clone_pipeline_uuid="grind")
    assert (made["uuid"], made["tags"]) == ("grind_too", ["corn"])
    assert [each["uuid"] for each in made["blocks"]] == ["load", "sieve"]
    assert shop.run("grind_too")["status"] == "completed"
    assert make(owner, "", clone_pipeline_uuid="grind")["uuid"] == "grind_copy"


def test_a_change_touches_what_it_says_and_keeps_the_rest(shop: Served, owner: Caller) -> None:
    make(owner, "changing")
    file = shop.folder / "pipelines" / "changing" / "metadata.yaml"
    file.write_text(f"# by hand\n{file.read_text()}user: me\n")
    changed = put(
        owner,
        "changing",
        description="new",
        tags=["a"],
        retry_config={"retries": 2},
        notification_config={"alert_on": []},
        executor_config={"memory_limit": "1GiB"},
        variables={"passed": "over"},
        updated_at="never",
    )
    assert (changed["description"], changed["tags"], changed["retry_config"]) == ("new", ["a"], {"retries": 2})
    assert (changed["notification_config"], changed["executor_config"]) == ({"alert_on": []}, {"memory_limit": "1GiB"})
    assert changed["variables"] == {}
    assert file.read_text().startswith("# by hand\n")
    assert written(shop, "changing")["user"] == "me"


def test_secrets_of_its_notifications_are_masked_and_stay_when_they_are_given_back(shop: Served, owner: Caller) -> None:
    made = make(owner, "notifying")["uuid"]
    slack = {"webhook_url": "https://hooks.slack.com/services/T0/opensesame"}
    email = {"smtp_password": "hunter22hunter", "smtp_host": "mail"}
    whole = {"slack_config": slack, "email_config": email, "alert_on": ["trigger_failure"]}
    told = put(owner, made, notification_config=whole, executor_config={"api_token": "opensesame"})
    shown = told["notification_config"]
    assert shown == {
        "slack_config": {"webhook_url": "***"},
        "email_config": {"smtp_password": "***", "smtp_host": "mail"},
        "alert_on": ["trigger_failure"],
    }
    for path in ("/api/pipelines/notifying", "/api/pipelines"):
        text = shop.client(Role.VIEWER).get(path).text
        assert "opensesame" not in text
        assert "hunter22" not in text

    shown["email_config"]["smtp_host"] = "other"
    put(owner, made, notification_config=shown, executor_config=told["executor_config"])
    kept = written(shop, made)
    assert kept["notification_config"] == {**whole, "email_config": {**email, "smtp_host": "other"}}
    assert kept["executor_config"] == {"api_token": "opensesame"}


@pytest.mark.parametrize(
    "given", [{"tags": "a"}, {"type": "x"}, {"retry_config": []}, {"concurrency_config": {"pipeline_run_limit": "many"}},
              {"run_pipeline_in_one_process": "yes"}, {"name": "grind"}, {"description": {}}],
)  # fmt: skip
def test_what_cannot_be_changed_leaves_the_file_as_it_was(shop: Served, owner: Caller, given: dict[str, Any]) -> None:
    file = shop.folder / "pipelines" / "crack" / "metadata.yaml"
    before = file.read_text()
    assert failed(owner.put("/api/pipelines/crack", json={"pipeline": given}))["code"] == 500
    assert file.read_text() == before


def test_blocks_are_put_in_order_and_their_code_is_written_when_that_is_asked(shop: Served, owner: Caller) -> None:
    make(owner, "ordered", clone_pipeline_uuid="grind")
    blocks = [
        {"uuid": "sieve"},
        {"uuid": "load", "content": "@data_loader\ndef load(*args, **kwargs):\n    return {}\n"},
    ]
    assert [each["uuid"] for each in put(owner, "ordered", blocks=blocks)["blocks"]] == ["sieve", "load"]
    code = shop.folder / "data_loaders" / "load.py"
    before = code.read_text()
    assert "return {}" not in before
    owner.put("/api/pipelines/ordered?update_content=true", json={"pipeline": {"blocks": blocks}})
    assert "return {}" in code.read_text()
    code.write_text(before)


def test_under_another_name_its_runs_triggers_and_backfills_stay_its_own(either: Served) -> None:
    client = either.client()
    body = {"pipeline_schedule": {"name": "t", "schedule_type": "api", "status": "active"}}
    trigger = client.post("/api/pipelines/grind/pipeline_schedules", json=body).json()["pipeline_schedule"]
    listens = {"name": "after", "type": "event", "rules": [{"kind": "pipeline", "subject": "grind"}]}
    assert client.post("/v1/triggers", json={"pipeline": "crack", "active": True, **listens}).status_code == 201
    call = f"/api/pipeline_schedules/{trigger['id']}/pipeline_runs/{trigger['token']}"
    first = client.post(call).json()["pipeline_run"]
    either.until(lambda: client.get("/api/pipeline_runs?pipeline_uuid=crack").json()["metadata"]["count"] == 1)

    renamed = put(client, "grind", name="Mill Stones", description="harder")
    assert (renamed["uuid"], renamed["name"], renamed["description"]) == ("mill_stones", "Mill Stones", "harder")
    assert failed(client.get("/api/pipelines/grind"))["code"] == 500
    told = client.get(f"/api/pipeline_schedules/{trigger['id']}").json()["pipeline_schedule"]
    assert told["pipeline_uuid"] == "mill_stones"
    second = client.post(call).json()["pipeline_run"]
    assert second["pipeline_uuid"] == "mill_stones"
    runs = client.get("/api/pipeline_runs?pipeline_uuid=mill_stones").json()["pipeline_runs"]
    assert [each["id"] for each in runs] == [second["id"], first["id"]]
    either.until(lambda: client.get("/api/pipeline_runs?pipeline_uuid=crack").json()["metadata"]["count"] == 2)


def test_a_name_that_another_had_and_is_remembered_by_is_not_given(shop: Served, owner: Caller) -> None:
    for name in ("first", "second"):
        make(owner, name, clone_pipeline_uuid="grind")
        shop.run(name)
    owner.delete("/api/pipelines/first")
    assert (
        "already exists"
        in failed(owner.put("/api/pipelines/second", json={"pipeline": {"name": "first"}}))["exception"]
    )
    assert written(shop, "second")["name"] == "second"


def test_all_triggers_are_made_active_and_inactive_together(shop: Served, owner: Caller) -> None:
    make(owner, "together", clone_pipeline_uuid="grind")
    for name in ("one", "two"):
        body = {"pipeline_schedule": {"name": name, "schedule_interval": "@monthly"}}
        owner.post("/api/pipelines/together/pipeline_schedules", json=body)

    def statuses() -> set[str]:
        shown = owner.get("/api/pipelines/together?include_schedules=1").json()["pipeline"]
        like(shown, shapes.ShownPipeline)
        return {each["status"] for each in shown["schedules"]}

    assert statuses() == {"inactive"}
    like(put(owner, "together", status="active"), shapes.MagePipeline)
    assert statuses() == {"active"}
    put(owner, "together", status="inactive")
    assert statuses() == {"inactive"}


def test_what_is_done_to_all_runs_is_done(shop: Served, owner: Caller) -> None:
    shop.run("crack")
    put(owner, "crack", status="retry_incomplete_block_runs")
    path = "/api/pipeline_runs?pipeline_uuid=crack"
    shop.until(lambda: owner.get(path).json()["pipeline_runs"][0]["status"] == "failed")


def test_one_that_is_deleted_leaves_its_runs_and_its_triggers_paused(shop: Served, owner: Caller) -> None:
    make(owner, "short lived", clone_pipeline_uuid="grind")
    run = shop.run("short_lived")
    body = {"pipeline_schedule": {"name": "t", "schedule_interval": "@hourly", "status": "active"}}
    trigger = owner.post("/api/pipelines/short_lived/pipeline_schedules", json=body).json()["pipeline_schedule"]
    shown = put(owner, "short_lived", description="last words")
    assert owner.delete("/api/pipelines/short_lived").json() == {"pipeline": shown, "metadata": None}
    assert not (shop.folder / "pipelines" / "short_lived").exists()
    assert (shop.folder / "data_loaders" / "load.py").exists()
    left = owner.get(f"/api/pipeline_schedules/{trigger['id']}").json()["pipeline_schedule"]
    assert left["status"] == "inactive"
    assert owner.get(f"/api/pipeline_runs/{run['id']}").json()["pipeline_run"]["pipeline_uuid"] == "short_lived"


def test_lists_are_filtered_ordered_and_counted(alone: Served) -> None:
    client = alone.client()
    make(client, "Annual", tags=["corn", "oats"], type="streaming")
    put(client, "crack", tags=[])
    body = {"pipeline_schedule": {"name": "t", "schedule_type": "api", "status": "active"}}
    client.post("/api/pipelines/turn/pipeline_schedules", json=body)

    def names(query: str) -> list[str]:
        return [each["uuid"] for each in client.get(f"/api/pipelines?{query}").json()["pipelines"]]

    listed = client.get("/api/pipelines").json()
    assert listed["metadata"] == {"count": 5, "results": 5, "next": None}
    for each in listed["pipelines"]:
        like(each, shapes.MagePipeline)
    assert [(each["uuid"], each["type"]) for each in listed["pipelines"]] == [
        ("annual", "streaming"),
        ("broken", "invalid"),
        ("crack", "python"),
        ("grind", "python"),
        ("turn", "python"),
    ]
    assert names("search=R") == ["broken", "crack", "grind", "turn"]
    assert names("tag[]=oats,none") == ["annual"]
    assert names("tag[]=corn&tag[]=oats") == ["annual", "grind"]
    assert names("tag[]=no_tags") == ["broken", "crack", "turn"]
    assert names("type[]=streaming,invalid") == ["annual", "broken"]
    assert names("include_schedules=1&status[]=active") == ["turn"]
    assert names("include_schedules=1&status[]=no_schedules") == ["annual", "broken", "crack", "grind"]
    assert names("_order_by[]=-name") == ["turn", "grind", "crack", "broken", "annual"]
    assert names("_order_by[]=-triggers,name")[0] == "turn"
    assert names("_order_by[]=blocks,uuid") == ["annual", "broken", "crack", "turn", "grind"]
    page = client.get("/api/pipelines?_limit=2&_offset=2").json()
    assert page["metadata"] == {"count": 5, "results": 2, "next": True}
    assert [each["uuid"] for each in page["pipelines"]] == ["crack", "grind"]
    assert client.get("/api/pipelines/broken").json()["pipeline"]["type"] == "invalid"


def test_viewers_look_and_editors_change(shop: Served, owner: Caller) -> None:
    viewer, editor = shop.client(Role.VIEWER), shop.client(Role.EDITOR)
    refused = (
        viewer.post("/api/pipelines", json={"pipeline": {"name": "x"}}),
        viewer.put("/api/pipelines/turn", json={"pipeline": {"description": "x"}}),
        viewer.delete("/api/pipelines/turn"),
        viewer.post("/api/pipelines/turn/blocks", json={"block": {"name": "x", "type": "custom"}}),
        editor.put("/api/pipelines/turn", json={"pipeline": {"anything": 1}}),
    )
    assert [failed(answer)["code"] for answer in refused] == [403] * len(refused)
    assert "pipeline" in viewer.get("/api/pipelines/turn").json()
    assert put(editor, "turn", description="turns")["description"] == "turns"


@pytest.fixture(scope="module")
def miller(shop: Served) -> Caller:
    """Somebody who edits the pipelines of corn alone, and sees all."""
    grants = (Grant(Role.VIEWER), Grant(Role.EDITOR, "corn"))
    made = users.create(shop.app, "miller", "a good password", grants)
    return shop.caller(sessions.begin(shop.app, made).said)


def test_who_edits_the_pipelines_of_a_tag_changes_no_other_and_gives_none_away(
    shop: Served, owner: Caller, miller: Caller
) -> None:
    make(owner, "of corn", tags=["corn"])
    make(owner, "of oats", tags=["oats"])
    assert put(miller, "of_corn", description="mine")["description"] == "mine"
    refused = (
        miller.put("/api/pipelines/of_oats", json={"pipeline": {"description": "x"}}),
        miller.put("/api/pipelines/of_corn", json={"pipeline": {"tags": ["oats"]}}),
        miller.delete("/api/pipelines/of_oats"),
        miller.post("/api/pipelines", json={"pipeline": {"name": "untagged"}}),
        miller.post("/api/pipelines", json={"pipeline": {"name": "x", "clone_pipeline_uuid": "of_oats"}}),
        miller.post("/api/pipelines/of_oats/blocks", json={"block": {"name": "x", "type": "custom"}}),
    )
    assert [failed(answer)["code"] for answer in refused] == [403] * len(refused)
    assert (written(shop, "of_oats")["description"], written(shop, "of_corn")["tags"]) == (None, ["corn"])
    assert make(miller, "more corn", tags=["corn"])["uuid"] == "more_corn"


def test_a_block_that_others_share_is_changed_by_those_who_may_change_them_all(
    shop: Served, owner: Caller, miller: Caller
) -> None:
    make(owner, "oats too", tags=["oats"])
    code = "@custom\ndef shared(*args, **kwargs):\n    return {}\n"
    block = {"name": "shared", "type": "custom", "content": code}
    for name in ("oats_too", "grind"):
        owner.post(f"/api/pipelines/{name}/blocks", json={"block": {**block, "content": None}})
    by_path = {"name": "by path", "type": "custom", "configuration": {"file_path": "custom/shared.py"}}
    miller.post("/api/pipelines/grind/blocks", json={"block": by_path})
    for path, given in (
        ("/api/pipelines/grind/blocks/shared", {"content": "print('mine')\n"}),
        ("/api/pipelines/grind/blocks/by_path", {"content": "print('mine')\n"}),
        ("/api/pipelines/grind/blocks/shared", {"name": "taken"}),
    ):
        assert failed(miller.put(path, json={"block": given}))["code"] == 403
    assert "mine" not in (shop.folder / "custom" / "shared.py").read_text()
    owner.delete("/api/pipelines/oats_too/blocks/shared")
    assert (
        miller.put("/api/pipelines/grind/blocks/shared", json={"block": {"content": code}}).json()["block"]["content"]
        == code
    )
    owner.delete("/api/pipelines/grind/blocks/shared?delete_file=1")


JUNK: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, "", "x", "../x", "a" * 300, [], [None], ["x"], [{}], [{"uuid": None}], {}, {"a": {"b": [1]}},
    10**18, {"timeout": -1},
)  # fmt: skip


@pytest.mark.parametrize("kind", ["pipelines", "blocks", "pipeline_schedules", "backfills"])
def test_whatever_is_said_of_one_it_can_be_read_as_before(shop: Served, owner: Caller, kind: str) -> None:
    name = make(owner, shop.name("junk"), clone_pipeline_uuid="grind")["uuid"]
    path, names = {
        "pipelines": (f"/api/pipelines/{name}", pipelines.CHANGED),
        "blocks": (f"/api/pipelines/{name}/blocks/load", [each for each in blocks.CHANGED if each != "content"]),
        "pipeline_schedules": (f"/api/pipelines/{name}/pipeline_schedules", [*triggers.CHANGED]),
        "backfills": (f"/api/pipelines/{name}/backfills", backfills.FIELDS),
    }[kind]
    method, chosen = "PUT" if kind in ("pipelines", "blocks") else "POST", random.Random(7)
    for _ in range(40):
        given = {each: chosen.choice(JUNK) for each in chosen.sample(names, 2) if each != "name"}
        said = given if method == "PUT" else {"name": shop.name(), **given}
        answer = owner.request(method, f"{path}?_http_error_codes=1", json={kind.removesuffix("s"): said})
        assert answer.status_code in (200, 400, 404, 409), (given, answer.text)
    project.read(project.open(shop.folder), name)
    assert owner.get(f"/api/pipelines/{name}").json()["pipeline"]["type"] in pipeline_files.TYPES
