"""A triggers.yaml is kept in step with what was decided elsewhere, and what else it says stays to the letter."""

import difflib
import resource
import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.unit.test_project_triggers import opened

from headrace import errors
from headrace.model.rule import Rule, RuleKind
from headrace.model.trigger import CatchUp, Definition, TriggerSettings, TriggerType
from headrace.project import trigger_files, triggers
from headrace.project.entries import Written

FILE = "pipelines/p/triggers.yaml"
NEW = Written(Definition(name="new", type=TriggerType.API), False, None, None, (), "p", 0)


def text_of(folder):
    return (folder / FILE).read_bytes().decode()


def changed(folder, text, name="t", active=None, settings=None, also=None, **definition):
    """The lines that writing a trigger takes out of the text and puts in, as a difference has them."""
    found = opened(folder, text)
    (before,) = (each for each in triggers.read_triggers(found, "p").entries if each.definition.name == name)
    given = replace(before.definition, settings=replace(before.definition.settings, **(settings or {})), **definition)
    after = replace(before, definition=given, active=before.active if active is None else active, **(also or {}))
    trigger_files.write_trigger(found, "p", after)
    assert after in triggers.read_triggers(found, "p").entries
    lines = difflib.unified_diff(text.splitlines(), text_of(folder).splitlines(), n=0, lineterm="")
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


HAND = """\
# our triggers
triggers:
  - name: t   # by hand
    schedule_type: time
    schedule_interval: "@daily"
    start_time: '2024-01-01T00:00:00Z'
    sla: ~
    token: null  # none yet
    envs: []
    colour: red
    settings:  # how
        allow_blocks_to_fail: True
        # at most a minute
        timeout:   60  # seconds
    variables: {a: 1,b: [ 1, 2 ], yes: no}
    description: >
      folded
      text

  # the other

  - {name: other, schedule_type: api, start_time: 2024-01-01 00:00:00}
# the end
"""


@pytest.mark.parametrize(
    ("given", "lines"),
    [
        ({}, []),
        ({"interval": "0 4 * * *"}, ['-    schedule_interval: "@daily"', "+    schedule_interval: 0 4 * * *"]),
        ({"sla": 60}, ["-    sla: ~", "+    sla: 60"]),
        (
            {"also": {"token": "abc"}},
            ["-    token: null  # none yet", "+    token: abc  # none yet"],
        ),
        ({"also": {"envs": ("dev",)}}, ["-    envs: []", "+    envs:", "+    - dev"]),
        ({"settings": {"timeout": 90.0}}, ["-        timeout:   60  # seconds", "+        timeout:   90  # seconds"]),
        ({"settings": {"timeout": None}}, ["-        timeout:   60  # seconds"]),
        ({"settings": {"allow_blocks_to_fail": False}}, ["-        allow_blocks_to_fail: True"]),
        ({"settings": {"catch_up": CatchUp.ALL}}, ["+        catch_up: all"]),
        (
            {"settings": {"allow_blocks_to_fail": False, "timeout": None}},
            [
                "-    settings:  # how",
                "-        allow_blocks_to_fail: True",
                "-        # at most a minute",
                "-        timeout:   60  # seconds",
                "+    settings: null  # seconds",
            ],
        ),
        (
            {"variables": {"a": 2, "b": [1, 2], "false": False}},
            ["-    variables: {a: 1,b: [ 1, 2 ], yes: no}", "+    variables: {a: 2,b: [ 1, 2 ], 'false': false}"],
        ),
        (
            {"variables": {"b": [1, 2], "true": False}},
            ["-    variables: {a: 1,b: [ 1, 2 ], yes: no}", "+    variables: {b: [ 1, 2 ], yes: no}"],
        ),
        (
            {"variables": {"a": True, "b": [1, 2], "true": False}},
            ["-    variables: {a: 1,b: [ 1, 2 ], yes: no}", "+    variables: {a: true,b: [ 1, 2 ], yes: no}"],
        ),
        ({"variables": {}}, ["-    variables: {a: 1,b: [ 1, 2 ], yes: no}", "+    variables: null"]),
        (
            {"description": "one\ntwo"},
            ["-    description: >", "-      folded", "-      text", '+    description: "one\\ntwo"'],
        ),
        ({"zone": "Europe/Paris"}, ["+    timezone: Europe/Paris"]),
        ({"active": True}, ["+    status: active"]),
        (
            {"start_time": datetime(2025, 1, 1, 6, tzinfo=UTC)},
            ["-    start_time: '2024-01-01T00:00:00Z'", "+    start_time: 2025-01-01 06:00:00+00:00"],
        ),
        (
            {"name": "other", "start_time": None, "active": True},
            [
                "-  - {name: other, schedule_type: api, start_time: 2024-01-01 00:00:00}",
                "+  - {name: other, schedule_type: api, start_time: null, status: active}",
            ],
        ),
        (
            {"name": "other", "also": {"last_enabled_at": datetime(2025, 1, 1, 6, 0, 0, 7, tzinfo=UTC)}},
            [
                "-  - {name: other, schedule_type: api, start_time: 2024-01-01 00:00:00}",
                "+  - {name: other, schedule_type: api, start_time: 2024-01-01 00:00:00, "
                "last_enabled_at: 2025-01-01 06:00:00.000007+00:00}",
            ],
        ),
    ],
)
def test_only_what_differs_is_touched(tmp_path, given, lines):
    assert changed(tmp_path, HAND, **given) == lines


