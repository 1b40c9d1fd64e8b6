"""The settings of a provider of identities."""

from pathlib import Path

import pytest

from headrace import errors, settings

SECRET = "what only both know"


def test_they_read_as_they_are_said_in_the_environment_and_in_toml(tmp_path: Path) -> None:
    environ = {"HEADRACE_HOME": str(tmp_path), "HEADRACE_OIDC_CLIENT_SECRET": SECRET}
    (tmp_path / "headrace.toml").write_text('oidc_issuer = "https://id.example"\n[oidc_roles]\nmillers = "editor"\n')
    found = settings.load(environ)
    assert (found.oidc_issuer, found.oidc_roles, found.oidc_client_secret) == (
        "https://id.example",
        {"millers": "editor"},
        SECRET,
    )
    assert SECRET not in repr(found)
    said = settings.load(environ | {"HEADRACE_OIDC_ROLES": "millers=viewer:finance, *=viewer"})
    assert said.oidc_roles == {"millers": "viewer:finance", "*": "viewer"}


@pytest.mark.parametrize("said", ["millers", "=viewer", "millers=", "a=b,,"])
def test_pairs_have_two_sides(tmp_path: Path, said: str) -> None:
    with pytest.raises(errors.BadSetting, match="oidc_roles from HEADRACE_OIDC_ROLES"):
        settings.load({"HEADRACE_HOME": str(tmp_path), "HEADRACE_OIDC_ROLES": said})


def test_a_secret_is_not_repeated(tmp_path: Path) -> None:
    (tmp_path / "headrace.toml").write_text('oidc_client_secret = ["hush"]\n')
    with pytest.raises(errors.BadSetting, match="oidc_client_secret") as refused:
        settings.load({"HEADRACE_HOME": str(tmp_path)})
    assert "hush" not in str(refused.value)
