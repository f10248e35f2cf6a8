"""Airtable's refusals, in its own words."""

from tablesync.sandbox.web import Refusal


def _typed(status: int, kind: str, message: str) -> Refusal:
    return Refusal(status, {"error": {"type": kind, "message": message}})


def authentication_required() -> Refusal:
    """No bearer, or one that cannot be read."""
    return _typed(401, "AUTHENTICATION_REQUIRED", "Authentication required")


def unauthorized() -> Refusal:
    """An expired, revoked or unknown token: all three look the same."""
    return _typed(401, "UNAUTHORIZED", "Invalid authentication token")


def permissions_or_model_not_found() -> Refusal:
    """A missing scope, a base that is not granted, or an id that does not exist."""
    return _typed(
        403,
        "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND",
        "Invalid permissions, or the requested model was not found. Check that both your user and "
        "your token have the required permissions, and that the model names and/or ids are "
        "correct.",
    )


def permissions() -> Refusal:
    """The person's role in the base is too low."""
    return _typed(403, "INVALID_PERMISSIONS", "You are not permitted to perform this operation")


def not_found() -> Refusal:
    """A route that does not exist."""
    return Refusal(404, {"error": "NOT_FOUND"})


def record_not_found() -> Refusal:
    """An unknown record on DELETE."""
    return _typed(404, "MODEL_ID_NOT_FOUND", "Record not found")


def rate_limited() -> Refusal:
    """Over a limit, or inside the penalty for it."""
    message = "Rate limit exceeded. Please try again later"
    return Refusal(429, {"errors": [{"error": "RATE_LIMIT_REACHED", "message": message}]})


def retriable() -> Refusal:
    """Server trouble that may be retried."""
    return _typed(
        503,
        "RETRIABLE_ERROR",
        "Server encountered an error while processing your request, and it is safe to retry the "
        "request",
    )


def broken(status: int) -> Refusal:
    """Trouble that a script switched on."""
    if status == 503:
        return retriable()
    if status == 429:
        return rate_limited()
    html = f"<html><head><title>{status}</title></head><body>Airtable: {status}</body></html>"
    return Refusal(status, html, {"content-type": "text/html"})


def unprocessable(kind: str, message: str) -> Refusal:
    """Bad data, by its 422 code."""
    return _typed(422, kind, message)


def invalid_request(message: str = "") -> Refusal:
    """A request whose shape is wrong."""
    text = "Invalid request: parameter validation failed. Check your request data."
    return unprocessable("INVALID_REQUEST_UNKNOWN", message or text)


def unknown_field(name: str) -> Refusal:
    """A field name or id that the table does not have."""
    return unprocessable("UNKNOWN_FIELD_NAME", f'Unknown field name: "{name}"')


def invalid_value(name: str, because: str = "") -> Refusal:
    """A value that the field's type does not take."""
    tail = f" because {because}" if because else ""
    return unprocessable(
        "INVALID_VALUE_FOR_COLUMN", f'Field "{name}" cannot accept the provided value{tail}'
    )


def unknown_option(option: str) -> Refusal:
    """A select option that does not exist and may not be created."""
    return unprocessable(
        "INVALID_MULTIPLE_CHOICE_OPTIONS",
        f'Insufficient permissions to create new select option ""{option}""',
    )


def row_does_not_exist(record_id: str) -> Refusal:
    """A batch names a record that is not there."""
    return unprocessable(
        "ROW_DOES_NOT_EXIST", f"Record ID {record_id} does not exist in this table"
    )


def invalid_options(table: str, field: str, because: str) -> Refusal:
    """Options that a field of its type cannot have."""
    message = f"Invalid options for {table}.{field}: {because}"
    return unprocessable("INVALID_FIELD_TYPE_OPTIONS_FOR_CREATE", message)


def base_is_full() -> Refusal:
    """More rows than the plan allows; Airtable documents no code for it."""
    return unprocessable("INVALID_REQUEST_UNKNOWN", "This base has reached its record limit")


def synced_table() -> Refusal:
    """A table that is filled from outside; Airtable documents no code for it."""
    message = "This table is externally synced and cannot be modified"
    return unprocessable("INVALID_REQUEST_UNKNOWN", message)


def token_error(error: str, description: str, status: int = 400) -> Refusal:
    """A refusal of the token endpoint."""
    headers = {"cache-control": "no-store"}
    if error == "invalid_client":
        status = 401
    return Refusal(status, {"error": error, "error_description": description}, headers)
