"""The properties of the seeded HubSpot objects, and the Airtable field each one fits into."""

from collections.abc import Sequence
from dataclasses import dataclass

AIRTABLE_KEY_FIELD = "HubSpot ID"


@dataclass(frozen=True, slots=True)
class PropertySpec:
    """One property: its HubSpot definition in short, and the type of its Airtable field."""

    name: str
    label: str
    type: str
    field_type: str
    airtable_type: str
    options: tuple[tuple[str, str], ...] = ()
    custom: bool = False
    read_only: bool = False


def _text(name: str, label: str, airtable_type: str = "singleLineText") -> PropertySpec:
    field_type = {"multilineText": "textarea", "phoneNumber": "phonenumber"}.get(
        airtable_type, "text"
    )
    return PropertySpec(name, label, "string", field_type, airtable_type)


def _number(name: str, label: str, airtable_type: str = "number") -> PropertySpec:
    return PropertySpec(name, label, "number", "number", airtable_type)


def _date(name: str, label: str, custom: bool = False) -> PropertySpec:
    return PropertySpec(name, label, "date", "date", "date", custom=custom)


def _datetime(name: str, label: str, read_only: bool = False) -> PropertySpec:
    return PropertySpec(name, label, "datetime", "date", "dateTime", read_only=read_only)


def _bool(name: str, label: str, custom: bool = False) -> PropertySpec:
    options = (("true", "Yes"), ("false", "No"))
    return PropertySpec(name, label, "bool", "booleancheckbox", "checkbox", options, custom)


def _select(
    name: str, label: str, options: Sequence[tuple[str, str]], custom: bool = False
) -> PropertySpec:
    return PropertySpec(
        name, label, "enumeration", "select", "singleSelect", tuple(options), custom
    )


def _multi(name: str, label: str, options: Sequence[tuple[str, str]]) -> PropertySpec:
    return PropertySpec(
        name, label, "enumeration", "checkbox", "multipleSelects", tuple(options), custom=True
    )


def _id() -> PropertySpec:
    return PropertySpec(
        "hs_object_id", "Record ID", "number", "number", "singleLineText", read_only=True
    )


_LIFECYCLE = (
    ("subscriber", "Subscriber"),
    ("lead", "Lead"),
    ("opportunity", "Opportunity"),
    ("customer", "Customer"),
    ("evangelist", "Evangelist"),
)
_LEAD_STATUS = (
    ("NEW", "New"),
    ("OPEN", "Open"),
    ("IN_PROGRESS", "In progress"),
    ("UNQUALIFIED", "Unqualified"),
)
_TIERS = (("bronze", "Bronze"), ("silver", "Silver"), ("gold", "Gold"), ("platinum", "Platinum"))
_INTERESTS = (
    ("analytics", "Analytics"),
    ("automation", "Automation"),
    ("billing", "Billing"),
    ("r_and_d", "R&D"),
    ("café_crm", "Café CRM"),
)
_INDUSTRIES = (
    ("COMPUTER_SOFTWARE", "Computer Software"),
    ("HOSPITALITY", "Hospitality"),
    ("RETAIL", "Retail"),
    ("RENEWABLES_ENVIRONMENT", "Renewables & Environment"),
    ("LOGISTICS_AND_SUPPLY_CHAIN", "Logistics and Supply Chain"),
)
_REGIONS = (("emea", "EMEA"), ("apac", "APAC"), ("amer", "Americas"), ("nordics", "Nordics"))
_STAGES = (
    ("appointmentscheduled", "Appointment Scheduled"),
    ("qualifiedtobuy", "Qualified To Buy"),
    ("contractsent", "Contract Sent"),
    ("closedwon", "Closed Won"),
    ("closedlost", "Closed Lost"),
)
_PIPELINES = (("default", "Sales Pipeline"),)
_DEAL_TYPES = (("newbusiness", "New Business"), ("existingbusiness", "Existing Business"))
_CURRENCIES = (("EUR", "EUR"), ("USD", "USD"), ("JPY", "JPY"))
_PRODUCTS = (
    ("starter", "Starter"),
    ("team", "Team"),
    ("enterprise", "Enterprise"),
    ("add_on_eu", "EU add-on"),
)

