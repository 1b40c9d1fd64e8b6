"""Vault: what must be shown again is kept sealed, so that whoever has the database alone learns nothing.

The key is the home's own, in its file `key`, readable by its owner alone, or what HEADRACE_KEY says where engines have
no home in common. A file of several lines has several keys: the first seals, all of them open.
"""

import base64
import contextlib
import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from headrace import errors

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FORM = "v1"
SIZE = 32  # bytes of a key: AES-256


class Vault:
    """Seals and opens texts; each is bound to a `purpose`, and opens for no other."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._found: dict[str, bytes] | None = None

    def seal(self, text: str, purpose: str) -> str:
        """The text, sealed with a name of the key in front."""
        name, key = next(iter(self._keys().items()))
        nonce = secrets.token_bytes(12)
        sealed = _cipher(key).encrypt(nonce, text.encode(), purpose.encode())
        return f"{FORM}.{name}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, purpose: str) -> str:
        """What was sealed. CannotUnseal when it was changed, was for another purpose, or its key is not here."""
        from cryptography.exceptions import InvalidTag

        form, _, rest = sealed.partition(".")
        name, _, content = rest.partition(".")
        key = self._keys().get(name)
        if form != FORM or key is None:
            raise errors.CannotUnseal(purpose=purpose, why="its key is not among those of this home")
        try:
            raw = base64.urlsafe_b64decode(content)
            return _cipher(key).decrypt(raw[:12], raw[12:], purpose.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise errors.CannotUnseal(purpose=purpose, why="it is not as it was sealed") from error

    def _keys(self) -> dict[str, bytes]:
        """The keys by name, the one that seals first."""
        if self._found is None:
            given = os.environ.get("HEADRACE_KEY")
            source = "HEADRACE_KEY" if given else str(self._home / "key")
            keys = [_key(line, source) for line in (given or self._file()).split() or [""]]
            self._found = {hashlib.sha256(key).hexdigest()[:8]: key for key in keys}
        return self._found

    def _file(self) -> str:
        """What the home's key file says; whoever comes first writes it, whole or not at all."""
        path, new = self._home / "key", self._home / f"key.{os.getpid()}.{secrets.token_hex(4)}"
        if not path.exists():
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(f"{secrets.token_hex(SIZE)}\n")
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):  # somebody else was first
                path.hardlink_to(new)
            new.unlink()
            _sync(self._home)
        return path.read_text()


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
