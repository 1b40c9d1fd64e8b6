"""Every error raised on purpose. The docstring of an error is its message; `{names}` in it are its facts."""

from typing import Any


class HeadraceError(Exception):
    """Something went wrong in headrace."""

    def __init__(self, message: str | None = None, **facts: Any) -> None:
        super().__init__(message if message is not None else (type(self).__doc__ or "").format_map(facts))
        self.facts = facts


class BadInput(HeadraceError):
    """What was asked for cannot be done as it was asked; nothing was started."""


# Projects


class ProjectNotFound(BadInput):
    """There is no project folder at {path}."""


class ProjectUnknown(BadInput):
    """There is no project {project}; there are {names}."""


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


class BadSetting(BadInput):
    """The setting {name} from {source} is {given!r}; it must be {expected}."""


# Pipelines, their versions and their code


class PipelineNotFound(BadInput):
    """The project {project} has no pipeline {pipeline}; it has {names}."""


class PipelineExists(BadInput):
    """The project {project} has, or has had, a pipeline {pipeline}."""


class BadPipeline(BadInput):
    """{file}: {field}: {why}"""


class BadDefinition(BadInput):
    """The definition {of}: {why}"""


class BadName(BadInput):
    """{given!r} cannot be the name of a pipeline or block; expected {expected}."""


class Unsupported(BadInput):
    """{file}: {what} is not something this version of headrace can run."""


class PipelinePaused(BadInput):
    """The pipeline {pipeline} is paused; it begins no runs until it is resumed."""


class PipelineAlreadyPaused(BadInput):
    """The pipeline {pipeline} is paused already."""


class PipelineNotPaused(BadInput):
    """The pipeline {pipeline} is not paused."""


class IdTaken(BadInput):
    """There is a pipeline with the id {id}."""


class NotAuthored(BadInput):
    """The pipeline {pipeline} is written in the folder of the project {project}, and is changed there."""


class NotOfSteps(BadInput):
    """The pipeline {pipeline} has blocks that are no steps of SQL ({blocks}), and is changed where those come from."""


class VersionNotFound(BadInput):
    """The pipeline {pipeline} has no version {version}."""


class VersionPassed(BadInput):
    """Version {version} of the pipeline {pipeline} is an earlier one whose code is not kept; the present one is {current}."""


class CodeNotKept(BadInput):
    """The code of version {version} is not kept any more, or not yet: no run has it."""


class CodeUnreadable(BadInput):
    """The code of the block {block} cannot be read: {why}."""


class FileUnwritable(BadInput):
    """{file} cannot be written: {why}. It is as it was."""


# Blocks


class BlockNotFound(BadInput):
    """The pipeline {pipeline} has no block {block}; it has {names}."""


class BlockExists(BadInput):
    """The pipeline {pipeline} has a block {block}, or its file is there."""


class BlockNeeded(BadInput):
    """The block {block} of the pipeline {pipeline} is needed by others: {names}."""


class BadBlock(BadInput):
    """The block {block}: {why}"""


class BadBlockFile(BadInput):
    """{file}: {why}"""


class NoDecoratedFunction(HeadraceError):
    """The block {block} does not have any decorated functions: one function in {file} must carry @{decorator}."""


class WrongArguments(HeadraceError):
    """The @{decorator} function {function} of the block {block} takes {takes}; its upstream blocks give {given}, one each."""


class NotProvided(HeadraceError, ModuleNotFoundError):
    """headrace does not provide {module}. Of mage_ai it provides {names}."""


class QueryFailed(HeadraceError):
    """{kind} error{where}: {why}"""


class QueryTooLarge(QueryFailed):
    """The query takes more memory than it may{where}: {why}"""


class LeaseLapsed(HeadraceError):
    """The engine was not heard of in time, and another may have taken the run over: the block was not run to its end."""


class Stopped(SystemExit):
    """The block was asked to end."""  # no HeadraceError, so that a block's `except Exception` lets it pass

    def __init__(self) -> None:
        super().__init__(type(self).__doc__)


