"""Where a server is, and to whom a token is told."""

import subprocess
import sys
from pathlib import Path

import pytest

from headrace import errors
from headrace.client.address import DEFAULT, Address

BEYOND = "http://mill.example.org:6789"


def test_what_is_given_goes_before_what_the_environment_says() -> None:
    environ = {"HEADRACE_URL": "http://127.0.0.1:1/", "HEADRACE_TOKEN": "theirs"}
    assert Address.of(None, None, environ={}) == Address(DEFAULT, None, True)
    assert Address.of(None, None, environ=environ) == Address("http://127.0.0.1:1", "theirs", True)
    assert Address.of("http://[::1]:2", "mine", environ=environ) == Address("http://[::1]:2", "mine", True)


def test_a_token_is_not_told_in_the_open() -> None:
    with pytest.raises(errors.BadServer, match="plain http"):
        Address.of(BEYOND, "secret", environ={})
    assert Address.of(BEYOND, "secret", insecure=True, environ={}).token == "secret"
    assert Address.of(BEYOND, "secret", environ={"HEADRACE_INSECURE": "1"}).token == "secret"
    assert Address.of("https://mill.example.org", "secret", environ={}).is_local is False
    assert Address.of(BEYOND, None, environ={}).token is None


@pytest.mark.parametrize("host", ["127.0.0.1.example.org", "localhost.example.org", "0.0.0.0", "10.0.0.1", "[::2]"])
def test_what_only_looks_like_this_machine_is_beyond_it(host: str) -> None:
    with pytest.raises(errors.BadServer):
        Address.of(f"http://{host}:6789", "secret", environ={})


@pytest.mark.parametrize(
    "url",
    [
        "mill:6789",
        "ftp://mill",
        "http://",
        "http://mill:port",
        "http://mill:0",
        "http://a b",
        "http://mill/?q",
        "http://[x",
    ],
)
def test_what_is_no_url(url: str) -> None:
    with pytest.raises(errors.BadServer, match="HEADRACE_URL"):
        Address.of(None, None, environ={"HEADRACE_URL": url})


def test_a_password_in_a_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(errors.BadServer) as refused:
        Address.of("http://me:hush@mill", None, environ={})
    assert "hush" not in str(refused.value)


def test_a_token_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    environ = {"HEADRACE_TOKEN_FILE": str(file)}
    with pytest.raises(errors.BadTokenFile, match="No such file"):
        Address.of(None, None, environ=environ)
    file.write_text("of-the-file\n")
    file.chmod(0o644)
    with pytest.raises(errors.BadTokenFile, match="0644"):
        Address.of(None, None, environ=environ)
    file.chmod(0o600)
    assert Address.of(None, None, environ=environ).token == "of-the-file"
    file.write_text("")
    with pytest.raises(errors.BadTokenFile, match="empty"):
        Address.of(None, None, environ=environ)


def test_a_token_is_in_no_representation() -> None:
    assert "secret" not in repr(Address.of(None, "secret", environ={}))


def test_headrace_is_imported_without_its_client() -> None:
    script = "import sys, headrace; print('httpx' in sys.modules, headrace.Client.__name__, 'httpx' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False Client True\n"
