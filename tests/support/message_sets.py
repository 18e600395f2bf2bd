"""The sets of messages that docs/troubleshooting.md has, each collected from the code."""

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from marshmallow import fields

from service import startup_errors
from service.api.http_errors import leaves
from service.aws import failure_causes
from service.aws.failure_causes import Cause
from tests.support.messages import ROOT, VALUE, Code, Message

CODE: Final = Code("service", "local_aws")
LEVELS: Final = {"warning", "error", "exception", "critical"}


def _of_start() -> Iterator[Message]:
    """Yield the messages that end a command."""
    names = {error.__name__ for error in startup_errors.SetupError.__subclasses__()}
    yield from CODE.arguments(names.__contains__)
    for module in CODE.below():
        for call in module.calls({"print"}.__contains__):
            if any(ast.unparse(keyword) == "file=sys.stderr" for keyword in call.keywords):
                yield from module.messages(call.args[0])


def _of_settings() -> Iterator[Message]:
    """Yield the messages about settings: every phrase in the modules that read and check them."""
    for module in CODE.below("service/config/"):
        if module.path.stem.endswith("settings"):
            yield from (
                Message(f"Not {message.text}", message.place)
                for call in module.calls({"text"}.__contains__)
                for form in call.args[1:2]
                for message in module.messages(form)
            )
        else:
            for literal in module.literals:
                yield from (
                    message for message in module.messages(literal) if len(message.text.split()) > 2
                )


def _of_responses() -> Iterator[Message]:
    """Yield the details of error responses."""
    for error in leaves():
        yield Message(error.detail, f"the detail of {error.__name__}")
    names = {error.__name__ for error in leaves()} | {"passkey_rejected"}
    yield from CODE.arguments(names.__contains__)


def _of_fields() -> Iterator[Message]:
    """Yield the messages about fields of a body: every sentence that does not describe a field."""
    yield from CODE.arguments({"FieldProblem", "of"}.__contains__, position=1)
    for module in (*CODE.below("service/api/schemas/"), *CODE.below("service/cognito/wrong_")):
        described = module.described()
        for literal in module.literals:
            yield from (
                message
                for message in module.messages(literal)
                if id(literal) not in described and re.fullmatch(r"[A-Z]\S* \S+ .*\.", message.text)
            )
    for kind in (fields.Field, fields.String, fields.List, fields.Dict, fields.Boolean):
        for text in kind.default_error_messages.values():
            yield Message(str(text), f"marshmallow's {kind.__name__}")


def _of_aws() -> Iterator[Message]:
    """Yield the names of AWS's errors whose cause is known, and the advice about them."""

    def causes(value: object) -> Iterator[Cause]:
        if isinstance(value, Cause):
            yield value
        elif isinstance(value, tuple):
            for each in value:
                yield from causes(each)

    for name, value in vars(failure_causes).items():
        for cause in causes(value):
            yield Message(cause.code, f"the code of {name}")
            yield Message(cause.advice, f"the advice of {cause.code} in {name}")


def _names_of_checks() -> Iterator[Message]:
    """Yield the names of the checks of `doctor` and `smoke`."""
    yield from CODE.arguments({"NamedCheck"}.__contains__, 1, "service/deployment_checks/")


def _of_checks() -> Iterator[Message]:
    """Yield what `doctor` and `smoke` say of a check that failed or could not be made."""
    for folder in ("service/deployment_checks/", "service/commands/"):
        yield from CODE.arguments({"wrong", "unknown"}.__contains__, 0, folder)
        for module in CODE.below(folder):
            for node in module.nodes:
                if isinstance(node, ast.Yield) and isinstance(node.value, ast.Tuple):
                    yield from module.messages(node.value.elts[0])


def of_log() -> Iterator[Message]:
    """Yield the log events of level warning and above."""

    def writes(function: ast.expr) -> bool:
        if isinstance(function, ast.IfExp):  # which level is decided when it is written
            return writes(function.body) or writes(function.orelse)
        return isinstance(function, ast.Attribute) and function.attr in LEVELS

    for module in CODE.below("service/"):
        for node in module.nodes:
            if isinstance(node, ast.Call) and writes(node.func) and node.args:
                yield from (
                    message
                    for message in module.messages(node.args[0])
                    if re.fullmatch(r"[a-z]+(_[a-z]+)+", message.text)
                )


def _of_refused_requests() -> Iterator[Message]:
    """Yield the reasons of `request_refused`."""
    yield from CODE.arguments({"Violation"}.__contains__)


def _of_deployment() -> Iterator[Message]:
    """Yield the messages with which deploy/deploy.sh fails."""
    script = (ROOT / "deploy/deploy.sh").read_text(encoding="utf-8")
    for found in re.finditer(r'\bfail "((?:\$\([^)]*\)|[^"])*)"', script):
        text = re.sub(r"\$\([^)]*\)|\$\{[^}]*\}|\$\w+", VALUE, found[1])
        if re.search(r"\w", text):
            yield Message(text, f"deploy/deploy.sh:{script.count(chr(10), 0, found.start()) + 1}")


SETS: Final[Mapping[str, Callable[[], Iterator[Message]]]] = {
    "messages that end a command": _of_start,
    "messages about settings": _of_settings,
    "details of error responses": _of_responses,
    "messages about fields": _of_fields,
    "causes of AWS errors": _of_aws,
    "results of doctor and smoke": _of_checks,
    "messages of make deploy": _of_deployment,
}
NAMES: Final[Mapping[str, Callable[[], Iterator[Message]]]] = {
    "log events": of_log,
    "names of checks": _names_of_checks,
    "reasons of request_refused": _of_refused_requests,
}


def every_text() -> str:
    """Return all texts of the code, in lines."""
    texts = [
        text for module in CODE.below() for node in module.literals for text in module.texts(node)
    ]
    return "\n".join([*texts, *(each.text for collect in SETS.values() for each in collect())])
