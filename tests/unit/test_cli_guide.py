"""The pages have every command, every setting and every kind of waiting."""

import dataclasses
import inspect
import re
from pathlib import Path

from headrace import cli
from headrace.cli import backfill, db, events, pipelines, runs, triggers
from headrace.operations import waits
from headrace.settings import Settings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
GUIDE = (ROOT / "docs/guides/runs.md").read_text()


def test_every_command_is_named() -> None:
    named = " ".join(re.findall(r"^headrace (.*?)  ", README, re.MULTILINE))
    groups = (cli, runs, triggers, backfill, events, pipelines, db)
    for command in (name for group in groups for name in group.COMMANDS):
        assert re.search(rf"\b{command}\b", named), command


def test_every_setting_is_explained() -> None:
    table = README[README.index("| setting |") :]
    for field in dataclasses.fields(Settings):
        assert field.name == "home" or f"`{field.name}`" in table, field.name


def test_every_kind_of_waiting_is_explained() -> None:
    kinds = set(re.findall(r'Reason\("(\w+)"', inspect.getsource(waits)))
    assert "limit" in kinds
    explained = GUIDE[GUIDE.index("| kind |") : GUIDE.index("Of a final run")]
    assert set(re.findall(r"`(\w+)`", explained)) - {"until"} == kinds
