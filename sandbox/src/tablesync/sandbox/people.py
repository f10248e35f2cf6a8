"""The people, accounts and app credentials that every sandbox starts with."""

from dataclasses import dataclass

from .ids import seeded_airtable_id

CLIENTS = {
    "airtable": ("sandbox-airtable", "sandbox-airtable-secret"),
    "hubspot": ("sandbox-hubspot", "sandbox-hubspot-secret"),
}


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can sign in."""

    email: str
    name: str


ADA = Person("ada@acme.test", "Ada Lindqvist")
BOB = Person("bob@acme.test", "Bob Marsh")
GUS = Person("gus@globex.test", "Gus Okafor")


@dataclass(frozen=True, slots=True)
class Portal:
    """A HubSpot account with the people in it."""

    id: str
    name: str
    domain: str
    region: str
    time_zone: str
    currency: str
    admins: tuple[Person, ...]
    members: tuple[Person, ...] = ()

    @property
    def people(self) -> tuple[Person, ...]:
        """Everybody who sees this portal after signing in."""
        return self.admins + self.members


PORTALS = {
    "7001": Portal(
        "7001", "Acme Europe", "acme.test", "eu1", "Europe/Berlin", "EUR", (ADA,), (BOB,)
    ),
    "7002": Portal("7002", "Globex", "globex.test", "na1", "US/Eastern", "USD", (ADA, GUS)),
}
HUBSPOT_PEOPLE = {person.email: person for person in (ADA, BOB, GUS)}
HUBSPOT_USER_IDS = {email: str(9001 + n) for n, email in enumerate(HUBSPOT_PEOPLE)}


def _airtable_user_id(person: Person) -> str:
    first = person.name.split()[0]
    return f"usr{first}{seeded_airtable_id('', person.email)}"[:17]


AIRTABLE_USERS = {_airtable_user_id(person): person for person in (ADA, GUS)}
AIRTABLE_IDS = {person.email: user_id for user_id, person in AIRTABLE_USERS.items()}

OIDC_PEOPLE = {
    person.email: person
    for person in (
        Person("admin@example.test", "Alma Admin"),
        Person("operator@example.test", "Otto Operator"),
        Person("viewer@example.test", "Vera Viewer"),
        # A member of nothing, until invited.
        Person("newcomer@example.test", "Nora Newcomer"),
    )
}
