"""The rules of an event trigger as they are written, and how they are written.

Each is a mapping whose `on` says of what kind it is. The format's own `event_matchers` are rules on payloads.
"""

from typing import Any

from headrace.model.rule import Rule, RuleKind
from headrace.model.run import FINAL_RUN
from headrace.project.fields import Field

_SUBJECTS = {
    RuleKind.PAYLOAD: "name",
    RuleKind.FILE: "path",
    RuleKind.PIPELINE: "pipeline",
    RuleKind.DATASET: "dataset",
}
_DETAILS = {
    RuleKind.PAYLOAD: frozenset({"pattern"}),
    RuleKind.FILE: frozenset({"every", "settle"}),
    RuleKind.PIPELINE: frozenset({"statuses"}),
    RuleKind.DATASET: frozenset[str](),
}
_ON = ("on", "true")  # YAML reads a bare `on` as true


def read(entry: Field) -> tuple[Rule, ...]:
    """The rules of a trigger's entry, its event matchers first. Raises Wrong."""
    return (
        *(_matcher(each) for each in entry.at("event_matchers").items()),
        *(_rule(each) for each in entry.at("rules").items()),
    )


def plain(rule: Rule) -> dict[str, Any]:
    """The rule as it is written; what is as it would be anyway is left out."""
    usual = Rule(kind=rule.kind)
    details = {
        "pattern": dict(rule.pattern) if rule.pattern else None,
        "statuses": list(rule.statuses) if rule.statuses != usual.statuses else None,
        "every": number(rule.every) if rule.every != usual.every else None,
        "settle": number(rule.settle) if rule.settle != usual.settle else None,
    }
    subject = {_SUBJECTS[rule.kind]: rule.subject} if rule.subject else {}
    return {"on": str(rule.kind), **subject, **{name: value for name, value in details.items() if value is not None}}


def number(seconds: float) -> float:
    """Seconds as people write them: whole where they are."""
    return int(seconds) if float(seconds).is_integer() else seconds


def _matcher(written: Field) -> Rule:
    subject, pattern = written.at("name").text(), written.at("pattern").mapping()
    return Rule(kind=RuleKind.PAYLOAD, subject=subject, pattern=pattern)


def _rule(written: Field) -> Rule:
    kind = _kind(written)
    _refuse_others(written, kind)
    usual = Rule(kind=kind)
    return Rule(
        kind=kind,
        subject=_subject(written, kind),
        pattern=written.at("pattern").mapping(),
        statuses=_statuses(written.at("statuses")) or usual.statuses,
        every=_seconds(written.at("every"), usual.every, least=1),
        settle=_seconds(written.at("settle"), usual.settle, least=0),
    )


def _kind(written: Field) -> RuleKind:
    name = next((name for name in _ON if name in written.mapping()), "on")
    given = written.at(name).value
    if given not in list(RuleKind):
        raise Field(given, (*written.path, "on")).wrong(f"one of {', '.join(RuleKind)}")
    return RuleKind(given)


def _refuse_others(written: Field, kind: RuleKind) -> None:
    known = {_SUBJECTS[kind], *_DETAILS[kind]}
    for name in written.mapping().keys() - known - set(_ON):
        raise written.at(name).refused(f"a rule on {kind} has no such field; it has {', '.join(sorted(known))}")


def _subject(written: Field, kind: RuleKind) -> str:
    field = written.at(_SUBJECTS[kind])
    if kind is not RuleKind.PAYLOAD and not field.text().strip():
        raise field.wrong({RuleKind.FILE: "a path or URL"}.get(kind, f"the name of a {kind}"))
    return field.text()


def _statuses(written: Field) -> tuple[str, ...]:
    final = sorted(FINAL_RUN)
    for each in written.items():
        if each.value not in final:
            raise each.wrong(f"one of {', '.join(final)}")
    return tuple(each.value for each in written.items())


def _seconds(written: Field, usual: float, least: float) -> float:
    seconds = written.seconds()
    if seconds is not None and seconds < least:
        raise written.wrong(f"a number of seconds, {least} or more")
    return usual if seconds is None else seconds
