"""`headrace serve`: it listens where it says, lets in whom it should, and ends in peace."""

import re
import socket
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import pytest
from tests.acceptance.conftest import PATIENCE, Command, Folder, Meeting, until

TOKEN = "a token that somebody has thought up"


@dataclass(frozen=True)
class Served:
    process: "subprocess.Popen[str]"
    url: str
    link: str

    def client(self, token: str | None = TOKEN) -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=PATIENCE)


@contextmanager
def served(headrace: Command, *words: object, **environ: str) -> Generator[Served]:
    process = headrace.start("serve", "--port", 0, *words, **{"HEADRACE_BOOTSTRAP_TOKEN": TOKEN, **environ})
    said = until(process, "/enter?code=")
    urls = re.findall(r"http://\S+", said)
    yield Served(process, urls[0], urls[-1])


def test_a_run_is_asked_for_and_told_of_by_http(anywhere: Command, mill: Folder) -> None:
    with served(anywhere, "mill") as server, server.client() as client:
        asked = {"pipeline": "grind", "variables": {"n": 1}}
        answer = client.post("/v1/runs", json=asked, headers={"Prefer": f"wait={PATIENCE}"})
        assert (answer.status_code, answer.json()["status"]) == (201, "completed")
        shown = client.get(answer.headers["Location"])
        assert shown.json()["variables"] == {"n": 1}
        again = client.get(answer.headers["Location"], headers={"If-None-Match": shown.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
    assert anywhere("runs", "list", "-o", "json").json[0]["status"] == "completed"


def test_nobody_is_let_in_without_a_token_but_the_link_lets_a_browser_in_once(headrace: Command) -> None:
    with served(headrace) as server, server.client(None) as client:
        assert client.get("/v1/health").json() == {"status": "ok"}
        assert client.get("/v1/ready").status_code == 200
        refused = client.get("/v1/tokens")
        assert (refused.status_code, refused.headers["Content-Type"]) == (401, "application/problem+json")
        entered = client.get(server.link)
        assert entered.status_code == 303
        assert {"HttpOnly", "SameSite=strict"} <= set(entered.headers["Set-Cookie"].split("; "))
        assert client.get("/v1/tokens").status_code == 200, "the cookie lets it in"
        assert client.post("/v1/tokens", json={"name": "x", "role": "viewer"}).status_code == 403, "of no page of ours"
        own = {"Origin": server.url}
        made = client.post("/v1/tokens", json={"name": "x", "role": "viewer"}, headers=own)
        assert made.status_code == 201
        foreign = client.post("/v1/tokens", json={"name": "x", "role": "viewer"}, headers={"Origin": "http://evil"})
        assert foreign.status_code == 403
        client.cookies.clear()
        assert client.get(server.link).status_code == 403, "the link is good once"
        assert client.get("/v1/health", headers={"Host": "evil.example"}).status_code == 421


def test_a_port_that_is_taken_is_told(headrace: Command) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = headrace("serve", "--port", port, code=2)
    assert refused.err.startswith(f"error: Something listens at 127.0.0.1 port {port} already;")


@pytest.mark.parametrize("address", ["256.1.1.1", "192.0.2.1"])
def test_an_address_that_is_not_this_machines_is_told(headrace: Command, address: str) -> None:
    refused = headrace("serve", "--host", address, "--port", 0, code=2)
    assert refused.err.startswith(f"error: The server cannot listen at {address} port 0: ")


def test_beyond_this_machine_it_takes_a_token(headrace: Command) -> None:
    refused = headrace("serve", "--host", "0.0.0.0", "--port", 0, code=2)
    assert "Beyond this machine (0.0.0.0) nobody is let in without a token" in refused.err
    short = headrace("serve", "--port", 0, code=2, HEADRACE_BOOTSTRAP_TOKEN="short")
    assert "it must be 16 characters or more" in short.err
    with served(headrace, "--host", "0.0.0.0") as server, server.client() as client:
        assert client.get("/v1/tokens").status_code == 200


def test_a_home_has_one_server(headrace: Command) -> None:
    with served(headrace):
        assert headrace("serve", "--port", 0, code=2).err.startswith("error: An engine runs already in the home ")


def test_it_ends_in_peace(headrace: Command, mill: Folder, meeting: Meeting) -> None:
    mill.block("sow", Meeting.BODY)
    with served(headrace, "mill") as server, server.client() as client:
        run = client.post("/v1/runs", json={"pipeline": "grind"}).json()["id"]
        meeting.wait()
        server.process.terminate()
        until(server.process, "Ending: nothing more is begun")
        assert client.get("/v1/ready").status_code == 503
        assert client.get("/v1/health").status_code == 200, "it answers as long as blocks run"
        meeting.let_go()
        server.process.communicate(timeout=PATIENCE)
        assert server.process.returncode == 0
    shown = headrace("runs", "show", run, "-o", "json").json
    assert shown["blocks"][0]["status"] == "completed", "what ran has ended"
    with served(headrace) as server, server.client() as client:
        ended = client.get(f"/v1/runs/{run}", headers={"Prefer": f"wait={PATIENCE}"}).json()
    assert ended["status"] == "completed", "and the rest goes on with the next server"


def test_neither_tokens_nor_links_are_in_what_is_kept(headrace: Command) -> None:
    with served(headrace) as server, server.client() as client:
        said = client.post("/v1/tokens", json={"name": "ci", "role": "editor"}).json()["token"]
        with server.client(said) as other:
            assert other.get("/v1/tokens").status_code == 403
            assert other.get("/v1/version").status_code == 200
        server.process.terminate()
        out, err = server.process.communicate(timeout=PATIENCE)
    assert not err
    for secret in (said, TOKEN):
        assert secret not in out
        assert not [
            file for file in headrace.home.rglob("*") if file.is_file() and secret.encode() in file.read_bytes()
        ]
