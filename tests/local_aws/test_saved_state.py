"""The file of the saved state, and what is in it."""

import io
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from moto.cognitoidp import models

from local_aws.cognito.records import AccessToken, Device, Grant, PoolFactors, RefreshToken
from local_aws.cognito.state import Cognito
from local_aws.outbox import Outbox
from local_aws.saved_state.contents import KINDS, MOTOS_OWN, collect, install
from local_aws.saved_state.file import FolderInUse, StateFile, Unreadable
from local_aws.saved_state.object_graph import Writer, data_kind, read
from local_aws.saved_state.saver import QUICK_S, Saver, restored


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> Iterator[StateFile]:
    """Open the file in a folder that does not exist yet."""
    with closing(StateFile(tmp_path / "data")) as opened:
        yield opened


def _nothing(_: Any) -> None:  # noqa: ANN401 -- the state
    """Install nothing."""


def test_content_is_read_as_written_by_its_owner_only(file: StateFile) -> None:
    """The file has the content, and its owner alone may read it."""
    assert file.read() is None
    file.replace(b'{"a": [1]}')
    assert file.read() == {"a": [1]}
    assert file.path.stat().st_mode & 0o777 == 0o600
    assert file.path.parent.stat().st_mode & 0o777 == 0o700


def test_content_is_replaced_at_once(file: StateFile) -> None:
    """What a killed process left of a new file neither counts nor disturbs."""
    file.replace(b'{"n": 1}')
    file.path.with_name("aws.jsonl.new").write_text("half")
    assert file.read() == {"n": 1}
    file.replace(b'{"n": 2}')
    assert file.read() == {"n": 2}
    assert {path.name for path in file.path.parent.iterdir()} == {"aws.jsonl", "lock"}


def _changed(path: Path, old: bytes, new: bytes) -> None:
    path.write_bytes(path.read_bytes().replace(old, new))


