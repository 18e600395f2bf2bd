"""Sessions of the AWS SDK, whose clients verify servers by name and wait for credentials."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aioboto3
from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.session import AioSession
from botocore.exceptions import InvalidConfigError
from botocore.loaders import Loader, create_loader
from yarl import URL

from service.aws.credential_chain import credential_resolver
from service.aws.credentials import CredentialProvider
from service.aws.errors import without_frames
from service.aws.http_session import VerifiedSession
from service.aws.model_files import ModelFiles
from service.aws.response_parsers import ResponseParserFactory

# Operations of Cognito that are newer than the botocore of aioboto3, as sdk-extras for its loader.
MODEL_EXTRAS: Final = Path(__file__).parent / "models"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Fixed credentials, as for a local AWS."""

    access_key_id: str
    secret_access_key: str = field(repr=False)


class VerifyingSdkSession(AioSession):
    """A session whose clients use VerifiedSession, those included that fetch credentials."""

    def create_client(self, *arguments: Any, config: Any = None, **options: Any) -> Any:  # noqa: ANN401 -- botocore's
        """Return the context manager of a client."""
        if not isinstance(config, AioConfig):
            config = AioConfig() if config is None else AioConfig().merge(config)
        if config.http_session_cls is AIOHTTPSession:
            config.http_session_cls = VerifiedSession
        create_client: Any = super().create_client  # the stubs have an overload for each service
        return create_client(*arguments, config=config, **options)

    async def _create_client(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 -- botocore's
        """Return a client; raises InvalidConfigError where botocore has ValueError, or no error yet."""
        create_client: Any = super()._create_client  # type: ignore[misc]  # the stubs lack it
        try:
            client = await create_client(*arguments, **options)
            URL(client.meta.endpoint_url)  # its port, too
        except ValueError as error:
            raise InvalidConfigError(
                error_msg="AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_… or endpoint_url of the AWS profile "
                "is not a URL, such as https://localhost:8443"
            ) from error
        return client


def sdk_session() -> AioSession:
    """Return a session of the SDK with the configuration of this machine, read anew."""
    session = VerifyingSdkSession()
    session.register_component("data_loader", _loader(session.get_config_variable("data_path")))
    return session


@asynccontextmanager
async def open_session(
    region: str, credentials: Credentials | None = None
) -> AsyncIterator[aioboto3.Session]:
    """Open a session, and close it; without *credentials*, botocore's credential chain is used."""
    provider = CredentialProvider(lambda: credential_resolver(sdk_session(), region))
    core = sdk_session()
    core.register_component("credential_provider", provider)
    core.register_component("response_parser_factory", ResponseParserFactory())
    core.register("response-received", _drop_frames)
    session = aioboto3.Session(
        aws_access_key_id=credentials.access_key_id if credentials else None,
        aws_secret_access_key=credentials.secret_access_key if credentials else None,
        region_name=region,
        botocore_session=core,
    )
    try:
        yield session
    finally:
        await provider.close()


def _drop_frames(*, exception: Exception | None, **_: object) -> None:
    """Remove the frames of an attempt without a response, whose error botocore keeps for a while."""
    if exception is not None:
        without_frames(exception)


@functools.cache
def _loader(data_path: str | None) -> Loader:
    """
    Return the loader of service models from *data_path*, with MODEL_EXTRAS.

    Sessions share it, and it caches the models: parsing those of Cognito and DynamoDB takes half of the
    time to open the clients.
    """
    loader = create_loader(data_path)
    loader.file_loader = ModelFiles()
    loader.search_paths.append(str(MODEL_EXTRAS))
    return loader
