"""Bounds: what the supervisor is told once, at its start."""

import msgspec

from headrace.settings import Settings


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """How much at once, how large, how long; each field means what the setting of its name does."""

    workers: int
    stop_grace: float
    memory_limit: int | None
    log_head: int
    log_tail: int
    profile_seconds: float

    @classmethod
    def of(cls, settings: Settings) -> "Bounds":
        return cls(**{name: getattr(settings, name) for name in cls.__struct_fields__})
