"""Sampled stacks are added up by who is responsible for them."""

from pathlib import Path

from bench import stacks

ROOT = Path("/src")
RUN = "run (/src/service/server.py:67)"
HANDLER = "show (/src/service/api/handlers/profiles.py:70)"
SIGN = "sign (/venv/lib/python3.11/site-packages/botocore/auth.py:12)"
DIGEST = "update (/lib/python3.11/hmac.py:5)"
RAW = f"{RUN} 3\n{RUN};{HANDLER} 1\n{RUN};{HANDLER};{SIGN} 2\n{RUN};{HANDLER};{SIGN};{DIGEST} 4"


def test_standard_library_counts_for_its_caller() -> None:
    """What a module lets the standard library do is its own; what nobody else does is the loop's."""
    found = stacks.by_module([*stacks.parsed(RAW)], ROOT)

    assert found.most_common() == [
        ("botocore/auth.py", 6),
        (stacks.LOOP, 3),
        ("service/api/handlers/profiles.py", 1),
    ]


def test_functions_count_with_their_callees() -> None:
    """A function has the samples of all that it calls; what is in every stack is left out."""
    found = stacks.by_function([*stacks.parsed(RAW)], ROOT)

    assert found == {
        "service/api/handlers/profiles.py: show": 7,
        "botocore/auth.py: sign": 6,
        "hmac.py: update": 4,
    }


def test_frame_without_a_file_stays_as_it_is() -> None:
    """py-spy names threads by frames of another form."""
    assert stacks.named("thread 7", ROOT) == "thread 7"
    assert stacks.module("thread 7", ROOT) is None
    assert stacks.by_module([], ROOT) == {}
