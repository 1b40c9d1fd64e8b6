"""The `.env` file, and what of an environment is masked."""

import json
import time

import pytest

from headrace import project
from headrace.project import environment


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A=1", {"A": "1"}),
        ("  export A = one two  \nB=\n", {"A": "one two", "B": ""}),
        ("# note\n\nA=1 # note\nB=x#y\nC='x # y' # note", {"A": "1", "B": "x#y", "C": "x # y"}),
        (r'A="say \"hi\"\n\\ \q"', {"A": 'say "hi"\n\\ \\q'}),
        (r"A='$HOME \n'", {"A": r"$HOME \n"}),
        ('KEY="-----BEGIN\nabc\n-----END"\r\nB=2\r\n', {"KEY": "-----BEGIN\nabc\n-----END", "B": "2"}),
        ("A=1\nA=2", {"A": "2"}),
        ("A=it's", {"A": "it's"}),
        ("\ufeffA=1", {"A": "1"}),
        ("A==x=y", {"A": "=x=y"}),
        ("", {}),
    ],
)
def test_what_is_set(tmp_path, text, expected):
    (tmp_path / "pipelines").mkdir()
    (tmp_path / ".env").write_bytes(text.encode())
    found = project.open(tmp_path)
    assert project.dotenv(found) == expected
    assert project.dotenv_warnings(found) == ()


def test_lines_that_set_nothing_are_named():
    found = environment.parse("A=1\nnonsense\n1A=2\nB='unclosed\nC=3\nexport\n=x\nD=\0")
    assert found.values == {"A": "1", "C": "3"}
    assert [warning.split(":")[0] for warning in found.warnings] == [f".env line {n}" for n in (2, 3, 4, 6, 7, 8)]


def test_no_file_sets_nothing(tmp_path):
    (tmp_path / "pipelines").mkdir()
    assert project.dotenv(project.open(tmp_path)) == {}
    (tmp_path / ".env").mkdir()
    assert project.dotenv(project.open(tmp_path)) == {}


@pytest.mark.parametrize(
    "name",
    [
        "PASSWORD",
        "db_password",
        "POSTGRES_PASSWD",
        "API_KEY",
        "APIKEY",
        "AWS_SECRET_ACCESS_KEY",
        "GITHUB_TOKEN",
        "DB_PASS",
        "DB_PWD",
        "MY_DSN",
        "GOOGLE_CREDENTIALS",
        "client_secret",
        "SSH_PASSPHRASE",
        "KEYS",
        "SLACK_WEBHOOK",
        "webhook_url",
    ],
)
def test_names_that_look_secret(name):
    assert project.secrets_of({name: "opensesame"}) == ("opensesame",)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOME", "/home/mill"),
        ("PWD", "/home/mill"),
        ("KEYBOARD", "qwertz"),
        ("WEBHOOK_NAME", "alerts"),
        ("COMPASS", "north"),
        ("BYPASS_CACHE", "always"),
        ("USE_TOKEN", "true"),
        ("PASSWORD", "abc"),
        ("URL", "https://example.com:8080/a@b"),
        ("MAIL", "someone@example.com"),
    ],
)
def test_values_that_are_not_masked(name, value):
    assert project.secrets_of({name: value}) == ()


@pytest.mark.parametrize(
    ("name", "value", "masked"),
    [
        ("DATABASE_URL", "postgresql+psycopg://mill:s3cr3t@db:5432/x", ("s3cr3t",)),
        ("REDIS", "redis://:s3cr3t@cache", ("s3cr3t",)),
        ("ANY", "https://a:p%40ss%2Fw@host/", ("p%2540ss%252Fw", "p%40ss%2Fw", "p%40ss/w", "p@ss/w")),
        ("DSN", "host=db user=mill password=s3cr3t", ("s3cr3t",)),
        ("ODBC", "Driver=x;Uid=mill;Pwd=s3cr3t;", ("s3cr3t",)),
    ],
)
def test_of_an_address_the_password_is_masked(name, value, masked):
    assert project.secrets_of({name: value}) == masked


def test_longer_values_come_first_and_lines_are_masked_too():
    found = project.secrets_of({"A_TOKEN": "abcd", "B_TOKEN": "abcdef", "KEY": "first\nsecond\n"})
    assert [each for each in found if "\\" not in each and "%" not in each and "+" not in each] == [
        "first\nsecond",
        "abcdef",
        "second",
        "first",
        "abcd",
    ]


def test_masked_values_are_masked_as_others_write_them():
    value = 'a"b\\c/d e'
    found = project.secrets_of({"PASSWORD": value})
    written = [repr(value)[1:-1], json.dumps(value)[1:-1], "a%22b%5Cc%2Fd%20e", "a%22b%5Cc%2Fd+e"]
    assert set(written) | {value} <= set(found)


def test_a_value_that_is_no_text_is_masked_as_well():
    assert "\ud800 half" in project.secrets_of({"PASSWORD": "\ud800 half"})


def test_any_value_is_masked_whatever_its_name_whole_and_line_by_line():
    found = project.masks_of(["plain", "abc", "yes", "first\nsecond"])
    assert {"plain", "first\nsecond", "first", "second"} <= set(found)
    assert not {"abc", "yes"} & set(found)


def test_lines_that_a_value_has_escaped_are_masked_as_well():
    found = project.masks_of([json.dumps({"private_key": "BEGIN\nMIIEv\nEND KEY"})])
    assert {"MIIEv", 'END KEY"}'} <= set(found)


@pytest.mark.parametrize("text", ["x" * 100_000, "a:" * 50_000, "://" * 30_000, "a://:" * 20_000, "pwd " * 25_000])
def test_a_long_value_is_looked_through_once(text: str):
    began = time.process_time()
    assert project.secrets_of({"day": text}) == ()
    assert time.process_time() - began < 0.5