def test_a_new_entry_is_put_at_the_end_with_what_there_is_to_say(tmp_path):
    given = Definition(
        name="new",
        type=TriggerType.EVENT,
        description="x",
        variables={"on": True, "n": [1, {"a": None}], "text": "012"},
        settings=TriggerSettings(timeout=1.5, extra={"own": "yes"}),
        rules=(Rule(kind=RuleKind.FILE, subject="in/*", every=30.0), Rule(kind=RuleKind.PIPELINE, subject="q")),
        tags=("a",),
    )
    found = opened(tmp_path, HAND)
    trigger_files.write_trigger(found, "p", replace(NEW, definition=given, active=True))
    assert text_of(tmp_path) == HAND.removesuffix("# the end\n") + (
        """\
  - name: new
    description: x
    pipeline_uuid: p
    schedule_type: event
    schedule_interval: null
    start_time: null
    status: active
    variables:
      'on': true
      n:
      - 1
      - a: null
      text: '012'
    settings:
      timeout: 1.5
      own: 'yes'
    rules:
    - 'on': file
      path: in/*
      every: 30
    - 'on': pipeline
      pipeline: q
    tags:
    - a
# the end
"""
    )
    assert triggers.read_triggers(found, "p").entries[-1] == Written(given, True, None, None, (), "p", 2)


