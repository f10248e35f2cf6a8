"""What people read of a provider before they connect it."""

from dataclasses import dataclass

from tablesync.contracts.public_api.connections import AskedBefore


@dataclass(frozen=True)
class Profile:
    """What a provider is good for, and what it wants.

    `mark`: a drawing of our own, as paths of 24 by 24. `reads`: the objects that it has, or what is
    written there. `needs`: what whoever connects it needs to be there. `asks_for`: what is to be
    told before anybody is sent there. `comes_back_after_refusal`: whether it sends the browser
    back when somebody refuses on its page.
    """

    mark: tuple[str, ...]
    about: str
    reads: str
    needs: str
    is_source: bool = False
    is_destination: bool = False
    asks_for: tuple[AskedBefore, ...] = ()
    comes_back_after_refusal: bool = True
