"""The connection profiles of `io_config.yaml`. The names are those of Mage 0.9.80."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headrace.worker import profiles
from headrace.worker.mage_ai.settings.repo import get_repo_path


class _Names(type):
    """Any name that settings may have stands for itself."""

    def __getattr__(cls, name: str) -> str:
        if name.isupper():
            return name
        raise AttributeError(f"{cls.__name__} has no {name}")


class ConfigKey(metaclass=_Names):
    """The names of settings: `ConfigKey.POSTGRES_HOST` is `'POSTGRES_HOST'`."""


class ConfigFileLoader:
    """The settings of one profile, rendered when they are read: `{{ env_var('NAME') }}`, `{{ mage_secret_var('NAME') }}`.

    Raises BadProject for a file that cannot be read or has no such profile.
    """

    def __init__(
        self, filepath: str | Path | None = None, profile: str = "default", config: Mapping[str, Any] | None = None
    ) -> None:
        self.filepath = Path(filepath or Path(get_repo_path(), "io_config.yaml"))
        self.profile = profile
        self.config = profiles.read(self.filepath, profile) if config is None else dict(config)

    def get(self, key: str, **_more: Any) -> Any:
        """The setting of that name; None when the profile has none."""
        return self.config.get(key)

    def __getitem__(self, key: str) -> Any:
        return self.config.get(key)

    def __contains__(self, key: str) -> bool:
        return key in self.config
