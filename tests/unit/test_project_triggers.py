"""A pipeline's triggers.yaml is read entry by entry; what is wrong with one is said, and hides no other."""

import os
from datetime import UTC, datetime

import pytest

from headrace import errors, project
from headrace.model.rule import Rule, RuleKind
from headrace.model.trigger import CatchUp, Definition, TriggerSettings, TriggerType
from headrace.project import triggers
from headrace.project.entries import Written


def opened(folder, text=None):
    """A project with the pipeline `p`, and that text as its triggers."""
    (folder / "pipelines/p").mkdir(parents=True)
    (folder / "pipelines/p/metadata.yaml").write_text("blocks: []\n")
    if text is not None:
        (folder / "pipelines/p/triggers.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return project.open(folder, {})


def entry(*fields, name="t", more=()):
    """The text of a file with one time trigger of those fields, and another one after it."""
    lines = [f"name: {name}", *fields]
    return "triggers:\n- " + "\n  ".join(lines) + "\n- name: other\n  schedule_type: api\n"


def read(folder, text):
    return triggers.read_triggers(opened(folder, text), "p")


def only(folder, *fields, kind="time", interval="'@daily'"):
    """The trigger `t` of a file that is right, and the warnings."""
    written = [f"schedule_type: {kind}", f"schedule_interval: {interval}"] if interval else [f"schedule_type: {kind}"]
    found = read(folder, entry(*written, *fields))
    assert found.faults == ()
    return found.entries[0], found.warnings


MAGE = """triggers:
- description: every night
  envs:
  - prod
  - dev
  last_enabled_at: 2024-03-01 12:30:00.250000+00:00
  name: nightly
  pipeline_uuid: p
  schedule_interval: 30 4 * * 1-5
  schedule_type: time
  settings:
    allow_blocks_to_fail: true
    create_initial_pipeline_run: true
    invalid_schedule_interval: false
    landing_time_enabled: false
    pipeline_run_limit: '3'
    skip_if_previous_running: true
    timeout: 600
    timeout_status: cancelled
  sla: 3600
  start_time: 2024-01-01 00:00:00
  status: active
  token: 0123456789abcdef0123456789abcdef
  variables:
    region: eu
    limits: {rows: 10}
- name: called
  pipeline_uuid: p
  schedule_interval: null
  schedule_type: api
  start_time: null
  last_enabled_at: null
  settings: null
  sla: null
  status: inactive
  variables: null
  envs: null
  description: null
  token: null
"""


def test_what_mage_writes_is_read(tmp_path):
    nightly = Written(
        definition=Definition(
            name="nightly",
            type=TriggerType.TIME,
            interval="30 4 * * 1-5",
            start_time=datetime(2024, 1, 1, tzinfo=UTC),
            description="every night",
            variables={"region": "eu", "limits": {"rows": 10}},
            sla=3600,
            settings=TriggerSettings(
                skip_if_previous_running=True,
                allow_blocks_to_fail=True,
                create_initial_pipeline_run=True,
                pipeline_run_limit=3,
                timeout=600.0,
                timeout_status="cancelled",
                extra={"invalid_schedule_interval": False},
            ),
        ),
        active=True,
        last_enabled_at=datetime(2024, 3, 1, 12, 30, 0, 250000, tzinfo=UTC),
        token="0123456789abcdef0123456789abcdef",
        envs=("prod", "dev"),
        pipeline="p",
        index=0,
    )
    called = Written(Definition(name="called", type=TriggerType.API), False, None, None, (), "p", 1)
    found = read(tmp_path, MAGE)
    assert found.entries == (nightly, called)
    assert found.faults == found.warnings == ()


OWN = """triggers:
- name: t
  schedule_type: event
  timezone: Europe/Paris
  tags: [a, 7]
  settings:
    catch_up: all
    retry_config: {retries: 2, delay: null}
    own: [1]
  rules:
  - {on: payload, name: order, pattern: {kind: new}}
  - on: file
    path: s3://in/*.csv
    every: 60
    settle: 0
  - {"on": pipeline, pipeline: shop/orders, statuses: [failed, cancelled]}
  - {on: dataset, dataset: sales}
  event_matchers:
  - {event_type: aws_event, name: upload, pattern: {source: aws.s3}}
"""


def test_what_headrace_adds_to_the_format_is_read(tmp_path):
    found = read(tmp_path, OWN)
    assert found.faults == found.warnings == ()
    definition = found.entries[0].definition
    assert definition == Definition(
        name="t",
        type=TriggerType.EVENT,
        zone="Europe/Paris",
        settings=TriggerSettings(retry_config={"retries": 2}, catch_up=CatchUp.ALL, extra={"own": [1]}),
        rules=(
            Rule(kind=RuleKind.PAYLOAD, subject="upload", pattern={"source": "aws.s3"}),
            Rule(kind=RuleKind.PAYLOAD, subject="order", pattern={"kind": "new"}),
            Rule(kind=RuleKind.FILE, subject="s3://in/*.csv", every=60, settle=0),
            Rule(kind=RuleKind.PIPELINE, subject="shop/orders", statuses=("failed", "cancelled")),
            Rule(kind=RuleKind.DATASET, subject="sales"),
        ),
        tags=("a", "7"),
    )


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-01-02 03:04:05", datetime(2026, 1, 2, 3, 4, 5)),
        ("'2026-01-02 03:04:05'", datetime(2026, 1, 2, 3, 4, 5)),
        ("'2026-01-02T03:04:05'", datetime(2026, 1, 2, 3, 4, 5)),
        ("'2026-01-02T03:04:05Z'", datetime(2026, 1, 2, 3, 4, 5)),
        ("2026-01-02T03:04:05Z", datetime(2026, 1, 2, 3, 4, 5)),
        ("'2026-01-02 03:04:05 UTC'", datetime(2026, 1, 2, 3, 4, 5)),
        ("'2026-01-02 03:04:05.5 +02:00'", datetime(2026, 1, 2, 1, 4, 5, 500000)),
        ("2026-01-02 03:04:05 +02:00", datetime(2026, 1, 2, 1, 4, 5)),
        ("2026-01-02 03:04:05-05:30", datetime(2026, 1, 2, 8, 34, 5)),
        ("'2026-01-02 03:04'", datetime(2026, 1, 2, 3, 4)),
        ("2026-01-02", datetime(2026, 1, 2)),
        ("' 2026-01-02 '", datetime(2026, 1, 2)),
    ],
)
def test_a_start_time_is_read_however_it_is_written(tmp_path, written, moment):
    found, _ = only(tmp_path, f"start_time: {written}")
    assert found.definition.start_time == moment.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "nothing", ["start_time: ''", "settings: {timeout: 0, timeout_status: '', catch_up: }", "status: ''", "tags: []"]
)
def test_what_says_nothing_is_as_if_it_were_not_written(tmp_path, nothing):
    found, warnings = only(tmp_path, nothing)
    assert found.definition == Definition(name="t", type=TriggerType.TIME, interval="@daily")
    assert (found.active, warnings) == (False, ())


