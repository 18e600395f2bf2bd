"""The pages of the domain: plain HTML without scripts."""

from collections.abc import Iterable
from html import escape

from werkzeug.wrappers import Response

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}
_STYLE = "body{font:16px sans-serif;max-width:22em;margin:3em auto}input,button{font:inherit}"


def page(title: str, body: str, *, status: int = 200, error: str = "") -> Response:
    """Return a page; *body* is HTML, *title* and *error* are text."""
    alert = f'<p role="alert">{escape(error)}</p>' if error else ""
    html = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style><h1>{escape(title)}</h1>{alert}{body}</html>"
    )
    return Response(html, status=status, content_type="text/html; charset=utf-8", headers=HEADERS)


def form(action: str, *fields: str, submit: str = "Sign in") -> str:
    """Return a form that posts *fields*, which are HTML."""
    return (
        f'<form method="post" action="{escape(action)}">{"".join(fields)}'
        f"<button>{escape(submit)}</button></form>"
    )


def text_field(name: str, label: str, *, kind: str = "text", autocomplete: str = "off") -> str:
    """Return a field with a label."""
    return (
        f"<p><label>{escape(label)}<br>"
        f'<input name="{name}" type="{kind}" autocomplete="{autocomplete}" required></label></p>'
    )


def hidden_field(name: str, value: str) -> str:
    """Return a field that is not shown."""
    return f'<input name="{name}" type="hidden" value="{escape(value)}">'


def links(targets: Iterable[tuple[str, str]]) -> str:
    """Return links, each of a text and a URL."""
    return "".join(f'<p><a href="{escape(url)}">{escape(text)}</a></p>' for text, url in targets)
