"""The messages in the source code, found in its syntax trees; … stands for a value."""

import ast
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cached_property
from itertools import takewhile
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]
VALUE: Final = "…"
ENOUGH_WORDS: Final = 3  # identify a message
MAX_WORDS: Final = 8


class Message(NamedTuple):
    """A message and where it is written, as file:line."""

    text: str
    place: str

    def beginning(self) -> str:
        """Return the first sentence's words up to the first value after three words, at most eight."""
        sentence = re.split(r"(?<=[.;!?])\s|\n", self.text.strip(), maxsplit=1)[0]
        words = sentence.split()
        while words and not re.search(r"\w", words[0]):
            words.pop(0)
        literal = [index for index, word in enumerate(words) if VALUE not in word]
        enough = literal[ENOUGH_WORDS - 1] + 1 if len(literal) >= ENOUGH_WORDS else len(words)
        more = takewhile(lambda word: VALUE not in word, words[enough:MAX_WORDS])
        return normalized(" ".join([*words[:enough], *more])).rstrip(".,:; ()…")


def normalized(text: str) -> str:
    """Return *text* without markup and repeated blanks, in lower case."""
    plain = text.replace("`", "").replace("\\|", "|").replace("<br>", " ")
    return " ".join(plain.split()).casefold()


def name_of(node: ast.expr) -> str:
    """Return the last part of a name such as `structlog.get_logger`, empty for other expressions."""
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""


class Module:
    """A module: its *nodes*, and its *constants* that are texts; *known* has those of all modules."""

    def __init__(self, path: Path, known: dict[str, set[str]]) -> None:
        self.path = path
        self.nodes = [*ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
        self._known = known
        self.constants: dict[str, set[str]] = defaultdict(set)
        for node in self.nodes:
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                for text in self.texts(node.value):
                    if text != VALUE and name_of(target):
                        self.constants[name_of(target)].add(text)

    def texts(self, node: ast.expr) -> Iterator[str]:
        """Yield the texts that an expression may have: several for a choice or a shared name."""
        match node:
            case ast.Constant(value=str(text)):
                yield text
            case ast.JoinedStr(values=parts):
                yield "".join(
                    str(part.value) if isinstance(part, ast.Constant) else VALUE for part in parts
                )
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                for first in self.texts(left):
                    yield from (first + second for second in self.texts(right))
            case ast.IfExp(body=body, orelse=orelse):
                yield from self.texts(body)
                yield from self.texts(orelse)
            case ast.Name() | ast.Attribute():
                name = name_of(node)
                others = self._known.get(name) if name.isupper() else None
                yield from self.constants.get(name) or others or {VALUE}
            case _:
                yield VALUE

    def messages(self, node: ast.expr) -> Iterator[Message]:
        """Yield the texts of an expression that are not only values."""
        place = f"{self.path.relative_to(ROOT)}:{node.lineno}"
        for text in self.texts(node):
            if re.search(r"[^\W\d_]{2}", text):
                yield Message(text, place)

    def calls(self, is_wanted: Callable[[str], bool]) -> Iterator[ast.Call]:
        """Yield the calls of the functions and classes whose names are wanted."""
        for node in self.nodes:
            if isinstance(node, ast.Call) and is_wanted(name_of(node.func)):
                yield node

    @cached_property
    def literals(self) -> list[ast.Constant | ast.JoinedStr]:
        """The texts that are neither docstrings nor parts of another text."""
        inner = {
            id(part)
            for node in self.nodes
            for part in (node.values if isinstance(node, ast.JoinedStr) else ())
        }
        docstrings = {
            id(node.value)
            for node in self.nodes
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        }
        return [
            node
            for node in self.nodes
            if isinstance(node, ast.JoinedStr)
            or (isinstance(node, ast.Constant) and isinstance(node.value, str))
            if id(node) not in inner | docstrings
        ]

    def described(self) -> set[int]:
        """Return the ids of the nodes that describe fields in the API document."""
        found: set[int] = set()
        for node in self.nodes:
            match node:
                case ast.Assign(targets=[ast.Name(id="about" | "description")], value=value):
                    found.add(id(value))
                case ast.Dict(keys=names, values=values):
                    found.update(
                        id(value)
                        for name, value in zip(names, values, strict=True)
                        if isinstance(name, ast.Constant) and name.value == "description"
                    )
        return found


class Code:
    """All modules of *packages*, which are parsed when they are first needed."""

    def __init__(self, *packages: str) -> None:
        self._packages = packages

    @cached_property
    def _modules(self) -> list[Module]:
        known: dict[str, set[str]] = defaultdict(set)
        modules = []
        for package in self._packages:
            for path in sorted((ROOT / package).rglob("*.py")):
                module = Module(path, known)
                modules.append(module)
                for name, texts in module.constants.items():
                    known[name] |= texts
        return modules

    def below(self, folder: str = "") -> Iterator[Module]:
        """Yield the modules whose path begins with *folder*."""
        for module in self._modules:
            if str(module.path.relative_to(ROOT)).startswith(folder):
                yield module

    def arguments(
        self, is_wanted: Callable[[str], bool], position: int = 0, folder: str = ""
    ) -> Iterator[Message]:
        """Yield the messages that are given to calls at *position*."""
        for module in self.below(folder):
            for call in module.calls(is_wanted):
                if len(call.args) > position:
                    yield from module.messages(call.args[position])