def test_numbers_may_be_text_and_names_may_be_numbers(tmp_path):
    text = entry("schedule_interval: '@daily'", "sla: '60'", "settings: {timeout: '1.5'}", name="2024")
    definition = read(tmp_path, text).entries[0].definition
    assert (definition.name, definition.sla, definition.settings.timeout) == ("2024", 60, 1.5)


def test_an_interval_makes_a_trigger_without_a_type_one_of_time(tmp_path):
    (found, _) = read(tmp_path, entry("schedule_interval: '@hourly'")).entries
    assert found.definition.type is TriggerType.TIME


def test_an_interval_is_kept_as_it_is_typed(tmp_path):
    found, _ = only(tmp_path, interval="'  0  4 * * MON '")
    assert found.definition.interval == "  0  4 * * MON "


def test_templates_are_not_rendered(tmp_path):
    found, _ = only(tmp_path, "variables: {password: \"{{ env_var('PATH') }}\"}")
    assert found.definition.variables == {"password": "{{ env_var('PATH') }}"}


TIME = ("schedule_type: time", "schedule_interval: '@daily'")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (("schedule_type: time",), "2: triggers[0].schedule_interval: nothing is written; expected @hourly, @daily or"),
        (("schedule_type: time", "schedule_interval: ' '"), "4: triggers[0].schedule_interval: ' ' is written; expec"),
        (("schedule_interval: '61 * * * *'",), "3: triggers[0].schedule_interval: '61 * * * *' is written; expected"),
        (("schedule_interval: '@yearly'",), "3: triggers[0].schedule_interval: '@yearly' is written; expected"),
        (("schedule_interval: 0 0 30 2 *",), "3: triggers[0].schedule_interval: '0 0 30 2 *' is written; expected"),
        (("schedule_interval: 5",), "3: triggers[0].schedule_interval: 5 is written; expected"),
        (("schedule_interval: [x]",), "3: triggers[0].schedule_interval: a list is written; expected text"),
        ((), "2: triggers[0].schedule_type: nothing is written; expected one of time, api, event"),
        (("schedule_type: backfill",), "3: triggers[0].schedule_type: 'backfill' is written; expected one of time, ap"),
        (
            ("schedule_type: {}",),
            "3: triggers[0].schedule_type: a mapping is written; expected one of time, api, event",
        ),
        ((*TIME, "timezone: Mars/Base"), "5: triggers[0].timezone: 'Mars/Base' is written; expected the name of"),
        (("schedule_type: api", "timezone: Mars"), "4: triggers[0].timezone: 'Mars' is written; expected the name of"),
        (
            (*TIME, "start_time: tomorrow"),
            "5: triggers[0].start_time: 'tomorrow' is written; expected a moment such as",
        ),
        ((*TIME, "start_time: 1700000000"), "5: triggers[0].start_time: 1700000000 is written; expected a moment such"),
        ((*TIME, "start_time: true"), "5: triggers[0].start_time: True is written; expected a moment such as"),
        ((*TIME, "start_time: '0001-01-01 00:00+05:00'"), "5: triggers[0].start_time: '0001-01-01 00:00+05:00' is"),
        ((*TIME, "last_enabled_at: x"), "5: triggers[0].last_enabled_at: 'x' is written; expected a moment such as"),
        (
            (
                *TIME,
                "timezone: Asia/Tokyo",
                "start_time: 9999-12-31 23:00:00",
                "settings: {landing_time_enabled: true}",
            ),
            "6: triggers[0].start_time: '9999-12-31T23:00:00' is written; expected a moment that the zone's calendar",
        ),
        ((*TIME, "status: on"), "5: triggers[0].status: True is written; expected one of active, inactive"),
        ((*TIME, "variables: [1]"), "5: triggers[0].variables: a list is written; expected a mapping"),
        ((*TIME, "sla: 0"), "5: triggers[0].sla: 0 is written; expected a whole number, 1 or more"),
        ((*TIME, "sla: 1.5"), "5: triggers[0].sla: 1.5 is written; expected a whole number, 1 or more"),
        ((*TIME, "settings: []"), "5: triggers[0].settings: a list is written; expected a mapping"),
        ((*TIME, "settings: {timeout: soon}"), "5: triggers[0].settings.timeout: 'soon' is written; expected a number"),
        ((*TIME, "settings: {timeout: -1}"), "5: triggers[0].settings.timeout: -1 is written; expected a number of"),
        (
            (*TIME, "settings:", "  timeout: 1", "  timeout_status: completed"),
            "7: triggers[0].settings.timeout_status: 'completed' is written; expected failed or cancelled",
        ),
        ((*TIME, "settings: {pipeline_run_limit: 0}"), "5: triggers[0].settings.pipeline_run_limit: 0 is written; exp"),
        ((*TIME, "settings: {allow_blocks_to_fail: 1}"), "5: triggers[0].settings.allow_blocks_to_fail: 1 is written"),
        (
            (*TIME, "settings: {catch_up: some}"),
            "settings.catch_up: 'some' is written; expected one of last, all, none",
        ),
        ((*TIME, "settings: {retry_config: {delay: -1}}"), "5: triggers[0].settings.retry_config.delay: delay is -1;"),
        ((*TIME, "envs: prod"), "5: triggers[0].envs: 'prod' is written; expected a list"),
        ((*TIME, "envs: [dev, '']"), "5: triggers[0].envs[1]: nothing is written; expected a name"),
        ((*TIME, "tags: [[1]]"), "5: triggers[0].tags[0]: a list is written; expected text"),
        ((*TIME, "token: [1]"), "5: triggers[0].token: a list is written; expected text"),
        ((*TIME, 'description: "a\\0"'), "5: triggers[0].description: a text with a NUL in it cannot be kept"),
        ((*TIME, 'variables: {a: [{"b\\0": 1}]}'), "variables.a[0]: a text with a NUL in it cannot be kept"),
        ((*TIME, "variables: {n: .nan}"), "5: triggers[0].variables.n: nan is no number that can be kept"),
        ((*TIME, "start_time: 2026-99-01"), "2: triggers[0]: a value is not of the kind it is written as (month must"),
        ((*TIME, "variables: !!python/name:os.system x"), "5: triggers[0]: could not determine a constructor for the"),
        (("schedule_type: event", "rules: {}"), "4: triggers[0].rules: a mapping is written; expected a list"),
        (("schedule_type: event", "rules: [x]"), "4: triggers[0].rules[0]: 'x' is written; expected a mapping"),
        (
            ("schedule_type: event", "rules: [{}]"),
            "4: triggers[0].rules[0].on: nothing is written; expected one of pay",
        ),
        (
            ("schedule_type: event", "rules: [{on: mail}]"),
            "4: triggers[0].rules[0].on: 'mail' is written; expected one",
        ),
        (("schedule_type: event", "rules: [{on: file}]"), "rules[0].path: nothing is written; expected a path or URL"),
        (("schedule_type: event", "rules: [{on: dataset, dataset: ''}]"), "expected the name of a dataset"),
        (
            ("schedule_type: event", "rules: [{on: file, path: x, statuses: [failed]}]"),
            "rules[0].statuses: a rule on file has no such field; it has every, path, settle",
        ),
        (
            ("schedule_type: event", "rules: [{on: file, path: x, every: 0}]"),
            "rules[0].every: 0 is written; expected a",
        ),
        (
            ("schedule_type: event", "rules: [{on: file, path: x, settle: -1}]"),
            "rules[0].settle: -1 is written; expect",
        ),
        (
            ("schedule_type: event", "rules: [{on: pipeline, pipeline: q, statuses: [running]}]"),
            "rules[0].statuses[0]: 'running' is written; expected one of cancelled, completed, failed",
        ),
        (("schedule_type: event", "event_matchers: [{pattern: x}]"), "event_matchers[0].pattern: 'x' is written; expe"),
    ],
)
def test_a_field_at_fault_is_named_and_the_next_entry_is_read(tmp_path, fields, said):
    found = read(tmp_path, entry(*fields))
    (fault,) = found.faults
    assert str(fault).startswith("pipelines/p/triggers.yaml line ")
    assert said in str(fault)
    assert [each.definition.name for each in found.entries] == ["other"]


