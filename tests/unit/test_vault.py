"""What is sealed opens for the purpose it was sealed for, with the home's key, and for nothing else."""

import base64
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from headrace import errors, vault
from headrace.vault import Vault

KEY, OTHER = "0a" * 32, "0b" * 32


@pytest.fixture(autouse=True)
def keyless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEADRACE_KEY", raising=False)


@pytest.mark.parametrize("text", ["", "token", "tökèn 🔑", "x" * 10_000])
def test_what_is_sealed_opens_for_its_purpose(tmp_path: Path, text: str) -> None:
    sealed = Vault(tmp_path).seal(text, "one")
    assert Vault(tmp_path).open(sealed, "one") == text
    assert not text or text not in sealed
    with pytest.raises(errors.CannotUnseal, match=r"sealed for two .* not as it was sealed"):
        Vault(tmp_path).open(sealed, "two")


def test_the_same_text_is_never_sealed_alike(tmp_path: Path) -> None:
    made = Vault(tmp_path)
    assert made.seal("x", "p") != made.seal("x", "p")


def test_what_was_changed_does_not_open(tmp_path: Path) -> None:
    sealed = Vault(tmp_path).seal("token", "p")
    form, name, content = sealed.split(".")
    raw = bytearray(base64.urlsafe_b64decode(content))
    for place in (0, 12, len(raw) - 1):
        changed = bytearray(raw)
        changed[place] ^= 1
        with pytest.raises(errors.CannotUnseal):
            Vault(tmp_path).open(f"{form}.{name}.{base64.urlsafe_b64encode(changed).decode()}", "p")


@pytest.mark.parametrize(
    "broken", ["", "v1", "v1..", "v2.x.y", "v1.{name}.", "v1.{name}.x", "v1.{name}.****", "v1.{name}.ö"]
)
def test_what_was_never_sealed_does_not_open(tmp_path: Path, broken: str) -> None:
    name = Vault(tmp_path).seal("x", "p").split(".")[1]
    with pytest.raises(errors.CannotUnseal):
        Vault(tmp_path).open(broken.format(name=name), "p")


def test_another_home_opens_nothing(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    with pytest.raises(errors.CannotUnseal, match="its key is not among those of this home"):
        Vault(tmp_path / "two").open(Vault(tmp_path / "one").seal("x", "p"), "p")


def test_the_key_is_its_owner_s_alone(tmp_path: Path) -> None:
    Vault(tmp_path).seal("x", "p")
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_those_who_make_the_key_at_once_make_one(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        sealed = list(threads.map(lambda text: Vault(tmp_path).seal(text, "p"), list("01234567")))
    assert [Vault(tmp_path).open(each, "p") for each in sealed] == list("01234567")


def test_the_environment_s_key_wins_over_the_home_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_KEY", KEY)
    sealed = Vault(tmp_path).seal("x", "p")
    assert not (tmp_path / "key").exists()
    (tmp_path / "elsewhere").mkdir()
    assert Vault(tmp_path / "elsewhere").open(sealed, "p") == "x"


def test_the_first_key_seals_and_all_of_them_open(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n")
    before = Vault(tmp_path).seal("x", "p")
    (tmp_path / "key").write_text(f"{OTHER}\n{KEY}\n")
    after = Vault(tmp_path).seal("y", "p")
    assert (Vault(tmp_path).open(before, "p"), Vault(tmp_path).open(after, "p")) == ("x", "y")
    (tmp_path / "key").write_text(f"{OTHER}\n")
    assert Vault(tmp_path).open(after, "p") == "y"
    with pytest.raises(errors.CannotUnseal):
        Vault(tmp_path).open(before, "p")


@pytest.mark.parametrize("key", ["", "\n", "abc", "0a" * 31, "zz" * 32, f"{KEY}\nx"])
def test_a_file_without_a_key_is_refused_and_not_repeated(tmp_path: Path, key: str) -> None:
    (tmp_path / "key").write_text(key)
    with pytest.raises(errors.BadSetting, match="must be 64 hex digits") as refused:
        Vault(tmp_path).seal("x", "p")
    assert str(tmp_path / "key") in str(refused.value)
    assert KEY not in str(refused.value)


def test_a_key_of_the_environment_that_is_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in (" ", "short"):
        monkeypatch.setenv("HEADRACE_KEY", key)
        with pytest.raises(errors.BadSetting, match="from HEADRACE_KEY"):
            Vault(tmp_path).seal("x", "p")


def test_a_token_is_compared_with_the_hash_that_is_kept() -> None:
    kept = vault.digest("token")
    assert "token" not in kept
    assert [vault.same(given, kept) for given in ("token", "Token", "", "tökèn")] == [True, False, False, False]
    assert not vault.same("token", "")


def test_a_vault_that_is_open_sees_that_its_key_was_changed(tmp_path: Path) -> None:
    held, other = Vault(tmp_path), Vault(tmp_path)
    before = held.seal("x", "p")
    other.add_key()
    after = held.seal("y", "p")
    assert vault.key_of(after) == other.names[0] != vault.key_of(before)
    assert after.startswith(vault.mark(other.names[0]))
    assert [held.open(each, "p") for each in (before, after)] == ["x", "y"]
    other.drop_keys()
    assert held.names == (vault.key_of(after),)
    assert held.open(after, "p") == "y"
    with pytest.raises(errors.CannotUnseal, match="its key is not among those of this home"):
        held.open(before, "p")
    assert other.open(before, "p") == "x"  # who has dropped a key knows it still


def test_a_changed_key_file_is_its_owner_s_alone_and_nothing_lies_beside_it(tmp_path: Path) -> None:
    keys = Vault(tmp_path)
    keys.seal("x", "p")
    (tmp_path / "key.17.0a0b").write_text(KEY)  # somebody was killed before he could put it in its place
    with keys.changing():
        keys.add_key()
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert len((tmp_path / "key").read_text().split()) == 2
    assert {path.name for path in tmp_path.iterdir()} == {"key", "key.lock"}


def test_one_at_a_time_changes_the_keys(tmp_path: Path) -> None:
    def add(_: int) -> None:
        with Vault(tmp_path).changing():
            Vault(tmp_path).add_key()

    Vault(tmp_path).seal("x", "p")
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(add, range(8)))
    assert len(Vault(tmp_path).names) == 9


def test_keys_of_the_environment_are_not_the_home_s_to_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Vault(tmp_path).is_managed
    monkeypatch.setenv("HEADRACE_KEY", f"{OTHER} {KEY}")
    assert not Vault(tmp_path).is_managed
    assert len(Vault(tmp_path).names) == 2


@pytest.mark.parametrize("text", ["", "v1", "v1.x"])
def test_what_was_never_sealed_has_no_key(text: str) -> None:
    assert vault.key_of(text) == ""
