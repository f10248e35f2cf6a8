"""What the sign-in pages of all providers say."""

APP_NAME = "TableSync"
SIGN_IN_FAILURES = {
    "password": "That e-mail and password do not match.",
    "second_factor": "The second factor was not confirmed. Sign in again.",
}