# Jobs, which move tables


class JobNotFound(BadInput):
    """There is no job {job}."""


class NotOfJobs(BadInput):
    """The pipeline {pipeline} has blocks that are no jobs; they are changed where they were made."""


class NoConnection(HeadraceError):
    """How {what} is reached is to lie in the secret {secret}, and there is none of this name; `headrace secrets set {secret}` keeps it."""


class BadConnection(HeadraceError):
    """The secret {secret} does not say how {what} is reached: {why}."""


class LoadFailed(HeadraceError):
    """{what} cannot be moved: {why}."""


# Triggers, and what they listen to


class TriggerNotFound(BadInput):
    """There is no trigger {trigger}."""


class TriggerExists(BadInput):
    """The pipeline {pipeline} has a trigger {name} already; names are unique within a pipeline."""


class TriggerChanged(BadInput):
    """The trigger {trigger} was changed by somebody else meanwhile; nothing was changed."""


class AmbiguousTrigger(BadInput):
    """There are several triggers {trigger}: {those}. Name one by its number, or as PIPELINE/NAME."""


class TriggerOfBackfill(BadInput):
    """The trigger {trigger} is a backfill's own; `headrace backfill` pauses, resumes and cancels it."""


class BadTrigger(BadInput):
    """The trigger's {field} is {given!r}; expected {expected}."""


class BadTriggers(BadInput):
    """{file}: {field}: {why}"""


class TriggersUnwritable(BadInput):
    """{file} cannot be written: {why}. It is as it was."""


class BadSchedule(BadInput):
    """The {field} of a trigger is {given!r:.200}; it must be {expected}."""


class BadToken(BadInput):
    """The token is not that of the trigger {trigger}."""


class NotCallable(BadInput):
    """The trigger {trigger} is of type {type}; only those of type api can be called."""


class BadCall(BadInput):
    """{field} of the call is {given}; expected {expected}."""


class BadPayload(BadInput):
    """{field} of the event is {given}; expected {expected}."""


# Backfills


class BackfillNotFound(BadInput):
    """There is no backfill {backfill}."""


class BackfillRefused(BadInput):
    """The backfill {backfill} cannot be {deed}: {why}."""


class BadBackfill(BadInput):
    """The {field} of a backfill is {given!r:.200}; it must be {expected}."""


class PlanChanged(BadInput):
    """The plan of backfill {backfill} is not {planned} any more: it is {now} now, with {count} runs. Look at it again."""


# Runs and their attempts


class RunNotFound(BadInput):
    """There is no run {run}."""


class NoSuchAttempt(BadInput):
    """The block {block} of run {run} has no such attempt; it has {count}."""


class BadVariable(BadInput):
    """The variable {given!r} is not of the form NAME=VALUE."""


class BadStretch(BadInput):
    """The run cannot {side} at {block}: {why}."""


class NoEarlierOutput(BadInput):
    """The block {block} needs the output of {upstream}, and no earlier run has one; run {upstream} first."""


class KeyReused(BadInput):
    """The key {key} was given to another request before; a key stands for one request."""


class RetryRefused(HeadraceError):
    """The run {run} cannot go on as it was asked: {why}."""


class RunNotResumable(BadInput):
    """The run {run} cannot be resumed: {why}."""


class RunFinal(BadInput):
    """The run {run} is {status} already; there is nothing left to cancel."""


class RunNotDeletable(BadInput):
    """The run {run} cannot be deleted: {why}."""


class BadFilter(BadInput):
    """The {field} of a list of runs is {given!r:.200}; expected {expected}."""


class BadCursor(BadInput):
    """The cursor {cursor!r:.80} is of no page of this list; it is to be given with the same filters as it was got with."""


class BadLogQuery(BadInput):
    """The {field} of a look at logs is {given!r:.200}; expected {expected}."""


# Runs that blocks ask for


class CannotAsk(HeadraceError):
    """headrace can be asked only by the process of a block, while the block runs; what it has forked or left behind cannot."""


class CannotPass(BadInput):
    """The variable {name} cannot be given to a run: {why}."""


