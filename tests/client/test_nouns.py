"""What a client asks of a server, noun by noun."""

from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest
from tests.api.conftest import Served

from headrace import Client, errors, version
from headrace.model.access import Grant, Role
from headrace.model.query import Query, Span
from headrace.model.run import BlockStatus, RunStatus
from headrace.model.trigger import BackfillStatus, TriggerType

DAY = datetime(2026, 1, 31, tzinfo=UTC)


def test_a_run_is_begun_and_looked_at(client: Client) -> None:
    run = client.runs.create("grind", variables={"day": "2026-01-31"}, wait=30)
    assert (run.status, run.project, run.variables) == (RunStatus.COMPLETED, "mill", {"day": "2026-01-31"})
    whole = client.runs.get(run.id)
    assert [(each.block, each.upstream_blocks) for each in whole.blocks] == [("load", ()), ("sieve", ("load",))]
    assert whole.blocks[0].attempts[0].outputs[0].kind == "dict"
    assert whole.ended_at is not None
    assert whole.ended_at.tzinfo is not None
    assert client.runs.block(run.id, "sieve") == whole.blocks[1]
    assert client.runs.why(run.id)[0].kind == "completed"
    assert client.version() == version.__version__


def test_a_run_of_some_blocks_with_a_key(client: Client) -> None:
    client.runs.create("grind", wait=30)
    one, is_new = client.runs.begin("grind", "mill", only=["sieve"], timeout=60, key="sieve it", wait=30)
    same, is_still_new = client.runs.begin("grind", "mill", only=["sieve"], timeout=60, key="sieve it")
    assert (is_new, is_still_new, one.id) == (True, False, same.id)
    assert (one.selection, one.settings.timeout) == ({"only": ["sieve"]}, 60)
    assert client.runs.get(one.id).blocks[0].reused_from_run is not None


def test_a_failed_run_goes_on(client: Client) -> None:
    run = client.runs.create("crack", wait=30)
    whole = client.runs.get(run.id)
    failure = whole.blocks[0].attempts[0].failure
    assert failure is not None
    assert (failure.type, failure.message) == ("ValueError", "the stone is cracked")
    assert client.runs.retry(run.id).again == ("crack",)
    list(client.runs.follow(whole))
    assert [each.status for each in client.runs.get(run.id).blocks[0].attempts] == [BlockStatus.FAILED] * 2


def test_a_run_is_cancelled_and_followed(client: Client, tmp_path: Path) -> None:
    run = client.runs.create("turn", variables={"until": str(tmp_path / "never")})
    events = client.runs.follow(client.runs.get(run.id))
    client.runs.cancel(run.id)
    assert [each.kind for each in events][-1] == "run.end"
    assert client.runs.get(run.id).status is RunStatus.CANCELLED


