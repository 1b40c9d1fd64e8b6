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


class BadTriggers(BadInput):
    """{file}: {field}: {why}"""


class TriggersUnwritable(BadInput):
    """{file} cannot be written: {why}. It is as it was."""


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


class BadSchedule(BadInput):
    """The {field} of a trigger is {given!r:.200}; it must be {expected}."""


class BadBackfill(BadInput):
    """The {field} of a backfill is {given!r:.200}; it must be {expected}."""


class BadSetting(BadInput):
    """The setting {name} from {source} is {given!r}; it must be {expected}."""


class StoreUnavailable(HeadraceError):
    """The database {path} does not answer as it should: {why}. What was being written may have been, or not."""


class StoreUnreached(BadInput, StoreUnavailable):
    """The database {path} cannot be reached: {why}. HEADRACE_DATABASE says where it is."""


class HomeUnwritable(BadInput, StoreUnavailable):
    """The home {path} cannot be written: {why}. Make room there, or set HEADRACE_HOME to a folder that can be written."""


class KeyReused(BadInput):
    """The key {key} was given to another request before; a key stands for one request."""


class TriggerNotFound(BadInput):
    """There is no trigger {trigger}."""


class TriggerExists(BadInput):
    """The pipeline {pipeline} has a trigger {name} already; names are unique within a pipeline."""


class TriggerChanged(BadInput):
    """The trigger {trigger} is being changed by somebody else all the time; nothing was changed."""


class AmbiguousTrigger(BadInput):
    """There are several triggers {trigger}: {those}. Name one by its number, or as PIPELINE/NAME."""


class TriggerOfBackfill(BadInput):
    """The trigger {trigger} is a backfill's own; `headrace backfill` pauses, resumes and cancels it."""


class BadToken(BadInput):
    """The token is not that of the trigger {trigger}."""


class TokenNotFound(BadInput):
    """There is no token {token}."""


class BadTokenTerms(BadInput):
    """The {field} of a token is {given!r:.200}; it must be {expected}."""


class NotAuthenticated(BadInput):
    """Who calls is not known: {why}."""


class NotAllowed(BadInput):
    """The role {role} may not do that; it takes {needed}."""


class PortTaken(BadInput):
    """Something listens at {host} port {port} already; name another with --port, or end that first."""


class CannotListen(BadInput):
    """The server cannot listen at {host} port {port}: {why}."""


class Unprotected(BadInput):
    """Beyond this machine ({host}) nobody is let in without a token, and there is none: make one with `headrace token create`, or set HEADRACE_BOOTSTRAP_TOKEN."""


class BadBody(BadInput):
    """{field} of the body is {given}; expected {expected}."""


class TooLarge(BadInput):
    """The body is larger than {most} bytes."""


class BadField(BadInput):
    """{field} is {given!r:.200}; expected {expected}."""


class ProjectUnknown(BadInput):
    """There is no project {project}; there are {names}."""


class NotCallable(BadInput):
    """The trigger {trigger} is of type {type}; only those of type api can be called."""


class BadCall(BadInput):
    """{field} of the call is {given}; expected {expected}."""


class BadTrigger(BadInput):
    """The trigger's {field} is {given!r}; expected {expected}."""


class BadPayload(BadInput):
    """{field} of the event is {given}; expected {expected}."""


class CannotUnseal(HeadraceError):
    """What was sealed for {purpose} cannot be opened: {why}."""


class BackfillNotFound(BadInput):
    """There is no backfill {backfill}."""


class BackfillRefused(BadInput):
    """The backfill {backfill} cannot be {deed}: {why}."""


class PlanChanged(BadInput):
    """The plan of backfill {backfill} is not {planned} any more: it is {now} now, with {count} runs. Look at it again."""


class RetryRefused(HeadraceError):
    """The run {run} cannot go on as it was asked: {why}."""


class RunNotFound(BadInput):
    """There is no run {run}."""


class RunNotResumable(BadInput):
    """The run {run} cannot be resumed: {why}."""


class RunFinal(BadInput):
    """The run {run} is {status} already; there is nothing left to cancel."""


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


class CannotAsk(HeadraceError):
    """Runs can be started only by the process of a block, while the block runs; what it has forked or left behind cannot."""


class CannotPass(BadInput):
    """The variable {name} cannot be given to a run: {why}."""


class RunNotStarted(HeadraceError):
    """The pipeline {pipeline} was not started: {why}"""


class StartedRunFailed(HeadraceError):
    """The run {run} of the pipeline {pipeline} failed: {why}."""


class StartedRunLate(HeadraceError, TimeoutError):
    """The run {run} of the pipeline {pipeline} was still {status} after {seconds:g} s; it goes on."""


class LeaseLapsed(HeadraceError):
    """The engine was not heard of in time, and another may have taken the run over: the block was not run to its end."""


class Stopped(SystemExit):
    """The block was asked to end."""  # no HeadraceError, so that a block's `except Exception` lets it pass

    def __init__(self) -> None:
        super().__init__(type(self).__doc__)


class CannotKeep(HeadraceError):
    """The output {name} of type {type} cannot be kept: {why}."""


class CannotRead(HeadraceError):
    """The output at {path} cannot be read: {why}."""


class StoreTooNew(BadInput):
    """The database at {path} was written by a newer headrace (revision {revision}); upgrade headrace to use it."""


class StoreBehind(BadInput):
    """The database {path} was written by an older headrace (revision {revision}); run `headrace db upgrade`."""


class StoreUnreadable(HeadraceError):
    """The database at {path} cannot be read: {why}."""


class RowUnreadable(HeadraceError):
    """The {row} cannot be read: {why}."""


class MoveRefused(HeadraceError):
    """The move {move} of {subject} matched no row: somebody else was first."""


class RunLost(HeadraceError):
    """The run {run} is moved by another engine now; this one was taken for dead."""


class EngineRunning(BadInput):
    """An engine runs already in the home {home}; a home without a PostgreSQL database has one."""


class EngineClosed(HeadraceError):
    """The engine was closed before the run was final; what it had recorded stays."""
