"""FastAPI with threads and boto3's Table, as in most tutorials; the resource is created once."""

import os
from typing import Annotated, Any

import boto3
import uvicorn
from boto3.dynamodb.conditions import Key
from botocore.config import Config
from fastapi import FastAPI, Header, HTTPException

THREADS = 40  # anyio's default, which FastAPI runs on; boto3's 10 connections would hold it up


def create_app() -> FastAPI:
    """Return the application."""
    app = FastAPI()
    dynamodb = boto3.resource(
        "dynamodb",
        endpoint_url=os.environ["DYNAMODB_ENDPOINT_URL"],
        config=Config(max_pool_connections=THREADS),
    )
    table = dynamodb.Table(os.environ["TABLE"])

    @app.get("/v1/user/profile", response_model=None)  # otherwise numbers become strings
    def show(x_amzn_oidc_identity: Annotated[str, Header()]) -> dict[str, Any]:
        answer = table.query(
            KeyConditionExpression=Key("userId").eq(x_amzn_oidc_identity), ConsistentRead=True
        )
        if not answer["Items"]:
            raise HTTPException(404)
        return answer["Items"][0]

    return app


if __name__ == "__main__":
    uvicorn.run(
        create_app(),
        port=int(os.environ["PORT"]),
        access_log=False,
        log_level="warning",
        timeout_keep_alive=75,  # longer than a load balancer's; the default of 5 s breaks requests
    )
