"""Places: what commands look at and act on is in a home here, or behind a server. Both answer in the same values.

For each noun there is a file in `here` and one in `there`, imported when the noun is asked for; those who render do not know
which of the two has answered.
"""

import importlib
import os
from collections.abc import Generator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from headrace import settings
from headrace.app import App
from headrace.cli import deeds, garbage, home

if TYPE_CHECKING:
    from headrace.cli.here import audit as here_audit
    from headrace.cli.here import backfills as here_backfills
    from headrace.cli.here import cleaning as here_cleaning
    from headrace.cli.here import datasets as here_datasets
    from headrace.cli.here import engines as here_engines
    from headrace.cli.here import events as here_events
    from headrace.cli.here import logs as here_logs
    from headrace.cli.here import pipelines as here_pipelines
    from headrace.cli.here import runs as here_runs
    from headrace.cli.here import secrets as here_secrets
    from headrace.cli.here import tokens as here_tokens
    from headrace.cli.here import triggers as here_triggers
    from headrace.cli.here import users as here_users
    from headrace.cli.there import audit as there_audit
    from headrace.cli.there import backfills as there_backfills
    from headrace.cli.there import cleaning as there_cleaning
    from headrace.cli.there import datasets as there_datasets
    from headrace.cli.there import engines as there_engines
    from headrace.cli.there import events as there_events
    from headrace.cli.there import logs as there_logs
    from headrace.cli.there import pipelines as there_pipelines
    from headrace.cli.there import runs as there_runs
    from headrace.cli.there import secrets as there_secrets
    from headrace.cli.there import tokens as there_tokens
    from headrace.cli.there import triggers as there_triggers
    from headrace.cli.there import users as there_users
    from headrace.client.front import Client


class Place:
    """A home here, or a server, noun by noun."""

    def __init__(self, way: str, source: Any) -> None:
        self._way = way
        self._source = source

    @cached_property
    def runs(self) -> "here_runs.Runs | there_runs.Runs":
        return self._noun("runs")

    @cached_property
    def logs(self) -> "here_logs.Logs | there_logs.Logs":
        return self._noun("logs")

    @cached_property
    def triggers(self) -> "here_triggers.Triggers | there_triggers.Triggers":
        return self._noun("triggers")

    @cached_property
    def backfills(self) -> "here_backfills.Backfills | there_backfills.Backfills":
        return self._noun("backfills")

    @cached_property
    def events(self) -> "here_events.Events | there_events.Events":
        return self._noun("events")

    @cached_property
    def pipelines(self) -> "here_pipelines.Pipelines | there_pipelines.Pipelines":
        return self._noun("pipelines")

    @cached_property
    def tokens(self) -> "here_tokens.Tokens | there_tokens.Tokens":
        return self._noun("tokens")

    @cached_property
    def engines(self) -> "here_engines.Engines | there_engines.Engines":
        return self._noun("engines")

    @cached_property
    def datasets(self) -> "here_datasets.Datasets | there_datasets.Datasets":
        return self._noun("datasets")

    @cached_property
    def secrets(self) -> "here_secrets.Secrets | there_secrets.Secrets":
        return self._noun("secrets")

    @cached_property
    def users(self) -> "here_users.Users | there_users.Users":
        return self._noun("users")

    @cached_property
    def audit(self) -> "here_audit.Audit | there_audit.Audit":
        return self._noun("audit")

    @cached_property
    def cleaning(self) -> "here_cleaning.Cleaning | there_cleaning.Cleaning":
        return self._noun("cleaning")

    def _noun(self, name: str) -> Any:
        module = importlib.import_module(f"headrace.cli.{self._way}.{name}")
        return getattr(module, name.capitalize())(self._source)


@contextmanager
def opened() -> Generator[Place]:
    """The server that was named, or else the home of this environment; no engine is started."""
    if home.server():
        with home.client() as client:
            yield there(client)
    else:
        with App(settings.load(os.environ)) as app:
            garbage.begin()
            yield here(app)
            deeds.note(app)


@contextmanager
def written() -> Generator[Place]:
    """The same for what is read of folders here: no home is opened."""
    if home.server():
        with home.client() as client:
            yield there(client)
    else:
        yield Place("here", None)


def here(app: App) -> Place:
    return Place("here", app)


def there(client: "Client") -> Place:
    return Place("there", client)
