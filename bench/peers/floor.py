"""The floor: aiohttp on uvloop, no access log, a constant response of the size of a profile."""

import os

import uvloop
from aiohttp import web

BODY = b'{"constant":"' + b"x" * 585 + b'"}'


async def show(_: web.Request) -> web.Response:
    """Return the constant."""
    return web.Response(body=BODY, content_type="application/json")


def main() -> None:
    """Serve until a signal ends it."""
    app = web.Application()
    app.router.add_get("/v1/user/profile", show)
    web.run_app(
        app,
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        access_log=None,
        print=None,
        loop=uvloop.new_event_loop(),
    )


if __name__ == "__main__":
    main()
