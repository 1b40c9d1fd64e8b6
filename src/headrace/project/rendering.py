"""Jinja, as the project format uses it: `{{ env_var('NAME') }}` in settings. A sandbox, since settings are not code.

Secrets are for blocks alone: what is rendered elsewhere may be kept in rows, and gets none.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jinja2
from jinja2 import sandbox

from headrace import errors

LONGEST = 2**20  # characters that a rendered text, or a value on the way to it, may have
MOST_BITS = 4096  # of a whole number


class NotRendered(ValueError):
    """The text is no template that headrace renders; `line` counts from 1, None where it is not known."""

    def __init__(self, why: str, line: int | None = None) -> None:
        super().__init__(why)
        self.line = line


def render(text: str, environment: Mapping[str, str], secret: Callable[[str], str | None] = lambda _: None) -> str:
    """The text with its expressions replaced; what is not defined, or None, leaves nothing. Raises NotRendered.

    `secret` gives the value of a secret by its name; what is wrong in headrace itself then is raised as it is.
    """
    return _rendered(_sandbox, text, _names(environment, secret))


def fill(text: str, variables: Mapping[str, Any]) -> str:
    """The text with these variables in their places, as text. Raises NotRendered, also for a name that is none of them."""
    return _rendered(_strict, text, variables)


def _rendered(among: sandbox.SandboxedEnvironment, text: str, names: Mapping[str, Any]) -> str:
    try:
        return _bounded(among.from_string(text).generate(names))
    except jinja2.TemplateSyntaxError as error:
        raise NotRendered(error.message or "it is no template", error.lineno) from None
    except (NotRendered, errors.HeadraceError):
        raise
    except Exception as error:  # the template's own: whatever its expressions raise is the fault of the text
        raise NotRendered(f"it cannot be rendered ({error})") from None


def _names(environment: Mapping[str, str], secret: Callable[[str], str | None]) -> dict[str, Callable[..., Any]]:
    """What an expression may call. Secrets that other products keep are not to be had."""
    elsewhere = ("aws_secret_var", "azure_secret_var", "gcp_secret_var")

    def env_var(name: str, default: Any = None) -> Any:
        return environment.get(name, default)

    def mage_secret_var(name: str) -> str | None:
        return secret(name)

    return {"env_var": env_var, "mage_secret_var": mage_secret_var, **dict.fromkeys(elsewhere, _nothing)}


def _written(value: Any) -> Any:
    return "" if value is None else value


def _nothing(*_: Any, **__: Any) -> None:
    return None


def _bounded(pieces: Any) -> str:
    kept: list[str] = []
    room = LONGEST
    for piece in pieces:
        room -= len(piece)
        if room < 0:
            raise NotRendered(f"it renders to more than {LONGEST} characters")
        kept.append(piece)
    return "".join(kept)


class _Sandbox(sandbox.ImmutableSandboxedEnvironment):
    """Jinja's sandbox, in which no operator makes much out of little."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if _size(operator, left, right) > MOST_BITS:
            raise NotRendered(f"the result of {operator} is too large")
        return super().call_binop(context, operator, left, right)


def _size(operator: str, left: Any, right: Any) -> float:
    """About how many bits, or characters, the result has; text times a number, or formatted with %, is not wanted."""
    if not isinstance(left, int | float) or not isinstance(right, int | float):
        return float("inf")
    bits = [value.bit_length() if isinstance(value, int) else 64 for value in (left, right)]
    return bits[0] * abs(right) if operator == "**" else sum(bits)


_sandbox = _Sandbox(undefined=jinja2.ChainableUndefined, finalize=_written, keep_trailing_newline=True)
_strict = _Sandbox(undefined=jinja2.StrictUndefined, finalize=_written, keep_trailing_newline=True)
