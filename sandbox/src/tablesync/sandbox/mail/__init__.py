"""The mail catcher: takes every mail by SMTP and shows it."""
