"""Where a browser goes when an attempt has ended, if that was said: to known origins alone."""

import re
from collections.abc import Collection
from urllib.parse import urlencode

from tablesync.contracts.wording import one_line
from tablesync.service_kit.http.problems import invalid

# Printable ASCII without what browsers read otherwise than others (a backslash), and no fragment.
_ADDRESS = re.compile(r"[!\"$-\[\]-~]+")


def checked(return_to: str, origins: Collection[str]) -> str:
    """Return an address if it is one of these origins; raises Problem 422.

    It opens with one of them and a slash, letter by letter: nothing is parsed that a browser could
    understand otherwise.
    """
    known = any(return_to.startswith(f"{each}/") for each in origins)
    if known and _ADDRESS.fullmatch(return_to):
        return return_to
    if known:
        raise invalid(
            "return_to", "is no plain address", "Leave out fragments, and escape what is not ASCII."
        )
    listed = f" Listed are: {', '.join(sorted(origins))}." if origins else ""
    raise invalid(
        "return_to",
        f"{one_line(return_to)} is of no origin to which browsers may be sent",
        "Leave it out, or have whoever runs TableSync list its origin in AUTH_RETURN_ORIGINS."
        + listed,
    )


def origin_of(return_to: str) -> str:
    """Return the origin of an address that was checked."""
    scheme, _, rest = return_to.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"


def told(return_to: str, authorization_id: str) -> str:
    """Return an address that was checked, with the attempt that has ended."""
    joint = "&" if "?" in return_to else "?"
    return f"{return_to}{joint}{urlencode({'authorization': authorization_id})}"
