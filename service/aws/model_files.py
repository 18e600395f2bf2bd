"""botocore's data files, without what only its documentation and other services need."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import orjson
from botocore.loaders import JSONFileLoader

# The endpoint prefixes of the clients that the service and botocore's credential providers make.
PREFIXES: Final = frozenset({"cognito-idp", "dynamodb", "oidc", "portal.sso", "sts"})
ENDPOINTS: Final = "endpoints"  # the file of the endpoints of all services: 7 MiB in memory
DOCUMENTATION: Final = "documentation"

_DECODERS: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    ".json": bytes,
    ".json.gz": gzip.decompress,
}


class ModelFiles(JSONFileLoader):
    """
    Loads data files for botocore's loader.

    Sessions keep them as long as the process lives: botocore's own take 10 MiB for Cognito and DynamoDB,
    these 2. A service whose endpoint prefix is not in PREFIXES has endpoints by the partition's pattern.
    """

    def load_file(self, file_path: str) -> Any:  # noqa: ANN401 -- JSON
        """Return the content of the file with this path, which has no suffix; None if there is none."""
        for suffix, decoded in _DECODERS.items():
            file = Path(file_path + suffix)
            if file.is_file():
                content = orjson.loads(decoded(file.read_bytes()))
                if file.name.removesuffix(suffix) == ENDPOINTS:
                    _drop_other_services(content)
                _drop_documentation(content)
                return content
        return None


def _drop_other_services(endpoints: dict[str, Any]) -> None:
    for partition in endpoints.get("partitions", ()):  # the EndpointResolver refuses it without
        services = partition["services"]
        partition["services"] = {name: services[name] for name in PREFIXES & services.keys()}


def _drop_documentation(node: object) -> None:
    """Remove all texts of documentation; a member of a shape may have that name, too."""
    if isinstance(node, dict):
        if isinstance(node.get(DOCUMENTATION), str):
            del node[DOCUMENTATION]
        for value in node.values():
            _drop_documentation(value)
    elif isinstance(node, list):
        for value in node:
            _drop_documentation(value)
