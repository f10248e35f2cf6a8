"""Roles and browsers in words."""

import re
from collections.abc import Mapping

from tablesync.contracts.public_api.people import Role

ROLES: Mapping[str, str] = {
    Role.VIEWER: "Viewer",
    Role.OPERATOR: "Operator",
    Role.ADMIN: "Admin",
}
# Most call themselves others too: the first that fits is the one.
_BROWSERS = {"Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "Chrome": "Chrome"}
_BROWSERS |= {"Safari": "Safari"}
_SYSTEMS = {"Android": "Android", "iPhone": "an iPhone", "iPad": "an iPad", "Windows": "Windows"}
_SYSTEMS |= {"Mac OS X": "a Mac", "Linux": "Linux"}


def role(name: str) -> str:
    """Return a role as people read it; one of a newer service is called by its name."""
    return ROLES.get(name.lower(), name.replace("_", " ").capitalize())


def initials(name: str) -> str:
    """Return the first letters of somebody's first and last name; nothing if there are none."""
    words = [each for each in name.split() if each[0].isalpha()]
    return "".join(each[0] for each in dict.fromkeys((*words[:1], *words[-1:]))).upper()


def device(told: str) -> str:
    """Return a browser as people call it: `Firefox on Windows`; as it calls itself otherwise."""
    if not told:
        return "Unknown browser"
    browser = next((name for mark, name in _BROWSERS.items() if f"{mark}/" in told), None)
    system = next((name for mark, name in _SYSTEMS.items() if mark in told), None)
    if browser is None or system is None or not re.match(r"Mozilla/", told):
        return told
    return f"{browser} on {system}"
