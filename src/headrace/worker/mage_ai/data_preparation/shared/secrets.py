"""Secrets, as blocks read them. The names are those of Mage 0.9.80."""

from typing import Any

from headrace.worker import secret


def get_secret_value(name: str, *_scope: Any, suppress_warning: bool = False, **_more: Any) -> str | None:
    """The value of that secret of the project, or of all projects.

    None, and a printed warning, when there is none. What else Mage's function may be given makes no difference.
    Raises SecretUnreadable for a secret that cannot be opened.
    """
    value = secret.read(name)
    if value is None and not suppress_warning:
        print(f"WARNING: there is no secret {name}; `headrace secrets set {name}` makes one.")
    return value