class RunNotStarted(HeadraceError):
    """The pipeline {pipeline} was not started: {why}"""


class StartedRunFailed(HeadraceError):
    """The run {run} of the pipeline {pipeline} failed: {why}."""


class StartedRunLate(HeadraceError, TimeoutError):
    """The run {run} of the pipeline {pipeline} was still {status} after {seconds:g} s; it goes on."""


# Outputs


class OutputNotFound(BadInput):
    """{what} has no output {name}; it has {names}."""


class OutputTooLarge(BadInput):
    """What was asked for of the output {name} has {size} bytes or more; at most {most} are shown at once. Ask for fewer rows, or for Arrow."""


class NoArrowForm(BadInput):
    """The output {name} is a {kind}, which has no form as Arrow; ask for JSON."""


class ExtraMissing(HeadraceError):
    """The library {library} is not installed where the server runs: pip install 'headrace[frames]'"""


class CannotKeep(HeadraceError):
    """The output {name} of type {type} cannot be kept: {why}."""


class CannotRead(HeadraceError):
    """The output at {path} cannot be read: {why}."""


# Datasets


class DatasetNotFound(BadInput):
    """There is no dataset {dataset}."""


class DatasetVersionNotFound(BadInput):
    """The dataset {dataset} has no version {version} that can be read: {why}."""


class BadDatasetName(BadInput):
    """{given!r:.200} cannot be the name of a dataset; expected {expected}."""


class BadRows(BadInput):
    """{field} for the dataset {dataset} is {given}; expected {expected}. Nothing was written."""


class DatasetRefused(HeadraceError):
    """The rows do not fit the table at {place}: {why}. Nothing was written."""


class DatasetUnwritable(HeadraceError):
    """The table at {place} cannot be written: {why}. It is as it was."""


class DatasetBehind(DatasetUnwritable):
    """The table at {place} has been put back or taken away: {why}. Nothing was written. Put back what was there, or, if that is lost, say `headrace datasets restart`."""


class DatasetNotLost(BadInput):
    """The table of the dataset {dataset} is not lost: {why}. Nothing was done."""


class DatasetInDoubt(HeadraceError):
    """It is not known yet whether the rows are in the table at {place}: {why}."""


class DatasetNotDeclared(HeadraceError):
    """The block has left rows for {written}, and declares as its output_datasets {declared}. Nothing was written."""


class DatasetUnreadable(HeadraceError):
    """Version {version} of the table at {place} cannot be read: {why}."""


class DatasetsMissing(HeadraceError):
    """Datasets and jobs take the library {library}, which is not installed here: pip install 'headrace[datasets]'"""


# Tags


class TagExists(BadInput):
    """There is a tag {name!r:.200} already."""


class BadTag(BadInput):
    """The {field} of a tag is {given}; it must be {expected}."""


# Secrets


class SecretNotFound(BadInput):
    """There is no secret {name} of {scope}."""


class SecretExists(BadInput):
    """The project {project} has a secret {name!r:.200} already."""


class BadSecret(BadInput):
    """The {field} of a secret is {given}; it must be {expected}."""


class SecretUnreadable(HeadraceError):
    """The secret {name} cannot be read: {why}"""


class CannotUnseal(HeadraceError):
    """What was sealed for {purpose} cannot be opened: {why}."""


# Users, their tokens, and who may come in


class UserNotFound(BadInput):
    """There is no user {user}."""


class UserExists(BadInput):
    """Somebody goes by the name {name!r:.200} already."""


class BadUser(BadInput):
    """The {field} of a user is {given}; it must be {expected}."""


class TokenNotFound(BadInput):
    """There is no token {token}."""


class BadTokenTerms(BadInput):
    """The {field} of a token is {given!r:.200}; it must be {expected}."""


class LoginRefused(BadInput):
    """Name and password are not those of somebody who may come in."""


class TooManyLogins(BadInput):
    """Too many logins have failed; try again in {seconds} s."""


class NotAuthenticated(BadInput):
    """Who calls is not known: {why}."""


