"""FastAPI with aioboto3's Table, created once."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import aioboto3
import uvicorn
from aiobotocore.config import AioConfig
from boto3.dynamodb.conditions import Key
from fastapi import FastAPI, Header, HTTPException, Request

CONNECTIONS = 256  # as many as the benchmark opens; aiobotocore's default is 10


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Keep the table open while the application runs."""
    async with aioboto3.Session().resource(
        "dynamodb",
        endpoint_url=os.environ["DYNAMODB_ENDPOINT_URL"],
        config=AioConfig(max_pool_connections=CONNECTIONS),
    ) as dynamodb:
        app.state.table = await dynamodb.Table(os.environ["TABLE"])
        yield


def create_app() -> FastAPI:
    """Return the application."""
    app = FastAPI(lifespan=lifespan)

    @app.get("/v1/user/profile", response_model=None)  # otherwise numbers become strings
    async def show(
        request: Request, x_amzn_oidc_identity: Annotated[str, Header()]
    ) -> dict[str, Any]:
        answer = await request.app.state.table.query(
            KeyConditionExpression=Key("userId").eq(x_amzn_oidc_identity), ConsistentRead=True
        )
        if not answer["Items"]:
            raise HTTPException(404)
        found: dict[str, Any] = answer["Items"][0]
        return found

    return app


if __name__ == "__main__":
    uvicorn.run(
        create_app(),
        port=int(os.environ["PORT"]),
        access_log=False,
        log_level="warning",
        timeout_keep_alive=75,  # longer than a load balancer's; the default of 5 s breaks requests
    )