def test_lists_are_gone_through_page_by_page(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [client.runs.create("grind", variables={"list": "pages"}, wait=30).id for _ in range(3)]
    monkeypatch.setattr("headrace.client.runs.PAGE", 2)
    found = client.runs.list(pipeline="grind", statuses=["completed"], variables={"list": "pages"})
    assert [each.id for each in found] == ids[::-1]
    assert client.runs.page(Query(created=Span(since=DAY)), limit=1).runs[0].id == ids[-1]
    counts = client.runs.counts(project="mill", pipeline="grind")
    assert (counts["completed"] >= 3, counts["failed"]) == (True, 0)


def test_lines_of_a_log(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    run = client.runs.create("grind", variables={"day": "1"}, wait=30).id
    monkeypatch.setattr("headrace.client.runs.LINES", 1)
    assert [(each.block, each.message) for each in client.runs.logs(run)] == [("load", "loading 1")]
    assert [each.message for each in client.runs.logs(run, follow=True, block="load")] == ["loading 1"]
    assert [each.message for each in client.runs.logs(run, tail=5)] == ["loading 1"]
    assert list(client.runs.logs(run, text="nothing of that")) == []


def test_outputs(client: Client) -> None:
    run = client.runs.create("grind", variables={"day": "x"}, wait=30).id
    (kept,) = client.outputs.list(run, "sieve")
    assert (kept.name, kept.kind) == ("output_0", "list")
    assert client.outputs.read(run, "sieve", kept.name).value == [2, 3]
    assert client.outputs.head(run, "sieve", kept.name, rows=1).rows == ((2,),)
    with pytest.raises(errors.OutputNotFound):
        client.outputs.read(run, "sieve", "no_such")


def test_triggers(client: Client) -> None:
    rule = {"kind": "payload", "pattern": {"grain": ["rye"]}}
    made = client.triggers.create("grind", {"name": "on rye", "type": "event", "rules": [rule]})
    assert (made.type, made.rules[0].pattern, made.active) == (TriggerType.EVENT, {"grain": ["rye"]}, True)
    changed = client.triggers.change(made.id, type="time", interval="@daily", variables={"region": "eu"})
    assert (changed.interval, changed.rules, changed.variables) == ("@daily", (), {"region": "eu"})
    assert client.triggers.find("grind/on rye").id == made.id
    assert isinstance(changed.next, tuple)
    assert len(changed.next) == 5
    assert not client.triggers.pause(made.id).active
    assert client.triggers.resume(made.id).active
    assert client.triggers.rotate(made.id) == client.triggers.token(made.id)
    run = client.triggers.run(made.id, variables={"day": "2"}, execution_date=DAY, wait=30)
    assert (run.trigger, run.execution_date, run.status) == ("on rye", DAY, RunStatus.COMPLETED)
    assert made.id in [each.id for each in client.triggers.list(pipeline="grind")]
    client.triggers.delete(made.id)
    with pytest.raises(errors.TriggerNotFound):
        client.triggers.get(made.id)


def test_what_is_masked_stays_as_it_was_when_it_is_given_back(client: Client, here: Served) -> None:
    secret = {"api_key": "a-key-of-nobody", "region": "eu"}
    made = client.triggers.create("grind", {"name": "masked", "type": "api", "variables": secret})
    assert made.variables == {"api_key": "***", "region": "eu"}
    client.triggers.change(made.id, variables={**made.variables, "region": "us"})
    kept = here.app.store.triggers.get(made.id).definition.variables
    assert kept == {"api_key": "a-key-of-nobody", "region": "us"}


def test_backfills(client: Client) -> None:
    days = DAY.replace(day=1), DAY.replace(day=3)
    assert client.backfills.foresee("grind", *days).runs == 3
    made = client.backfills.create("grind", *days, name="January", variables={"day": "x"})
    assert client.backfills.plan(made.id).plan == made.plan
    with pytest.raises(errors.PlanChanged):
        client.backfills.start(made.id, plan="0000")
    assert client.backfills.start(made.id, plan=made.plan).dates == 3
    assert client.backfills.pause(made.id).status is BackfillStatus.PAUSED
    assert client.backfills.resume(made.id).status is BackfillStatus.RUNNING
    assert client.backfills.cancel(made.id).status is BackfillStatus.CANCELLED
    assert next(client.backfills.list(pipeline="grind")).name == "January"
    assert client.backfills.get(made.id).project == "mill"


def test_events(client: Client) -> None:
    one = client.events.post({"kind": "order"}, key="order 1")
    assert client.events.post({"kind": "order"}, key="order 1") == one
    assert one in [each.uid for each in islice(client.events.list(), 20)]
    with pytest.raises(errors.KeyReused):
        client.events.post({"kind": "other"}, key="order 1")


def test_projects_and_pipelines(client: Client, here: Served) -> None:
    assert [each.name for each in client.projects.list()] == ["mill"]
    assert client.projects.register(str(here.folder)) == client.projects.get("mill")
    found = {each.name: each for each in client.pipelines.list("mill")}
    assert (found["grind"].blocks, found["grind"].tags) == (2, ("corn",))
    assert found["broken"].error
    assert [each["uuid"] for each in client.pipelines.get("mill", "grind")["blocks"]] == ["load", "sieve"]


def test_tokens_secrets_and_engines(client: Client, here: Served) -> None:
    token, said = client.tokens.create("a visitor", Role.VIEWER, days=1)
    assert (token.role, token.name in [each.name for each in client.tokens.list()]) == (Role.VIEWER, True)
    with Client(client.url, said) as visitor:
        with pytest.raises(errors.NotAllowed):
            visitor.runs.create("grind")
        assert client.tokens.revoke(token.id).revoked_at is not None
    client.secrets.set("MILL_KEY", "hush", project="mill")
    assert [(each.name, each.project, each.opens) for each in client.secrets.list()] == [("MILL_KEY", "mill", True)]
    client.secrets.delete("MILL_KEY", project="mill")
    assert client.secrets.list() == ()
    assert [each.name for each in client.engines.list()] == [here.app.owner]


def test_users(client: Client) -> None:
    grants = [Grant(Role.EDITOR, "corn"), Grant(Role.VIEWER)]
    made = client.users.create("ada", "a long password", grants, email="Ada@mill.example", first_name="Ada")
    assert (made.first_name, set(made.grants)) == ("Ada", set(grants))
    for named in (made.id, "ADA", " ada@mill.example"):
        assert client.users.find(named) == made
    assert made in client.users.list()
    changed = client.users.change(made.id, last_name="Byron", grants=[Grant(Role.ADMIN)], active=False)
    assert (changed.last_name, changed.first_name, changed.role, changed.active) == ("Byron", "Ada", Role.ADMIN, False)
    with pytest.raises(errors.UserExists):
        client.users.create("ada", "a long password")
    client.users.delete(made.id)
    for named in (made.id, "ada"):
        with pytest.raises(errors.UserNotFound):
            client.users.find(named)


def test_the_audit_is_gone_through_page_by_page(client: Client, here: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headrace.client.audit.PAGE", 1)
    for name in ("AUDITED_1", "AUDITED_2"):
        client.secrets.set(name, "hush")
        client.secrets.delete(name)
    here.app.store.auditor.close()
    found = list(islice(client.audit.list(noun="secrets", deed="secrets.delete"), 2))
    assert [each.deed.object for each in found] == ["AUDITED_2", "AUDITED_1"]
    assert next(client.audit.list(before=found[0].id, deed="secrets.delete")) == found[1]


def test_cleaning(client: Client) -> None:
    foreseen = client.cleaning.foresee()
    assert (foreseen.dry_run, foreseen.faults) == (True, ())
    cleaned = client.cleaning.clean()
    assert (cleaned.dry_run, cleaned.cleaned) == (False, foreseen.cleaned)


def test_a_pipeline_is_applied(client: Client) -> None:
    step = {"name": "one", "query": "select 1 as n", "output_datasets": ["applied"]}
    definition = {"name": "Applied by a client", "steps": [step]}
    assert client.pipelines.apply(definition, dry_run=True).version is None
    made = client.pipelines.apply(definition)
    assert (made.pipeline, made.title, made.deed) == ("applied_by_a_client", "Applied by a client", "created")
    assert client.pipelines.apply(definition).deed == "unchanged"
    steps = client.pipelines.lineage("authored", made.pipeline, made.version or "")["steps"]
    assert [(each["block"], each["writes"]) for each in steps] == [(step["name"], step["output_datasets"])]
    assert client.pipelines.lineage("authored", made.pipeline)["steps"] == steps
    with pytest.raises(errors.BadBlock, match="The block one"):
        client.pipelines.apply({**definition, "steps": [{**step, "query": "selec"}]})