def _instead(path: Path, make: Callable[[Path], object]) -> None:
    path.unlink()
    make(path)


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty": (lambda path: path.write_bytes(b""), "not the JSON of a saved state"),
    "binary": (lambda path: path.write_bytes(b"\x80\x04\x95\n"), "not the JSON of a saved state"),
    "other JSON": (lambda path: path.write_bytes(b"[]\n"), "not the JSON of a saved state"),
    "deep": (lambda path: path.write_bytes(b"[" * 100_000), "not the JSON of a saved state"),
    "cut off": (lambda path: os.truncate(path, path.stat().st_size - 5), "incomplete"),
    "changed": (
        lambda path: _changed(path, b'"objects"', b'"object$"'),
        "incomplete or was changed",
    ),
    "newer": (
        lambda path: _changed(path, b'"version": 1', b'"version": 2'),
        "has version 2, not 1",
    ),
    "foreign": (lambda path: _changed(path, b"local-aws", b"other-aws"), "of another program"),
    "folder": (lambda path: _instead(path, Path.mkdir), "it is no file"),
    "pipe": (lambda path: _instead(path, os.mkfifo), "it is no file"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_unreadable_file_is_named_and_set_aside(file: StateFile, damage: str) -> None:
    """A file that cannot be read is kept under another name, and the start goes on without it."""
    cause, reason = DAMAGES[damage]
    for number in (1, 2):
        file.replace(b'{"objects": [], "root": {}}')
        cause(file.path)
        sentence = restored(file, _nothing, fresh=False)
        assert sentence is not None
        assert sentence.startswith(f"{file.path} cannot be read (")
        assert reason in sentence
        assert sentence.endswith(f"it is now aws.jsonl.unreadable-{number}")
        assert not file.path.exists()
        assert (file.path.parent / f"aws.jsonl.unreadable-{number}").exists()
    assert restored(file, _nothing, fresh=False) is None


def test_file_without_permission_is_unreadable(
    file: StateFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that the system does not let read is unreadable, with the system's reason."""

    def refuse(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    file.replace(b"1")
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(Unreadable, match="Permission denied"):
        file.read()


HOSTILE = [
    {"objects": [["os.system", {}]], "root": None},
    {"objects": [["user", {"id": "1"}]], "root": None},
    {"objects": [], "root": {"$object": 0}},
    {"objects": [], "root": {"$bytes": "%"}},
    {"objects": [], "root": {"$status": "ADMIN"}},
    {"objects": [], "root": {"$eval": "1"}},
    {"objects": [], "root": {"pools": 1}},
    {"objects": [], "root": []},
    {"objects": 1, "root": None},
    {},
]


@pytest.mark.parametrize("content", HOSTILE, ids=range(len(HOSTILE)))
def test_malformed_content_is_set_aside(file: StateFile, content: object) -> None:
    """Content that no writer makes adds nothing, and is set aside like a damaged file."""
    before = {
        region: len(b.user_pools) for region, b in models.cognitoidp_backends["1" * 12].items()
    }
    file.replace(json.dumps(content).encode())
    outbox = Outbox(print)
    cognito = Cognito(outbox.deliver, lambda: 0.0)
    sentence = restored(file, lambda found: install(found, cognito, outbox), fresh=False)
    assert sentence is not None
    assert "(its content is malformed)" in sentence
    assert before == {
        region: len(b.user_pools) for region, b in models.cognitoidp_backends["1" * 12].items()
    }


def test_fresh_start_removes_the_file(file: StateFile) -> None:
    """With *fresh* nothing is read, and nothing is kept."""
    file.replace(b"broken")
    assert restored(file, _nothing, fresh=True) is None
    assert restored(file, _nothing, fresh=True) is None
    assert not file.path.exists()


def test_folder_has_one_user(file: StateFile) -> None:
    """A second process cannot use the folder, until the first one ends."""
    folder = file.path.parent
    with pytest.raises(FolderInUse, match="in use"):
        StateFile(folder)


def test_every_attribute_of_motos_objects_is_saved() -> None:
    """A new attribute of moto's classes is noticed: it is saved, or listed as moto's own."""
    pool = models.CognitoIdpUserPool("1" * 12, "eu-west-1", "x", {})
    made = [
        pool,
        next(iter(pool.schema_attributes.values())),
        models.CognitoIdpUserPoolClient(pool.id, generate_secret=False, extended_config={}),
        models.CognitoIdpIdentityProvider("x", {}),
        models.CognitoIdpGroup(pool.id, "x", "", "", 0),
        models.CognitoIdpUser(pool.id, "x", None, "CONFIRMED", []),
        models.CognitoResourceServer(pool.id, "x", "x", []),
        models.CognitoIdpUserPoolDomain(pool.id, "x"),
    ]
    kept = {kind.type: {*kind.attributes} for kind in KINDS.values()}
    for each in made:
        assert {*vars(each)} - MOTOS_OWN == kept[type(each)], type(each)


def test_values_are_read_as_written() -> None:
    """Every kind of value, and a reference in a circle, survives."""
    shared = PoolFactors()
    shared.email_mfa = {"self": shared, "$key": (1, b"\xff"), "status": models.UserStatus.CONFIRMED}
    values = [shared, {None: 1.5}, {"a"}, datetime(2026, 1, 1, tzinfo=UTC), shared, {}, [[]]]
    kinds = {"factors": data_kind(PoolFactors)}

    found = read(kinds, json.loads(json.dumps(Writer(kinds).graph(values))))

    assert found[1:4] == values[1:4]
    assert found[5:] == values[5:]
    assert found[0] is found[4] is found[0].email_mfa["self"]
    assert found[0].email_mfa["$key"] == (1, b"\xff")
    assert found[0].email_mfa["status"] is models.UserStatus.CONFIRMED


def test_object_of_another_class_is_not_written() -> None:
    """An object that could not be read again is refused."""
    with pytest.raises(TypeError, match="Grant"):
        Writer({}).graph(Grant.__new__(Grant))


def test_old_tokens_and_deleted_users_are_left_out() -> None:
    """Tokens that expired a day ago, and accounts of users that are gone, are not saved."""
    outbox = Outbox(print)
    cognito = Cognito(outbox.deliver, lambda: 200_000.0)
    pool = models.CognitoIdpUserPool("1" * 12, "eu-west-1", "x", {})
    user = models.CognitoIdpUser(pool.id, "gone", None, "CONFIRMED", [])
    cognito.account(user).typed_name = "gone"
    for expires_at in (100_000.0, 150_000.0):
        grant = Grant(pool, user, "client", "jti", auth_time=0, expires_at=expires_at)
        cognito.access_tokens[f"access {expires_at}"] = AccessToken(grant, expires_at)
        cognito.refresh_tokens[f"refresh {expires_at}"] = RefreshToken(grant)

    graph = collect(cognito, outbox)

    saved = [name for name, _ in graph["objects"]]
    assert saved.count("access_token") == saved.count("refresh_token") == 1
    assert "access 150000.0" in graph["root"]["access_tokens"]
    assert "account" not in saved


def _saver(file: StateFile, collected: Callable[[], dict[str, Any]]) -> Saver:
    return Saver(file, collected, threading.Lock())


def test_change_is_in_the_file_when_it_is_answered(file: StateFile) -> None:
    """While saving is quick, a change returns when it is saved."""
    state = {"n": 0}
    saver = _saver(file, lambda: dict(state))
    with saver.running():
        for number in (1, 2, 3):
            state["n"] = number
            saver.changed()
            assert file.read() == {"n": number}
        state["n"] = 4
    assert file.read() == {"n": 4}


def test_large_state_is_saved_in_the_background(file: StateFile) -> None:
    """A change does not wait for a state that takes long; the end saves it."""
    state = {"n": 0}
    took = threading.Event()

    def collected() -> dict[str, Any]:
        took.wait(QUICK_S * 2)  # as long as a large state takes
        return dict(state)

    saver = _saver(file, collected)
    with saver.running():
        saver.changed()
        state["n"] = 1
        saver.changed()
    assert file.read() == {"n": 1}


def test_full_disk_is_reported_once(
    file: StateFile, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A save that fails is reported once, and the next change saves all."""
    saver = _saver(file, lambda: {"n": 1})
    with saver.running():
        with monkeypatch.context() as full:
            full.setattr(os, "fsync", _no_space)
            saver.changed()
            saver.changed()
        error = capsys.readouterr().err
        assert error == f"local AWS cannot save its data to {file.path}: No space left on device\n"
        saver.changed()
        assert file.read() == {"n": 1}


def _no_space(_: int) -> None:
    raise OSError(28, "No space left on device")


def test_text_stream_is_no_value() -> None:
    """A value that is neither plain nor listed is refused."""
    with pytest.raises(TypeError, match="not saved"):
        Writer(KINDS).graph(io.StringIO())


def test_older_state_gets_defaults() -> None:
    """Attributes that a file of an earlier version does not have get their defaults, but no others."""
    kinds = {"device": data_kind(Device)}
    older = {"key": "k", "authenticated_at": 1.0}
    device = read(kinds, {"objects": [["device", older]], "root": {"$object": 0}})
    assert device == Device("k", 1.0)
    for changed in ({"key": "k"}, {**older, "other": 1}):
        with pytest.raises(ValueError, match="other attributes"):
            read(kinds, {"objects": [["device", changed]], "root": None})
