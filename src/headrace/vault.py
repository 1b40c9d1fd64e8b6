"""Vault: what must be shown again is kept sealed, so that whoever has the database alone learns nothing.

The key is the home's own, in its file `key`, readable by its owner alone, or what HEADRACE_KEY says where engines have
no home in common. A file of several lines has several keys: the first seals, all of them open. It may change at any
time, and is looked at before each use.
"""

import base64
import contextlib
import fcntl
import hashlib
import hmac
import os
import secrets
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from headrace import errors

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FORM = "v1"
SIZE = 32  # bytes of a key: AES-256

_Keys = Mapping[str, bytes]  # by name, the one that seals first


class Vault:
    """Seals and opens texts; each is bound to a `purpose`, and opens for no other. Any thread may use it."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._found: tuple[object, _Keys] | None = None  # what told that the file was as it was then, and its keys
        self._dropped: _Keys = {}  # by this vault, which can still open what they have sealed

    @property
    def is_managed(self) -> bool:
        """Whether the keys are in the home's file, for headrace to look after; otherwise HEADRACE_KEY says what they are."""
        return not os.environ.get("HEADRACE_KEY")

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the keys, that of the one that seals first."""
        return tuple(self._keys())

    def seal(self, text: str, purpose: str) -> str:
        """The text, sealed with a name of the key in front."""
        name, key = next(iter(self._keys().items()))
        nonce = secrets.token_bytes(12)
        sealed = _cipher(key).encrypt(nonce, text.encode(), purpose.encode())
        return f"{mark(name)}{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, purpose: str) -> str:
        """What was sealed. CannotUnseal when it was changed, was for another purpose, or its key is not here."""
        from cryptography.exceptions import InvalidTag

        form, _, rest = sealed.partition(".")
        name, _, content = rest.partition(".")
        key = self._keys().get(name) or self._dropped.get(name) or self._keys(anew=True).get(name)
        if form != FORM or key is None:
            raise errors.CannotUnseal(purpose=purpose, why="its key is not among those of this home")
        try:
            raw = base64.urlsafe_b64decode(content)
            return _cipher(key).decrypt(raw[:12], raw[12:], purpose.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise errors.CannotUnseal(purpose=purpose, why="it is not as it was sealed") from error

    @contextmanager
    def changing(self) -> Generator[None]:
        """Within, nobody else changes the keys of this home. What was left beside the file by who was killed is gone."""
        with (self._home / "key.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            for left in self._home.glob("key.*.*"):
                left.unlink(missing_ok=True)
            yield

    def add_key(self) -> None:
        """A new key seals from now on; the others still open."""
        kept = [key.hex() for key in self._keys().values()]
        self._replace([secrets.token_hex(SIZE), *kept])

    def drop_keys(self) -> None:
        """Only the key that seals is left; what another has sealed opens no more, but here."""
        self._dropped = self._keys()
        self._replace([next(iter(self._dropped.values())).hex()])

    def _keys(self, *, anew: bool = False) -> _Keys:
        """As the file has them now; read `anew` in any case, for a machine may learn late that it has changed."""
        given = os.environ.get("HEADRACE_KEY")
        seen = given or _state(
            self._home / "key"
        )  # before it is read, so that a change meanwhile is seen the next time
        found = self._found
        if anew or not seen or found is None or found[0] != seen:
            found = self._found = seen, self._read(given)
        return found[1]

    def _read(self, given: str | None) -> _Keys:
        source = "HEADRACE_KEY" if given else str(self._home / "key")
        keys = [_key(line, source) for line in (given or self._file()).split() or [""]]
        return {hashlib.sha256(key).hexdigest()[:8]: key for key in keys}

    def _file(self) -> str:
        """What the home's key file says; whoever comes first writes it, whole or not at all."""
        path = self._home / "key"
        if not path.exists():
            new = self._beside([secrets.token_hex(SIZE)])
            with contextlib.suppress(
                FileExistsError, FileNotFoundError
            ):  # somebody else was first, or already changes it
                path.hardlink_to(new)
            new.unlink(missing_ok=True)
            _sync(self._home)
        return path.read_text()

    def _replace(self, keys: list[str]) -> None:
        """The file has these keys from now on: before and after a power failure all of them, or all of the former."""
        self._beside(keys).replace(self._home / "key")
        _sync(self._home)

    def _beside(self, keys: list[str]) -> Path:
        new = self._home / f"key.{os.getpid()}.{secrets.token_hex(4)}"
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write("".join(f"{key}\n" for key in keys))
            file.flush()
            os.fsync(file.fileno())
        return new


def mark(name: str) -> str:
    """How everything begins that the key of that name has sealed."""
    return f"{FORM}.{name}."


def key_of(sealed: str) -> str:
    """The name of the key that it was sealed with."""
    return sealed.split(".")[1] if sealed.count(".") > 1 else ""


def _state(path: Path) -> tuple[int, ...]:
    """What is another once the file is: it is replaced, never written into. Empty when there is none."""
    try:
        seen = path.stat()
    except FileNotFoundError:
        return ()
    return seen.st_ino, seen.st_mtime_ns, seen.st_size


def _sync(folder: Path) -> None:
    """The names in the folder are on the disk: a key that a power failure takes opens nothing."""
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(held)
    finally:
        os.close(held)


def new_token() -> str:
    """A token that nobody can guess: 32 hex digits, as the Mage format has them."""
    return secrets.token_hex(16)


def digest(token: str) -> str:
    """The hash of a token, which is what is kept to compare a caller's with."""
    return hashlib.sha256(token.encode()).hexdigest()


def same(token: str, kept: str) -> bool:
    """Whether the token has that hash; the answer takes as long for a wrong one as for the right one."""
    return hmac.compare_digest(digest(token), kept)


def _cipher(key: bytes) -> "AESGCM":
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # takes long to import, and few need it

    return AESGCM(key)


def _key(line: str, source: str) -> bytes:
    try:
        key = bytes.fromhex(line)
    except ValueError:
        key = b""
    if len(key) != SIZE:
        raise errors.BadSetting(name="key", source=source, given="of another form", expected=f"{2 * SIZE} hex digits")
    return key
