"""The code for pages that docs/authentication.md shows works in a real Chromium."""

import re
from typing import Final

import aiohttp

from tests.end_to_end.calls import log_in
from tests.support.accounts import PASSWORD
from tests_slow.browser.chromium import Page, script
from tests_slow.documentation.shell import ROOT

PAGE: Final = (ROOT / "docs/authentication.md").read_text(encoding="utf-8")
FUNCTIONS: Final = "\n".join(
    block
    for block in re.findall(r"```js\n(.*?)```", PAGE, re.DOTALL)
    if "https://" not in block  # of a call to another host
)


async def test_passkey_is_created_and_signs_in(
    page: Page, service: aiohttp.ClientSession, user: str
) -> None:
    """The functions register a passkey and sign in with it."""
    await page.add_authenticator()
    token = (await log_in(service, user)).body["accessToken"]

    await page.run(script(FUNCTIONS + "await createPasskey(token);", token=token))
    tokens = await page.run(script(FUNCTIONS + "return signInByPasskey(username);", username=user))

    assert tokens["tokenType"] == "Bearer"


async def test_page_signs_in_and_reads_the_profile(page: Page, user: str) -> None:
    """The function for a page of the API's origin logs in and calls with the token."""
    run = FUNCTIONS + "return (await signInAndRead(username, password)).json();"

    profile = await page.run(script(run, username=user, password=PASSWORD))

    assert profile["code"] == "profile_not_found"


async def test_refreshes_at_the_same_time_are_one_request(page: Page) -> None:
    """Two callers get the same response, and the next one causes another request."""
    run = """
        const [one, other] = await Promise.all([refresh(), refresh()]);
        return [one === other, one === await refresh()];
    """

    assert await page.run(script(FUNCTIONS + run)) == [True, False]
