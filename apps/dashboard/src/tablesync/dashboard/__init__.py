"""The dashboard: a consumer like any other, of public APIs and public topics only."""
