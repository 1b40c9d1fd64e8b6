"""Whatever a trigger is, it is read as it was written; whatever a file says, writing one entry leaves the others."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from headrace import errors, project
from headrace.model.rule import Rule, RuleKind
from headrace.model.trigger import CatchUp, Definition, TriggerSettings, TriggerType
from headrace.project import document, edits, trigger_files, triggers
from headrace.project.entries import Written, plain

FILE = "pipelines/p/triggers.yaml"


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    (folder / "pipelines/p").mkdir(parents=True)
    (folder / "pipelines/p/metadata.yaml").write_text("")
    return project.open(folder, {})


texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12) | st.sampled_from(
    [
        "yes",
        "null",
        "~",
        "012",
        "1:30",
        "1e3",
        "2026-01-01",
        "a: b",
        "- a",
        "# a",
        "'",
        '"',
        "<<",
        "{",
        " a ",
        "a\n\nb ",
    ]
)
plain_names = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=12).filter(
    str.strip
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
values = st.recursive(
    scalars, lambda below: st.lists(below, max_size=3) | st.dictionaries(texts, below, max_size=3), max_leaves=8
)
mappings = st.dictionaries(texts, values, max_size=4)
moments = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))
whole = st.integers(1, 10**9 - 1)
seconds = st.floats(1, 1e9) | whole.map(float)
names = st.lists(texts.map(str.strip).filter(bool), max_size=3).map(tuple)
own_settings = st.builds(
    TriggerSettings,
    skip_if_previous_running=st.booleans(),
    allow_blocks_to_fail=st.booleans(),
    create_initial_pipeline_run=st.booleans(),
    pipeline_run_limit=st.none() | whole,
    timeout=st.none() | seconds,
    timeout_status=st.sampled_from(["failed", "cancelled"]),
    retry_config=st.fixed_dictionaries({}, optional={"retries": st.integers(0, 9), "delay": seconds}),
    catch_up=st.sampled_from(CatchUp),
    extra=st.dictionaries(st.sampled_from(["own", "on", "1", "invalid_schedule_interval"]), values, max_size=2),
)
rules = (
    st.builds(Rule, kind=st.just(RuleKind.PAYLOAD), subject=texts, pattern=mappings)
    | st.builds(Rule, kind=st.just(RuleKind.FILE), subject=plain_names, every=seconds, settle=seconds)
    | st.builds(
        Rule,
        kind=st.just(RuleKind.PIPELINE),
        subject=plain_names,
        statuses=st.lists(st.sampled_from(["completed", "failed", "cancelled"]), min_size=1, max_size=3).map(tuple),
    )
    | st.builds(Rule, kind=st.just(RuleKind.DATASET), subject=plain_names)
)
kinds = st.one_of(
    st.fixed_dictionaries({"type": st.just(TriggerType.API)}),
    st.fixed_dictionaries(
        {
            "type": st.just(TriggerType.TIME),
            "interval": st.sampled_from(
                ["@once", "@daily", "@always_on", "0 4 * * 1-5", "  5 4  * * *", "0 4 * * * 30"]
            ),
        }
    ),
    st.fixed_dictionaries({"type": st.just(TriggerType.EVENT), "rules": st.lists(rules, max_size=3).map(tuple)}),
)
common = st.fixed_dictionaries(
    {
        "zone": st.sampled_from(["UTC", "Europe/Paris", "America/Argentina/Buenos_Aires"]),
        "start_time": st.none() | moments,
        "description": texts,
        "variables": mappings,
        "sla": st.none() | whole,
        "settings": own_settings,
        "tags": names,
    }
)
definitions = st.builds(lambda name, kind, more: Definition(name=name, **kind, **more), plain_names, kinds, common)
entries = st.builds(
    Written,
    definition=definitions,
    active=st.booleans(),
    last_enabled_at=st.none() | moments,
    token=st.none() | texts.filter(bool),
    envs=names,
    pipeline=st.just("p"),
    index=st.just(0),
)


def kept(found):
    read = triggers.read_triggers(found, "p")
    assert read.faults == ()
    return {each.definition.name: replace(each, index=0) for each in read.entries}


@given(before=entries, after=entries)
@settings(max_examples=60)
def test_a_trigger_is_read_as_it_was_written_new_or_in_place_of_another(found, before, after):
    (found.path / FILE).unlink(missing_ok=True)
    after = replace(after, definition=replace(after.definition, name=before.definition.name))
    for each in (before, after):
        trigger_files.write_trigger(found, "p", each)
        assert kept(found) == {each.definition.name: each}
        assert edits.same(plain(kept(found)[each.definition.name]), plain(each))


def laid_out(entry, style):
    """An entry of a list, as one hand or another would write it."""
    if style == "brackets":
        return "- " + yaml.safe_dump(entry, default_flow_style=True, width=10**9, allow_unicode=True).strip()
    text = yaml.safe_dump(entry, default_flow_style=None if style == "mixed" else False, indent=4, allow_unicode=True)
    lines = text.splitlines(keepends=True)
    return "-   " + "    ".join(lines) + ("    # of this\n# of the next\n" if style == "comments" else "")


plain_texts = st.text(st.characters(codec="ascii", exclude_categories=("Cc",)), max_size=12)
plain_values = st.recursive(
    st.none() | st.booleans() | st.integers().filter(lambda n: abs(n) < 2**60) | plain_texts | st.dates(),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(plain_texts, below, max_size=3),
    max_leaves=6,
)
others = st.fixed_dictionaries(
    {"name": st.integers(0, 10**6), "schedule_type": st.just("api")},
    optional={
        "variables": st.none() | st.dictionaries(plain_texts, plain_values, max_size=3),
        "settings": st.none() | st.fixed_dictionaries({}, optional={"timeout": whole, "own": plain_values}),
        "start_time": st.none() | st.datetimes(datetime(1000, 1, 1)),
        "sla": st.none() | whole,
        "unknown": plain_values,
    },
)
styles = st.sampled_from(["block", "brackets", "mixed", "comments"])


@given(st.lists(st.tuples(others, styles), min_size=1, max_size=4, unique_by=lambda each: each[0]["name"]), st.data())
@settings(max_examples=50)
def test_every_other_entry_stays_to_the_letter(found, laid, data):
    chunks = [laid_out(entry, style).rstrip("\n") + "\n" for entry, style in laid]
    (found.path / FILE).write_text("# top\ntriggers:\n" + "".join(chunks), "utf-8")
    before = triggers.read_triggers(found, "p")
    assert before.faults == ()
    index = data.draw(st.integers(0, len(laid) - 1))
    entry = before.entries[index]
    given_entry = data.draw(entries)
    changed = replace(given_entry, definition=replace(given_entry.definition, name=entry.definition.name), index=index)
    trigger_files.write_trigger(found, "p", changed)
    text = (found.path / FILE).read_text("utf-8")
    assert text.startswith("# top\ntriggers:\n" + "".join(chunks[:index]))
    assert text.endswith("".join(chunks[index + 1 :]))
    assert triggers.read_triggers(found, "p").entries[index] == changed
    assert trigger_files.remove_trigger(found, "p", entry.definition.name)
    assert all(
        chunk.split("#")[0] in (found.path / FILE).read_text("utf-8") for chunk in chunks[:index] + chunks[index + 1 :]
    )


@given(
    before=st.dictionaries(plain_texts, plain_values, min_size=1, max_size=4),
    after=mappings,
    style=styles,
    end=st.booleans(),
)
@settings(max_examples=150)
def test_a_text_says_what_it_was_changed_to_say_and_nothing_else_is_touched(before, after, style, end):
    flow = {"brackets": True, "mixed": None}.get(style, False)
    text = "a: 1 # one\nb:\n" + "".join(
        f"  {line}\n" for line in yaml.safe_dump(before, default_flow_style=flow, width=10**9).splitlines()
    )
    text += "c: [ 2 ]\n" if end else ""
    was = document.parse(text).value
    changed = edits.change(text, ("b",), was["b"], after)
    assert edits.same(document.parse(changed).value, {**was, "b": after})
    assert changed.startswith("a: 1 # one\nb:")
    assert changed.endswith("c: [ 2 ]\n") or not end
    assert edits.change(changed, ("b",), after, after) == changed


@given(text=st.text(st.characters(codec="utf-8"), max_size=60) | st.text("[]{}:,-&*a?!|>'\" \n#%@`", max_size=60))
@settings(max_examples=100)
def test_any_text_is_read_in_words_and_amended_or_left_as_it_is(found, text):
    (found.path / FILE).write_bytes(text.encode())
    read = triggers.read_triggers(found, "p")
    assert all("\n" not in fault.why for fault in read.faults)
    new = Written(Definition(name="new", type=TriggerType.API), False, None, None, (), "p", 0)
    assume("new" not in text)
    try:
        trigger_files.write_trigger(found, "p", new)
    except errors.BadTriggers:
        assert (found.path / FILE).read_bytes() == text.encode()
    else:
        after = triggers.read_triggers(found, "p")
        assert after.entries[: len(read.entries)] == read.entries
        assert after.entries[-1].definition == new.definition
