"""Which HTTP status an error is told with: one table for every dialect that tells the true one."""

from headrace import errors

AGAIN = 1  # seconds after which one may come again, where the error does not say

Kinds = tuple[type[errors.HeadraceError], ...]

# In this order they are asked whether an error is theirs: what is known of BadInput as a whole comes last.
_STATUSES: tuple[tuple[int, Kinds], ...] = (
    (401, (errors.NotAuthenticated, errors.BadToken, errors.LoginRefused)),
    (403, (errors.NotAllowed, errors.OidcRefused)),
    (
        404,
        (
            errors.ProjectUnknown,
            errors.PipelineNotFound,
            errors.VersionNotFound,
            errors.RunNotFound,
            errors.BlockNotFound,
            errors.NoSuchAttempt,
            errors.OutputNotFound,
            errors.TriggerNotFound,
            errors.BackfillNotFound,
            errors.TokenNotFound,
            errors.UserNotFound,
            errors.SecretNotFound,
            errors.EngineNotFound,
            errors.NoSuchRecord,
            errors.NoSuchResource,
            errors.DatasetNotFound,
            errors.JobNotFound,
            errors.DatasetVersionNotFound,
        ),
    ),
    (406, (errors.NoArrowForm,)),
    (
        409,
        (
            errors.KeyReused,
            errors.PipelineExists,
            errors.IdTaken,
            errors.NotAuthored,
            errors.NotOfSteps,
            errors.VersionPassed,
            errors.PipelinePaused,
            errors.PipelineAlreadyPaused,
            errors.PipelineNotPaused,
            errors.BlockExists,
            errors.BlockNeeded,
            errors.UserExists,
            errors.SecretExists,
            errors.TagExists,
            errors.TriggerExists,
            errors.TriggerChanged,
            errors.TriggerOfBackfill,
            errors.NotCallable,
            errors.BackfillRefused,
            errors.PlanChanged,
            errors.RunNotResumable,
            errors.RunNotDeletable,
            errors.RunFinal,
            errors.RetryRefused,
            errors.NoEarlierOutput,
            errors.DrainRefused,
            errors.DatasetRefused,
            errors.DatasetNotLost,
        ),
    ),
    (410, (errors.CannotRead, errors.CodeNotKept, errors.DatasetUnreadable)),
    (413, (errors.TooLarge, errors.OutputTooLarge)),
    (421, (errors.HostUnknown,)),
    (429, (errors.TooManyLogins, errors.TooManyStreams)),
    (501, (errors.ExtraMissing, errors.DatasetsMissing)),
    (503, (errors.StoreUnavailable, errors.TooManyConnections)),
    (400, (errors.BadBody,)),
)
_WRONG: Kinds = (errors.BadInput, errors.ProjectChanged)


def of(error: errors.HeadraceError, wrong: int = 422) -> int:
    """The status of an error; `wrong` is the dialect's own for what was asked in a wrong way. 500 when the fault is headrace's."""
    found = next((status for status, kinds in _STATUSES if isinstance(error, kinds)), None)
    return found or (wrong if isinstance(error, _WRONG) else 500)


def headers(error: errors.HeadraceError) -> dict[str, str]:
    """What goes with the status: how to show who calls, and after how many seconds to come again."""
    match of(error):
        case 401:
            return {"WWW-Authenticate": 'Bearer realm="headrace"'}
        case 429:
            return {"Retry-After": str(error.facts.get("seconds", AGAIN))}
        case 503:
            return {"Retry-After": str(AGAIN)}
        case _:
            return {}