DEAL_STAGES = _STAGES

CATALOGUE: dict[str, tuple[PropertySpec, ...]] = {
    "contacts": (
        _id(),
        _text("email", "Email", "email"),
        _text("firstname", "First name"),
        _text("lastname", "Last name"),
        _text("phone", "Phone number", "phoneNumber"),
        _text("jobtitle", "Job title"),
        _text("company", "Company name"),
        _text("city", "City"),
        _text("country", "Country/Region"),
        _text("website", "Website URL", "url"),
        _text("message", "Message", "multilineText"),
        _select("lifecyclestage", "Lifecycle stage", _LIFECYCLE),
        _select("hs_lead_status", "Lead status", _LEAD_STATUS),
        _number("num_associated_deals", "Number of associated deals"),
        _bool("hs_email_optout", "Unsubscribed from all email"),
        _select("loyalty_tier", "Loyalty tier", _TIERS, custom=True),
        _multi("interests", "Interests", _INTERESTS),
        _date("member_since", "Member since", custom=True),
        _datetime("createdate", "Create date", read_only=True),
        _datetime("lastmodifieddate", "Last modified date", read_only=True),
    ),
    "companies": (
        _id(),
        _text("name", "Company name"),
        _text("domain", "Company domain name"),
        _text("website", "Website URL", "url"),
        _text("phone", "Phone number", "phoneNumber"),
        _text("city", "City"),
        _text("country", "Country/Region"),
        _select("industry", "Industry", _INDUSTRIES),
        _number("numberofemployees", "Number of employees"),
        _number("annualrevenue", "Annual revenue", "currency"),
        _text("description", "Description", "multilineText"),
        _bool("is_public", "Is public"),
        _select("partner_level", "Partner level", _TIERS, custom=True),
        _multi("sales_regions", "Sales regions", _REGIONS),
        _date("contract_start", "Contract start", custom=True),
        _datetime("createdate", "Create date", read_only=True),
        _datetime("hs_lastmodifieddate", "Last modified date", read_only=True),
    ),
    "deals": (
        _id(),
        _text("dealname", "Deal name"),
        _number("amount", "Amount", "currency"),
        _select("deal_currency_code", "Currency", _CURRENCIES),
        _select("pipeline", "Pipeline", _PIPELINES),
        _select("dealstage", "Deal stage", _STAGES),
        _select("dealtype", "Deal type", _DEAL_TYPES),
        _datetime("closedate", "Close date"),
        _number("hs_deal_stage_probability", "Deal probability"),
        _text("description", "Deal description", "multilineText"),
        _bool("auto_renewal", "Auto renewal", custom=True),
        _multi("products_sold", "Products sold", _PRODUCTS),
        _date("go_live_date", "Go-live date", custom=True),
        _datetime("createdate", "Create date", read_only=True),
        _datetime("hs_lastmodifieddate", "Last modified date", read_only=True),
    ),
}

MODIFIED_PROPERTY = {
    "contacts": "lastmodifieddate",
    "companies": "hs_lastmodifieddate",
    "deals": "hs_lastmodifieddate",
}
DEFAULT_PROPERTIES = {
    "contacts": (
        "createdate",
        "email",
        "firstname",
        "hs_object_id",
        "lastmodifieddate",
        "lastname",
    ),
    "companies": ("createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"),
    "deals": (
        "amount",
        "closedate",
        "createdate",
        "dealname",
        "dealstage",
        "hs_lastmodifieddate",
        "hs_object_id",
        "pipeline",
    ),
}
OBJECT_TYPE_IDS = {"0-1": "contacts", "0-2": "companies", "0-3": "deals"}
OBJECT_ALIASES = {
    **{name: name for name in CATALOGUE},
    **OBJECT_TYPE_IDS,
    "contact": "contacts",
    "company": "companies",
    "deal": "deals",
}
