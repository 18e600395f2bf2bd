"""OPTIONS of every path."""

from http import HTTPStatus

from aiohttp import hdrs, web

from service.api.request_parsing import request_body


async def options(request: web.Request) -> web.Response:
    """Return the methods of the path in Allow, and the media types of its patches."""
    resource = request.match_info.route.resource
    methods = sorted({route.method for route in resource} if resource is not None else ())
    headers: dict[str, str] = {hdrs.ALLOW: ",".join(methods)}
    if hdrs.METH_PATCH in methods:
        headers["Accept-Patch"] = ", ".join(request_body.PATCHES)  # RFC 5789, section 3.1
    return web.Response(status=HTTPStatus.NO_CONTENT, headers=headers)
