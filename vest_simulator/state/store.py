"""The state file: an SQLite database of JSON items, each with a checksum. What is committed survives a kill."""
import contextlib
import json
import os
import sqlite3
import zlib
from pathlib import Path
from typing import Any, Dict, Iterator, Optional, Tuple

_APPLICATION_ID = 0x56455354
_VERSION = 1
_SCHEMA = ("CREATE TABLE items (kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, checksum INTEGER NOT NULL, "
           "PRIMARY KEY (kind, id))")


class StateError(ValueError):
    """The state cannot be read or written; the text is one sentence that says what to do."""


class Store:
    """Items by kind and id, in the order in which they were first put.

    :param path: made when it is missing, readable by its owner alone, because keys are in it
    :raises StateError: when it is something else, damaged, or in use
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: Dict[Tuple[str, str], int] = {}
        self._failure: Optional[StateError] = None
        self._is_written = False
        self.has_written = False
        """Whether something was put or removed since `writing` began."""
        try:
            if not path.exists():
                self._create()
            self._database = sqlite3.connect(path, isolation_level=None, timeout=0.0)
        except (sqlite3.Error, OSError) as error:
            raise self._error(error) from None
        try:
            self._check()
        except sqlite3.Error as error:
            self.close()
            raise self._error(error) from None
        except StateError:
            self.close()
            raise

    def _create(self) -> None:
        """It appears complete at once."""
        draft = self._path.with_name(f"{self._path.name}.{os.getpid()}.new")
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        database = sqlite3.connect(draft, isolation_level=None)
        with contextlib.closing(database):
            database.execute(_SCHEMA)
            database.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            database.execute(f"PRAGMA user_version = {_VERSION}")
        os.replace(draft, self._path)

    def _check(self) -> None:
        self._database.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._database.execute("PRAGMA synchronous = NORMAL")
        application_id, = self._database.execute("PRAGMA application_id").fetchone()
        if application_id != _APPLICATION_ID:
            raise StateError(f"{self._path} is not a state file of the simulator; name another file.")
        version, = self._database.execute("PRAGMA user_version").fetchone()
        if version != _VERSION:
            raise StateError(f"{self._path} was written by another version of the simulator; name another file.")
        result, = self._database.execute("PRAGMA quick_check(1)").fetchone()
        if result != "ok":
            raise self.damaged("its pages")
        self._database.execute("BEGIN EXCLUSIVE")  # from here on nobody else can use it
        self._database.execute("COMMIT")

    def items(self, kind: str) -> Iterator[Tuple[str, Any]]:
        """(id, value) of all items of a kind. :raises StateError: when one is damaged"""
        query = "SELECT id, body, checksum FROM items WHERE kind = ? ORDER BY rowid"
        try:
            for item_id, body, checksum in self._database.execute(query, (kind,)):
                if zlib.crc32(body.encode()) != checksum:
                    raise self.damaged(kind)
                self._known[kind, item_id] = checksum
                yield item_id, json.loads(body)
        except (sqlite3.Error, ValueError) as error:
            raise error if isinstance(error, StateError) else self.damaged(kind) from None

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """All that is put and removed within is written together, or not at all.

        :raises StateError: when it is not written; then nothing is any more, because a part would be missing
        """
        if self._failure is not None:
            raise self._failure
        try:
            if not self._is_written:
                self._database.execute("PRAGMA journal_mode = WAL")
                self._is_written = True
            self._database.execute("BEGIN")
            self.has_written = False
            yield
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            self._failure = self._error(error)
            raise self._failure from None
        finally:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")

    def put(self, kind: str, item_id: str, value: Any) -> None:
        """Keeps a JSON value; does nothing when it is kept already."""
        body = json.dumps(value, separators=(",", ":"))
        checksum = zlib.crc32(body.encode())
        if self._known.get((kind, item_id)) != checksum:
            self._database.execute("INSERT INTO items VALUES (?, ?, ?, ?) ON CONFLICT (kind, id) DO UPDATE "
                                   "SET body = excluded.body, checksum = excluded.checksum",
                                   (kind, item_id, body, checksum))
            self._known[kind, item_id] = checksum
            self.has_written = True

    def remove(self, kind: str, item_id: str) -> None:
        """Takes an item out; what is not there is no error."""
        self.has_written = True
        self._database.execute("DELETE FROM items WHERE kind = ? AND id = ?", (kind, item_id))
        self._known.pop((kind, item_id), None)

    def close(self) -> None:
        """Gives the file free."""
        self._database.close()

    def damaged(self, what: str) -> StateError:
        """What to raise for an item that does not mean anything."""
        return StateError(f"{self._path} is damaged ({what}); it was left as it is: restore a copy of it, or name "
                          "another file to begin anew.")

    def _error(self, error: Exception) -> StateError:
        if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
            return StateError(f"{self._path} is in use by another simulator; stop that one, or name another file.")
        if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
            return self.damaged(str(error))
        return StateError(f"The state cannot be kept in {self._path}: {error}.")
