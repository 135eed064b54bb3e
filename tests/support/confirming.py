"""What somebody does in a browser who confirms a sign-in by code: type the code, the password, and yes."""

from __future__ import annotations

import html
import re

import httpx

_HIDDEN = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)">')
_NAMES = re.compile(r'<input[^>]*name="([^"]*)"')
_BUTTONS = re.compile(r'<button[^>]*name="([^"]*)" value="([^"]*)"')
_CODE = re.compile(r'name="user_code"[^>]*value="([^"]*)"')
_YES = ("allow", "approve", "yes", "confirm")
_PAGES = 5


def confirm(page: str, login: str, password: str) -> None:
    """Go through the pages of the built-in issuer, whose address with the code ``bongsu login`` printed."""
    with httpx.Client(follow_redirects=True, headers={"Accept-Language": "en"}, trust_env=False) as browser:
        shown = browser.get(page)
        for _ in range(_PAGES):
            action = re.search(r'<form[^>]*action="([^"]*)"', shown.text)
            if action is None:
                return
            given = {name: html.unescape(value) for name, value in _HIDDEN.findall(shown.text)}
            names = _NAMES.findall(shown.text)
            if "user_code" in names:
                typed = _CODE.search(shown.text)
                given["user_code"] = typed[1] if typed else page.rpartition("=")[2]
            if "password" in names:
                given |= {"login": login, "password": password}
            given |= {name: value for name, value in _BUTTONS.findall(shown.text) if value in _YES}
            origin = f"{shown.url.scheme}://{shown.url.netloc.decode()}"
            address = shown.url.join(html.unescape(action[1]))
            shown = browser.post(address, data=given, headers={"Origin": origin})
            shown.raise_for_status()
    raise AssertionError(f"no end of pages: {shown.url}")
