"""Every error raised on purpose. The docstring of an error is its message; `{names}` in it are its facts."""

from typing import Any


class HeadraceError(Exception):
    """Something went wrong in headrace."""

    def __init__(self, message: str | None = None, **facts: Any) -> None:
        super().__init__(message if message is not None else (type(self).__doc__ or "").format_map(facts))
        self.facts = facts


class BadInput(HeadraceError):
    """What was asked for cannot be done as it was asked; nothing was started."""


class ProjectNotFound(BadInput):
    """There is no project folder at {path}."""


class ProjectUnreadable(BadInput):
    """The project folder {path} cannot be read: {why}."""


class NotAProject(BadInput):
    """{path} is not a project folder: {why}."""


class BadProject(BadInput):
    """{file}: {why}"""


class CannotCreate(BadInput):
    """A project cannot be created at {path}: {why}."""


class ProjectChanged(HeadraceError):
    """The project at {path} is not as its snapshot {snapshot} has it: {file} was changed since."""


class PipelineNotFound(BadInput):
    """The project {project} has no pipeline {pipeline}; it has {names}."""


class BadPipeline(BadInput):
    """{file}: {field}: {why}"""


class BadBlockFile(BadInput):
    """{file}: {why}"""


class Unsupported(BadInput):
    """{file}: {what} is not something this version of headrace can run."""


class BadVariable(BadInput):
    """The variable {given!r} is not of the form NAME=VALUE."""


class BlockNotFound(BadInput):
    """The pipeline {pipeline} has no block {block}; it has {names}."""


class NoEarlierOutput(BadInput):
    """The block {block} needs the output of {upstream}, and no earlier run has one; run {upstream} first."""


class BadSetting(BadInput):
    """The setting {name} from {source} is {given!r}; it must be {expected}."""


class HomeUnwritable(BadInput):
    """The home {path} cannot be written: {why}. Make room there, or set HEADRACE_HOME to a folder that can be written."""


class RunNotFound(BadInput):
    """There is no run {run}."""


class RunNotResumable(BadInput):
    """The run {run} cannot be resumed: {why}."""


class NoSuchAttempt(BadInput):
    """The block {block} of run {run} has no such attempt; it has {count}."""


class OutputNotFound(BadInput):
    """{what} has no output {name}; it has {names}."""


class NoDecoratedFunction(HeadraceError):
    """The block {block} does not have any decorated functions: one function in {file} must carry @{decorator}."""


class WrongArguments(HeadraceError):
    """The @{decorator} function {function} of the block {block} takes {takes}; its upstream blocks give {given}, one each."""


class NotProvided(HeadraceError, ModuleNotFoundError):
    """headrace does not provide {module}. Of mage_ai it provides {names}."""


class CannotKeep(HeadraceError):
    """The output {name} of type {type} cannot be kept: {why}."""


class CannotRead(HeadraceError):
    """The output at {path} cannot be read: {why}."""


class StoreTooNew(BadInput):
    """The database at {path} was written by a newer headrace (revision {revision}); upgrade headrace to use it."""


class StoreUnreadable(HeadraceError):
    """The database at {path} cannot be read: {why}."""


class MoveRefused(HeadraceError):
    """The move {move} of {subject} matched no row: somebody else was first."""


class EngineClosed(HeadraceError):
    """The engine was closed before the run was final; what it had recorded stays."""