@pytest.mark.parametrize(
    ("written", "said", "name"),
    [
        ("schedule_type: api", "triggers[0].name: nothing is written; expected a name, as text", None),
        ("{name: yes, schedule_type: api}", "triggers[0].name: True is written; expected a name, as text", None),
        ("{name: ' ', schedule_type: api}", "triggers[0].name: ' ' is written; expected a name, as text", None),
        ('{name: "a\\n", schedule_type: api}', "triggers[0].name: a name of nothing unprintable is expected", None),
        ("text", "triggers[0]: 'text' is written; expected a mapping", None),
        ("", "triggers[0].name: nothing is written; expected a name, as text", None),
        ("{name: t, schedule_type: x}", "triggers[0].schedule_type: 'x' is written", "t"),
    ],
)
def test_a_fault_has_the_name_of_its_entry_where_there_is_one(tmp_path, written, said, name):
    found = read(tmp_path, f"triggers:\n- {written}\n- {{name: other, schedule_type: api}}\n")
    (fault,) = found.faults
    assert said in str(fault)
    assert fault.name == name
    assert [each.index for each in found.entries] == [1]


def test_of_two_triggers_of_one_name_the_second_is_a_fault(tmp_path):
    found = read(tmp_path, "triggers:\n- {name: 1, schedule_type: api}\n- {name: '1', schedule_type: api, sla: 5}\n")
    assert [each.definition.sla for each in found.entries] == [None]
    (fault,) = found.faults
    assert str(fault) == (
        "pipelines/p/triggers.yaml line 3: triggers[1].name: two triggers are named '1'; the first one counts"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- name: t\n", "line 1: the whole file: a list is written; expected a mapping"),
        ("just text", "line 1: the whole file: 'just text' is written; expected a mapping"),
        ("a: 1\ntriggers: {t: {}}\n", "line 2: triggers: a mapping is written; expected a list"),
        ("triggers:\n- a: b: c\n", "line 2 column 7: this is not YAML: mapping values are not allowed in this context"),
        ("triggers: []\nother: 2026-99-99\n", "this is not YAML: a value is not of the kind it is written as (month"),
        ("triggers: []\nother: .inf\n", "line 2: other: inf is no number that can be kept"),
        ("[" * 1000, "line 1 column 65: this is not YAML: it is nested deeper than 64 levels"),
        (b"triggers: \xff", "triggers.yaml: the file: it is not UTF-8: byte 0xff in line 1"),
        ("#" * (2**20 + 1), "triggers.yaml: the file: it has more than 1048576 bytes"),
    ],
)
def test_a_file_at_fault_has_one_fault_and_no_entries(tmp_path, text, said):
    found = read(tmp_path, text)
    (fault,) = found.faults
    assert said in str(fault)
    assert (found.entries, fault.name) == ((), None)
    assert found.changed is not None


