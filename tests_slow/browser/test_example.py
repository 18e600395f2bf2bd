"""The page of examples/web in a real Chromium, as `make example` serves it."""

from typing import Final

import pytest

from tests.support.accounts import PASSWORD, Mailbox, new_user
from tests_slow.browser.chromium import User
from tests_slow.browser.conftest import Example
from tests_slow.browser.keyboard import Keyboard
from tests_slow.browser.phone import ELSEWHERE, OnPhone, opened_on_phone

SIGN_IN_ELSEWHERE: Final = f"""
fetch(`${{sessionStorage.getItem("api")}}/api/auth/login`, {{
  method: "POST",
  headers: {{ "Content-Type": "application/json" }},
  body: JSON.stringify({{ username: "USERNAME", password: "{PASSWORD}" }}),
}}).then(({{ status }}) => status)
"""


@pytest.fixture(name="phone")
async def _phone(browser_user: User, example: Example, example_mailbox: Mailbox) -> OnPhone:
    return await opened_on_phone(await browser_user.page(), example, example_mailbox)


async def test_account_profile_sessions_and_passkey(phone: OnPhone) -> None:
    """A user signs up, edits the profile beside others, and signs in again by password and passkey."""
    page, username = phone.page, new_user()
    await page.add_authenticator()
    await phone.sign_up(username)
    await phone.fill("#profile", displayName="Asha", city="Mumbai")
    await phone.click("#profile button")
    await phone.says("Saved.")

    # Another field is merged, the same one is a choice.
    assert await page.run(f'{ELSEWHERE}({{"country": "India"}})') == 200
    await phone.fill("#profile", city="Pune")
    await phone.click("#profile button")
    await phone.says("Saved.")
    assert (await phone.value("city"), await phone.value("country")) == ("Pune", "India")
    assert await page.run(f'{ELSEWHERE}({{"city": "Delhi"}})') == 200
    await phone.fill("#profile", city="Goa")
    await phone.click("#profile > button")
    await phone.says("city is now “Delhi”")
    assert await phone.value("city") == "Goa"
    await phone.click("#conflict button")
    await page.until("document.querySelector('#profile [name=city]').value === 'Delhi'")

    await phone.says("This session")
    await phone.click("#passkeys > button")
    await phone.shows("#passkeys li")
    await phone.click("#log-out")
    await phone.fill("#log-in", username=username, password=f"{PASSWORD}!")
    await phone.click("#log-in button")
    await phone.says("The user name or the password is wrong.")
    await phone.fill("#log-in", password=PASSWORD)
    await phone.click("#log-in button")
    await phone.shows("#signed-in")
    await phone.click("#log-out")
    await phone.click("#log-in [name=passkey]")
    await phone.shows("#signed-in")

    # The refresh token is in a cookie; no script can read it, and a reload uses it.
    assert "refreshToken" not in await page.run("localStorage.getItem('user-profile-service')")
    await page.open(phone.url)
    await phone.shows("#signed-in")
    assert await page.run("document.documentElement.scrollWidth <= innerWidth")
    # Chromium misses an algorithm in the options, which are Cognito's.
    assert [each for each in page.complaints if "pubKeyCredParams" not in each] == []


async def test_journey_by_keyboard(phone: OnPhone) -> None:
    """Sign-up, profile, history and a conflict need Tab, Enter and typing, and fit a telephone."""
    page, keyboard, username = phone.page, Keyboard(phone.page), new_user()
    await phone.fits()
    await keyboard.fill("#sign-up [name=username]", username)
    await keyboard.fill("#sign-up [name=password]", PASSWORD)
    await keyboard.enter()
    await phone.shows("#code")
    assert await keyboard.is_on("#code input")
    await phone.fits()
    await page.type(await phone.mailbox.code(username))
    await keyboard.enter()
    await phone.shows("#signed-in")
    assert await keyboard.is_on("#signed-in h2")
    await phone.fits()

    await keyboard.fill("[name=displayName]", "Asha")
    await keyboard.fill("[name=city]", "Mumbai")
    await keyboard.enter()
    await phone.says("Saved.")
    assert await keyboard.is_on("[name=city]")
    await page.type("Pune")
    await keyboard.tab_to("#profile > button")
    await keyboard.enter()
    await phone.says("Version 1")
    await keyboard.tab_to("#history li button")
    await keyboard.enter()
    await page.until("document.activeElement.matches('#history h2')")  # both parts are read
    await phone.says("Version 2")
    assert await phone.value("city") == "Mumbai"

    unbroken = "x" * 300
    assert await page.run(f'{ELSEWHERE}({{"bio": "{unbroken}"}})') == 200
    await keyboard.tab_to("[name=bio]", back=True)
    await page.type("Reads maps.")
    await keyboard.tab_to("#profile > button")
    await keyboard.enter()
    await phone.says("Changed elsewhere")
    await phone.fits()
    assert await keyboard.is_on("#profile > button")
    await keyboard.tab_to("#conflict button", back=True)
    await keyboard.enter()
    await page.until(f"document.querySelector('#profile [name=bio]').value === '{unbroken}'")
    assert await keyboard.is_on("section:has(#profile) h2")

    assert page.complaints == []


async def test_sessions_by_keyboard(phone: OnPhone) -> None:
    """A user ends another session, logs out, and logs in after a wrong password by the keyboard."""
    page, keyboard, username = phone.page, Keyboard(phone.page), new_user()
    await phone.sign_up(username)
    assert await page.run(SIGN_IN_ELSEWHERE.replace("USERNAME", username)) == 200
    await page.open(phone.url)
    await phone.shows("#sessions li button")
    await keyboard.tab_to("#sessions li button")
    await keyboard.enter()
    await page.until("!document.querySelector('#sessions li button')")
    assert await keyboard.is_on("#sessions h2")
    await keyboard.tab_to("#log-out", back=True)
    await keyboard.enter()
    await phone.shows("#log-in")
    assert await keyboard.is_on("#signed-out h2")
    await keyboard.fill("#log-in [name=username]", username)
    await keyboard.fill("#log-in [name=password]", f"{PASSWORD}!")
    await keyboard.enter()
    await phone.says("The user name or the password is wrong.")
    assert await keyboard.is_on("#log-in [name=password]")
    await page.type(PASSWORD)
    await keyboard.enter()
    await phone.shows("#signed-in")
    assert page.complaints == []


async def test_provider_signs_in(phone: OnPhone) -> None:
    """A user of another provider returns signed in; the address has no code any more."""
    page = phone.page
    await page.follow("document.querySelector('#providers button:last-child').click()")
    await page.follow(
        "(() => { const field = document.querySelector('form [name=email]');"
        " field.value = 'bob@example.com'; field.form.querySelector('button').click(); })()"
    )
    await phone.shows("#signed-in")

    assert await page.run("location.search") == ""
    assert page.complaints == []