ENTRY = """\
- name: new
  pipeline_uuid: p
  schedule_type: api
  schedule_interval: null
  start_time: null
  status: inactive
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, "triggers:\n" + ENTRY),
        ("", "triggers:\n" + ENTRY),
        ("# ours\n", "# ours\ntriggers:\n" + ENTRY),
        ("# ours", "# ours\ntriggers:\n" + ENTRY),
        ("---\n", "---\ntriggers:\n" + ENTRY),
        ("{}\n", "\ntriggers:\n" + ENTRY),
        ("triggers:\n", "triggers:\n" + ENTRY),
        ("triggers: []\n", "triggers:\n" + ENTRY),
        ("triggers: null\nmore: 1\n", "triggers:\n" + ENTRY + "more: 1\n"),
        ("more: 1", "more: 1\ntriggers:\n" + ENTRY),
        ("triggers:\n- {name: t, schedule_type: api}", "triggers:\n- {name: t, schedule_type: api}\n" + ENTRY),
        ("triggers:\r\n- name: t\r\n", ("triggers:\n- name: t\n" + ENTRY).replace("\n", "\r\n")),
        (
            "triggers: [{name: t, schedule_type: api}, ]\n",
            "triggers: [{name: t, schedule_type: api}, {name: new, pipeline_uuid: p, schedule_type: api, "
            "schedule_interval: null, start_time: null, status: inactive}, ]\n",
        ),
        (
            "triggers:\n- name: t\n  description: |+\n    text\n\n\n# end\n",
            "triggers:\n- name: t\n  description: |+\n    text\n\n\n" + ENTRY + "# end\n",
        ),
    ],
)
def test_a_first_entry_finds_its_place_however_little_there_is(tmp_path, before, after):
    trigger_files.write_trigger(opened(tmp_path, before), "p", NEW)
    assert text_of(tmp_path) == after


def test_values_are_quoted_as_the_reader_needs_it(tmp_path):
    texts = [
        "yes",
        "012",
        "1:30",
        "~",
        "2026-01-01",
        "a: b",
        "# c",
        "x\u2028y",
        "\ufeff",
        "😀",
        "\x85",
        "<<",
        "",
        " a ",
    ]
    given = replace(NEW.definition, variables={text: [text, {text: text}] for text in texts})
    found = opened(tmp_path)
    trigger_files.write_trigger(found, "p", replace(NEW, definition=given))
    assert triggers.read_triggers(found, "p").entries[0].definition == given


def test_rules_take_the_place_of_event_matchers(tmp_path):
    text = "triggers:\n- name: t\n  schedule_type: event\n  event_matchers:\n  - {name: a, pattern: {k: 1}}\n"
    assert changed(tmp_path, text, rules=(Rule(kind=RuleKind.DATASET, subject="d"),)) == [
        "-  event_matchers:",
        "-  - {name: a, pattern: {k: 1}}",
        "+  event_matchers: null",
        "+  rules:",
        "+  - 'on': dataset",
        "+    dataset: d",
    ]


def test_event_matchers_stay_while_the_rules_do(tmp_path):
    text = "triggers:\n- name: t\n  schedule_type: event\n  event_matchers:\n  - {name: a, pattern: {k: 1}}\n"
    assert changed(tmp_path, text, sla=5) == ["+  sla: 5"]


def test_what_is_passed_over_stays(tmp_path):
    text = "triggers:\n- name: t\n  schedule_type: api\n  schedule_interval: '@daily'\n  pipeline_uuid: q\n"
    assert changed(tmp_path, text, sla=5) == ["+  sla: 5"]


def test_an_entry_with_a_fault_is_put_right(tmp_path):
    found = opened(tmp_path, "triggers:\n- name: new  # ours\n  sla: x\n  schedule_type: api\n  own: 1\n")
    trigger_files.write_trigger(found, "p", NEW)
    assert text_of(tmp_path) == (
        "triggers:\n- name: new  # ours\n  sla: null\n  schedule_type: api\n  own: 1\n"
        "  pipeline_uuid: p\n  status: inactive\n"
    )
    assert triggers.read_triggers(found, "p").faults == ()


def test_an_entry_with_a_fault_stays_beside_the_one_that_is_written(tmp_path):
    text = "triggers:\n- name: bad\n  start_time: 2026-99-99\n- name: t\n  schedule_type: api\n"
    assert changed(tmp_path, text, sla=5) == ["+  sla: 5"]


def test_what_an_entry_takes_from_elsewhere_is_overridden_in_it(tmp_path):
    text = (
        "base: &base {schedule_type: api, sla: 1}\nvars: &vars {a: 1}\n"
        "triggers:\n- <<: *base\n  name: t\n  variables: *vars\n  settings: {<<: *vars, timeout: 1}\n"
    )
    assert changed(tmp_path, text, sla=5, variables={"a": 2}, settings={"timeout": 2.0}) == [
        "-  variables: *vars",
        "-  settings: {<<: *vars, timeout: 1}",
        "+  variables:",
        "+    a: 2",
        "+  settings: {timeout: 2, a: 1}",
        "+  sla: 5",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "triggers:\n- {name: new, schedule_type: api, settings: &s {timeout: 1}}\n"
            "- {name: b, schedule_type: api, settings: *s}\n",
            "triggers[1]: it shares lines or an anchor with something else; change it by hand",
        ),
        ("x: &x {name: new, schedule_type: api}\ntriggers:\n- *x\n", "triggers[0]: it shares lines or an anchor"),
        ("l: &l [{name: a}]\ntriggers: *l\n", "triggers[1]: it shares lines or an anchor with something else"),
        ("triggers: [a\n", "this is not YAML: did not find expected ',' or ']'"),
        ("- a\n", "the whole file: a list is written; expected a mapping"),
        ("triggers: 7\n", "triggers: 7 is written; expected a list"),
        (b"\xff", "the file: it is not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_amended_is_refused_and_stays(tmp_path, text, said):
    found = opened(tmp_path, text)
    before = (tmp_path / FILE).read_bytes()
    given = replace(NEW, definition=replace(NEW.definition, settings=TriggerSettings(timeout=2.0)))
    with pytest.raises(errors.BadTriggers) as refused:
        trigger_files.write_trigger(found, "p", given)
    assert str(refused.value).startswith(FILE)
    assert said in str(refused.value)
    assert (tmp_path / FILE).read_bytes() == before


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        ({"type": TriggerType.TIME, "interval": "x"}, "triggers[0].schedule_interval: 'x' is written; expected"),
        ({"type": TriggerType.BACKFILL}, "triggers[0].schedule_type: 'backfill' is written; expected one of time"),
        ({"variables": {"n": float("nan")}}, "triggers[0].variables.n: nan is no number that can be kept"),
        ({"description": "\ud800"}, "triggers[0]: half a character cannot be written"),
        ({"interval": "@daily"}, "triggers[0]: what is to be written would not be read as it is meant"),
    ],
)
def test_a_trigger_that_no_file_can_hold_is_refused(tmp_path, definition, said):
    with pytest.raises(errors.BadTriggers) as refused:
        trigger_files.write_trigger(
            opened(tmp_path), "p", replace(NEW, definition=replace(NEW.definition, **definition))
        )
    assert said in str(refused.value)
    assert not (tmp_path / FILE).exists()


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("t", ["# our triggers", "triggers:", "  # the other", "", *HAND.splitlines()[-2:]]),
        ("other", [*HAND.splitlines()[:-2], "# the end"]),
        ("neither", HAND.splitlines()),
    ],
)
def test_a_trigger_is_taken_out_and_the_rest_stays(tmp_path, name, left):
    assert trigger_files.remove_trigger(opened(tmp_path, HAND), "p", name) is (name != "neither")
    assert text_of(tmp_path).splitlines() == left


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("triggers:\n- name: new\n", "triggers: []\n"),
        ("triggers:\n- name: new\n- name: b\n- name: new\n", "triggers:\n- name: b\n"),
        ("triggers: [{name: new}, {name: b}]\n", "triggers: [{name: b}]\n"),
        ("triggers: [{name: a}, {name: new}, ]\n", "triggers: [{name: a}, ]\n"),
        ("triggers: [{name: new}]\n", "triggers: []\n"),
        ("triggers:\n- name: a\n# - name: b\n-\n  name: new\n# c\n", "triggers:\n- name: a\n# - name: b\n# c\n"),
    ],
)
def test_an_entry_is_removed_wherever_it_stands(tmp_path, before, after):
    assert trigger_files.remove_trigger(opened(tmp_path, before), "p", "new")
    assert text_of(tmp_path) == after


def test_an_entry_that_others_lean_on_is_not_removed(tmp_path):
    found = opened(tmp_path, "triggers:\n- &a {name: new, schedule_type: api}\n- {<<: *a, name: b}\n")
    with pytest.raises(errors.BadTriggers):
        trigger_files.remove_trigger(found, "p", "new")


def test_where_there_is_no_file_nothing_is_removed_and_none_is_made(tmp_path):
    assert not trigger_files.remove_trigger(opened(tmp_path), "p", "new")
    assert not (tmp_path / FILE).exists()


def test_the_file_keeps_its_mode_and_a_link_stays_a_link(tmp_path):
    found = opened(tmp_path)
    (tmp_path / "shared.yaml").write_text("triggers: []\n")
    (tmp_path / "shared.yaml").chmod(0o640)
    (tmp_path / FILE).symlink_to("../../shared.yaml")
    trigger_files.write_trigger(found, "p", NEW)
    assert (tmp_path / FILE).is_symlink()
    assert (tmp_path / "shared.yaml").read_text() == "triggers:\n" + ENTRY
    assert (tmp_path / "shared.yaml").stat().st_mode & 0o777 == 0o640


def test_a_link_that_leads_out_of_the_project_is_not_followed(tmp_path):
    found = opened(tmp_path / "project")
    (tmp_path / "other.yaml").write_text("triggers: []\n")
    (tmp_path / "project" / FILE).symlink_to(tmp_path / "other.yaml")
    with pytest.raises(errors.BadTriggers):
        trigger_files.write_trigger(found, "p", NEW)
    assert (tmp_path / "other.yaml").read_text() == "triggers: []\n"


def test_a_file_that_cannot_be_written_stays_whole_and_nothing_is_left_beside_it(tmp_path):
    found = opened(tmp_path, HAND)
    most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, most[1]))
    try:
        with pytest.raises(errors.TriggersUnwritable):
            trigger_files.write_trigger(found, "p", NEW)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, most)
    assert text_of(tmp_path) == HAND
    assert sorted(each.name for each in (tmp_path / "pipelines/p").iterdir()) == ["metadata.yaml", "triggers.yaml"]


class Meddling(Mapping):
    """Variables during whose reading somebody edits the file."""

    def __init__(self, path, times):
        self.path, self.times = path, times

    def __iter__(self):
        if self.times:
            self.times -= 1
            self.path.write_text(self.path.read_text() + "# edited\n")
        return iter(("a",))

    def __getitem__(self, name):
        return 1

    def __len__(self):
        return 1


def test_what_somebody_edits_meanwhile_is_not_lost(tmp_path):
    found = opened(tmp_path, "triggers: []\n")
    meddling = replace(NEW.definition, variables=Meddling(tmp_path / FILE, times=1))
    trigger_files.write_trigger(found, "p", replace(NEW, definition=meddling))
    assert text_of(tmp_path) == "triggers:\n" + ENTRY + "  variables:\n    a: 1\n# edited\n"


def test_a_file_that_is_edited_all_the_time_is_left_alone(tmp_path):
    found = opened(tmp_path, "triggers: []\n")
    meddling = replace(NEW.definition, variables=Meddling(tmp_path / FILE, times=1000))
    with pytest.raises(errors.TriggersUnwritable):
        trigger_files.write_trigger(found, "p", replace(NEW, definition=meddling))
    assert "new" not in text_of(tmp_path)


def test_many_writers_at_once_lose_nothing(tmp_path):
    found = opened(tmp_path)

    def write(name):
        trigger_files.write_trigger(found, "p", replace(NEW, definition=replace(NEW.definition, name=name)))

    names = [f"t{number}" for number in range(16)]
    writers = [threading.Thread(target=write, args=(name,)) for name in names]
    for each in writers:
        each.start()
    for each in writers:
        each.join()
    assert sorted(each.definition.name for each in triggers.read_triggers(found, "p").entries) == sorted(names)