def test_aliases_that_repeat_without_end_are_a_fault_of_their_entry(tmp_path):
    found = read(tmp_path, "triggers:\n- {name: other, schedule_type: api}\n- &a {name: t, variables: [*a]}\n")
    assert [each.definition.name for each in found.entries] == ["other"]
    assert str(found.faults[0]).startswith("pipelines/p/triggers.yaml line 3: triggers[1]: its aliases repeat")


@pytest.mark.parametrize("text", [None, "", "# nothing\n", "---\n", "triggers:\n", "triggers: []\n", "{}"])
def test_a_file_that_says_nothing_has_no_triggers(tmp_path, text):
    found = read(tmp_path, text)
    assert (found.entries, found.faults, found.warnings) == ((), (), ())
    assert (found.changed is None) == (text is None)


def test_what_is_passed_over_is_said(tmp_path):
    text = "more: 1\n" + entry(
        "schedule_type: api",
        "schedule_interval: '@daily'",
        "pipeline_uuid: q",
        "colour: red",
        "rules: [{on: dataset, dataset: d}]",
        "variables: {day: 2026-01-01}",
    )
    found = read(tmp_path, text)
    assert found.faults == ()
    assert (found.entries[0].pipeline, found.entries[0].definition.interval) == ("p", None)
    assert found.entries[0].definition.rules == ()
    assert sorted(found.warnings) == [
        "more: this is no field of a file of triggers; it is passed over",
        "triggers[0].colour: this is no field of a trigger; it is passed over",
        "triggers[0].pipeline_uuid: 'q' is not the pipeline of this folder; 'p' is taken",
        "triggers[0].rules: a trigger of type api has no rules; they are passed over",
        "triggers[0].schedule_interval: a trigger of type api has no interval; it is passed over",
        "triggers[0].variables.day: this is a date; blocks are given it as text",
    ]


