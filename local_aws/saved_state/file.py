"""The file of the saved state: read and replaced as a whole."""

import fcntl
import hashlib
import json
import os
from pathlib import Path

from local_aws.saved_state.object_graph import Json

FILE = "aws.jsonl"
NEW_FILE = "aws.jsonl.new"
LOCK_FILE = "lock"
FORMAT = "local-aws"
VERSION = 1


class Unreadable(Exception):
    """The file is damaged, or of another version; the text says which."""


class FolderInUse(OSError):
    """Another process saves to the folder."""


class StateFile:
    """
    The file in *folder*, which is created.

    Until close(), no other process can open it. Raises FolderInUse, or OSError if the folder cannot be
    written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = folder / FILE
        self._lock = os.open(folder / LOCK_FILE, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise FolderInUse(f"{folder} is in use by another process") from None

    def close(self) -> None:
        """Let other processes use the folder."""
        os.close(self._lock)

    def remove(self) -> None:
        """Remove the saved state, if there is any."""
        self.path.unlink(missing_ok=True)

    def read(self) -> Json | None:
        """Return the saved state, None for none; raises Unreadable."""
        if not os.path.lexists(self.path):
            return None
        if not self.path.is_file():
            raise Unreadable("it is no file")
        try:
            head, _, body = self.path.read_bytes().partition(b"\n")
            header, body = json.loads(head), body.removesuffix(b"\n")
            if header["format"] != FORMAT:
                raise Unreadable("it is of another program")
            if header["version"] != VERSION:
                raise Unreadable(f"it has version {header['version']!r}, not {VERSION}")
            if header["sha256"] != hashlib.sha256(body).hexdigest():
                raise Unreadable("it is incomplete or was changed")
            content: Json = json.loads(body)
        except OSError as error:
            raise Unreadable(str(error.strerror)) from None
        except (ValueError, TypeError, KeyError, RecursionError):
            raise Unreadable("it is not the JSON of a saved state") from None
        return content

    def set_aside(self) -> Path:
        """Rename the file, so that a new one can be written; return the new path."""
        number = 1
        while os.path.lexists(aside := self.path.with_name(f"{FILE}.unreadable-{number}")):
            number += 1
        return self.path.rename(aside)

    def replace(self, body: bytes) -> None:
        """Replace the content at once: after a crash the file has the old content or the new."""
        header = {"format": FORMAT, "version": VERSION, "sha256": hashlib.sha256(body).hexdigest()}
        new = self._folder / NEW_FILE
        new.unlink(missing_ok=True)
        descriptor = os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(json.dumps(header).encode() + b"\n" + body + b"\n")
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.path)
        folder = os.open(self._folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(folder)  # the rename itself
        finally:
            os.close(folder)