class NotAllowed(BadInput):
    """The role {role} may not do that; it takes {needed}."""


class OidcRefused(BadInput):
    """The provider of identities {issuer} has not let in who came: {why}."""


class OidcMissing(BadInput):
    """Logging in by a provider of identities takes authlib: install headrace[oidc], or leave out the setting oidc_issuer."""


class ReachUnclear(HeadraceError):
    """It cannot be told what of this is within the caller's reach: {statement:.200}"""


# Servers


class PortTaken(BadInput):
    """Something listens at {host} port {port} already; name another with --port, or end that first."""


class CannotListen(BadInput):
    """The server cannot listen at {host} port {port}: {why}."""


class Unprotected(BadInput):
    """Beyond this machine ({host}) nobody is let in without a token, and there is none: make one with `headrace token create`, or set HEADRACE_BOOTSTRAP_TOKEN."""


class HostUnknown(BadInput):
    """This server is not known by that name; its setting `hosts` says by which it is."""


class TooManyConnections(BadInput):
    """The server has {most} connections already; its setting `connections` says how many it may have. Come again later."""


class TooManyStreams(BadInput):
    """Whoever calls follows {most} streams already; the setting `streams` says how many one may. End one of them first."""


# Servers, as their callers meet them


class ServerUnreached(HeadraceError):
    """The server {url} cannot be reached: {why}."""


class ServerProblem(HeadraceError):
    """The server answered {status}, {kind}: {detail}"""


class ServerRefused(BadInput, ServerProblem):
    """The server refused it with {status}, {kind}: {detail}"""


class BadServer(BadInput):
    """The server {url!r:.200} from {source} cannot be called: {why}."""


class BadTokenFile(BadInput):
    """The token file {path} cannot be used: {why}."""


class NotOnServer(BadInput):
    """{command} works in a home on this machine and not on a server ({url}); leave out --url, and unset HEADRACE_URL."""


# Requests


class BadBody(BadInput):
    """{field} of the body is {given}; expected {expected}."""


class TooLarge(BadInput):
    """The body is larger than {most} bytes."""


class BadField(BadInput):
    """{field} is {given!r:.200}; expected {expected}."""


class BadRecord(BadInput):
    """{why}"""


class RecordIncomplete(BadInput):
    """{key} cannot be empty."""


class NoSuchRecord(BadInput):
    """There is no {noun} {id}."""


class NoSuchResource(BadInput):
    """There is no resource {resource}."""


class QueryNotPermitted(NotAllowed):
    """Query parameter {name} of value {value!r:.80} is not permitted on {operation} operation for {resource}."""


class WriteNotPermitted(NotAllowed):
    """Write of {field} on {operation} is disabled for {resource}."""


class PathTraversal(BadInput):
    """Invalid {what} (path traversal detected)."""


# The database, and the home


class StoreUnavailable(HeadraceError):
    """The database {path} does not answer as it should: {why}. What was being written may have been, or not."""


class StoreUnreached(BadInput, StoreUnavailable):
    """The database {path} cannot be reached: {why}. HEADRACE_DATABASE says where it is."""


class StorePooled(BadInput, StoreUnavailable):
    """What is between here and the database {path} gives each transaction another session. Ask PostgreSQL itself, or have it pool sessions: HEADRACE_DATABASE says where it is."""


class HomeUnwritable(BadInput, StoreUnavailable):
    """The home {path} cannot be written: {why}. Make room there, or set HEADRACE_HOME to a folder that can be written."""


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


# Engines


class EngineRunning(BadInput):
    """An engine runs already in the home {home}; a home without a PostgreSQL database has one."""


class EngineNotFound(BadInput):
    """There is no engine {engine}; there are {names}."""


class DrainRefused(BadInput):
    """The engine {engine} cannot be drained: {why}."""


class EngineClosed(HeadraceError):
    """The engine was closed before the run was final; what it had recorded stays."""


class RunLost(HeadraceError):
    """The run {run} is moved by another engine now; this one was taken for dead."""