def test_an_event_trigger_without_rules_is_read_and_said(tmp_path):
    found, warnings = only(tmp_path, kind="event", interval=None)
    assert found.definition.rules == ()
    assert warnings == ("triggers[0].rules: an event trigger without rules begins no runs",)


def test_of_an_entry_with_a_fault_nothing_else_is_said(tmp_path):
    assert read(tmp_path, entry("schedule_type: api", "schedule_interval: x", "sla: x")).warnings == ()


@pytest.mark.parametrize(("text", "later"), [("triggers: [ ]\n", 0), ("triggers: []\n", 1)])
def test_the_mark_changes_with_the_size_and_the_time_of_the_file(tmp_path, text, later):
    found = opened(tmp_path, "triggers: []\n")
    file = tmp_path / "pipelines/p/triggers.yaml"
    time = file.stat().st_mtime_ns
    before = triggers.read_triggers(found, "p").changed
    assert triggers.mark(found, "p") == before
    file.write_text(text)
    os.utime(file, ns=(time, time + later))
    assert triggers.mark(found, "p") != before
    assert triggers.read_triggers(found, "p").changed == triggers.mark(found, "p")


def test_a_pipeline_that_is_none_is_refused(tmp_path):
    with pytest.raises(errors.PipelineNotFound):
        triggers.read_triggers(opened(tmp_path), "../p")


@pytest.mark.parametrize(
    ("envs", "env", "applies"),
    [
        ("[]", None, True),
        ("[]", "dev", True),
        ("[dev, prod]", "dev", True),
        ("[dev]", "prod", False),
        ("[dev]", None, False),
    ],
)
def test_a_trigger_applies_in_the_environments_it_names(tmp_path, envs, env, applies):
    found, _ = only(tmp_path, f"envs: {envs}")
    assert triggers.applies(found, env) is applies
