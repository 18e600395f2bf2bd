"""botocore's data files as the service's sessions load them."""

import gzip
import json
from pathlib import Path

from botocore.loaders import create_loader

from service.aws.model_files import PREFIXES, ModelFiles

ENDPOINTS = Path(create_loader().BUILTIN_DATA_PATH) / "endpoints"


def test_texts_of_documentation_are_dropped(tmp_path: Path) -> None:
    """A model is loaded without its documentation, and with a member that has this name."""
    member = {"documentation": {"shape": "S", "documentation": "<p>It.</p>"}}
    model = {"documentation": "<p>All.</p>", "shapes": [{"members": member}]}
    (tmp_path / "service-2.json").write_text(json.dumps(model))

    loaded = ModelFiles().load_file(str(tmp_path / "service-2"))

    assert loaded == {"shapes": [{"members": {"documentation": {"shape": "S"}}}]}


def test_a_compressed_file_is_loaded(tmp_path: Path) -> None:
    """A file is loaded where it is compressed, as those of botocore are."""
    (tmp_path / "service-2.json.gz").write_bytes(gzip.compress(b'{"metadata": {}}'))

    assert ModelFiles().load_file(str(tmp_path / "service-2")) == {"metadata": {}}


def test_a_missing_file_is_none(tmp_path: Path) -> None:
    """A path without a file is no error: botocore's loader looks in several folders."""
    assert ModelFiles().load_file(str(tmp_path / "service-2")) is None


def test_the_endpoints_of_the_services_are_those_of_botocore() -> None:
    """Each service that has a client has the endpoints of botocore; those of others are not loaded."""
    loader = create_loader()
    whole = loader.load_data("endpoints")
    loader.file_loader = ModelFiles()
    clients = ("cognito-idp", "dynamodb", "sso", "sso-oidc", "sts")
    models = [loader.load_service_model(name, "service-2") for name in clients]
    prefixes = {model["metadata"]["endpointPrefix"] for model in models}
    loaded = ModelFiles().load_file(str(ENDPOINTS))

    assert [partition["services"] for partition in loaded["partitions"]] == [
        {name: services[name] for name in services if name in prefixes}
        for services in (partition["services"] for partition in whole["partitions"])
    ]
    assert prefixes == PREFIXES
