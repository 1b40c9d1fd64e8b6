"""Users, their names and roles, and how their tokens end with them."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from tests.store.conftest import AT, together

from headrace import errors
from headrace.model.access import Grant, Role, TokenKind
from headrace.store import Store
from headrace.store.users import NewUser

LATER = AT + timedelta(hours=1)


def ada(store: Store, *grants: Grant) -> int:
    given = grants or (Grant(Role.EDITOR), Grant(Role.ADMIN, "finance"))
    return store.users.create(NewUser(username="Ada", email="Ada@Mill.example", password="hash", grants=given), AT).id


def test_a_user_reads_as_it_was_made(store: Store) -> None:
    user = store.users.get(ada(store))
    assert (user.username, user.email, user.active, user.created_at) == ("Ada", "Ada@Mill.example", True, AT)
    assert user.grants == (Grant(Role.EDITOR), Grant(Role.ADMIN, "finance"))
    assert (user.role, user.everywhere, user.owner) == (Role.ADMIN, Role.EDITOR, False)
    assert store.users.password(user.id) == "hash"
    assert "hash" not in repr(NewUser(username="x", password="hash"))


@pytest.mark.parametrize("name", ["ada", "ADA", "ada@mill.EXAMPLE", " Ada "])
def test_a_user_is_found_however_the_name_is_written(store: Store, name: str) -> None:
    user = ada(store)
    assert store.users.named(name).id == user


@pytest.mark.parametrize("name", ["eve", "", "%", "a_a"])
def test_nobody_else_is_found(store: Store, name: str) -> None:
    ada(store)
    with pytest.raises(errors.UserNotFound):
        store.users.named(name)


@pytest.mark.parametrize(
    ("username", "email"), [("ADA", None), ("eve", "ada@mill.example"), ("ada@mill.example", None), ("eve", "ada")]
)
def test_a_name_is_one_user_s(store: Store, username: str, email: str | None) -> None:
    ada(store)
    with pytest.raises(errors.UserExists):
        store.users.create(NewUser(username=username, email=email), AT)
    other = store.users.create(NewUser(username="other"), AT)
    with pytest.raises(errors.UserExists):
        store.users.change(other.id, {"username": username, "email": email}, AT)
    assert [each.username for each in store.users.list()] == ["Ada", "other"]


def test_two_who_take_a_name_at_once_are_one(store: Store) -> None:
    def take() -> bool:
        try:
            store.users.create(NewUser(username="Ada"), AT)
        except errors.UserExists:
            return False
        return True

    assert sorted(together(take, take, take)) == [False, False, True]


def test_what_is_changed_is_so_and_the_rest_stays(store: Store) -> None:
    user = ada(store)
    changed = store.users.change(user, {"email": None, "last_name": "L"}, LATER, [Grant(Role.VIEWER, "sales")])
    assert (changed.username, changed.email, changed.last_name, changed.updated_at) == ("Ada", None, "L", LATER)
    assert changed.grants == (Grant(Role.VIEWER, "sales"),)
    assert store.users.change(user, {"username": "ADA"}, LATER).grants == changed.grants
    with pytest.raises(errors.UserNotFound):
        store.users.change(user + 1, {"last_name": "x"}, LATER)


def token(store: Store, user: int, kind: TokenKind = TokenKind.SESSION) -> int:
    return store.tokens.create("Ada", Role.OWNER, f"{kind} {user}", AT, kind=kind, user_id=user).id


def test_tokens_end_with_another_password_with_being_active_and_with_the_user(store: Store) -> None:
    user = ada(store)
    deeds: list[Callable[[], object]] = [
        lambda: store.users.change(user, {"password": "other"}, LATER),
        lambda: store.users.change(user, {"active": False}, LATER),
        lambda: store.users.delete(user, LATER),
    ]
    for number, deed in enumerate(deeds):
        made = store.tokens.create("Ada", Role.OWNER, f"hash {number}", AT, user_id=user)
        store.users.change(user, {"last_name": "x", "active": True}, LATER, [Grant(Role.VIEWER)])
        assert store.tokens.get(made.id).stands(LATER), "for these they need not end"
        deed()
        assert not store.tokens.get(made.id).stands(LATER)
    assert store.tokens.list()[-1].user_id is None, "the row stays, and says when it was revoked"
    assert not store.users.delete(user, LATER)


def test_a_token_of_nobody_who_is_there_is_not_made(store: Store) -> None:
    with pytest.raises(errors.UserNotFound):
        token(store, 99)


def test_a_token_has_its_kind_and_its_user(store: Store) -> None:
    user = ada(store)
    mine, api = token(store, user, TokenKind.BROWSER), store.tokens.create("x", Role.VIEWER, "x", AT).id
    assert [(each.id, each.kind, each.user_id) for each in store.tokens.list()] == [
        (mine, TokenKind.BROWSER, user),
        (api, TokenKind.API, None),
    ]
    assert [each.id for each in store.tokens.list(user)] == [mine]


def test_what_a_token_is_told_of_its_user(store: Store) -> None:
    user = ada(store)
    assert store.users.role_of(user) == ("Ada", [Grant(Role.EDITOR), Grant(Role.ADMIN, "finance")])
    store.users.change(user, {}, AT, [])
    assert store.users.role_of(user) == ("Ada", [])
    store.users.change(user, {"active": False}, AT)
    assert store.users.role_of(user) is None
    assert store.users.role_of(99) is None


def test_a_password_is_kept_in_another_way_only_if_it_is_still_the_same(store: Store) -> None:
    user = ada(store)
    store.users.rehash(user, "another", "new")
    assert store.users.password(user) == "hash"
    store.users.rehash(user, "hash", "new")
    assert store.users.password(user) == "new"
