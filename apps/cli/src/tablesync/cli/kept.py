"""What `tablesync login` keeps: the API token and the addresses, for this person's eyes alone."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

FOLDER, FILE = "tablesync", "sign-in.json"


def path(environment: Mapping[str, str] = os.environ) -> Path:
    """Return where it is kept, as the XDG base directories say."""
    configured = environment.get("XDG_CONFIG_HOME")
    home = Path(environment.get("HOME") or Path.home())
    # An XDG folder that is not absolute counts as none.
    top = Path(configured) if configured and Path(configured).is_absolute() else home / ".config"
    return top / FOLDER / FILE


def keep(file: Path, urls: Mapping[str, str], api_token: str) -> None:
    """Write it down in place of what was there; nobody else can read it at any moment."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = file.with_suffix(f".{os.getpid()}")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        json.dump({"urls": dict(urls), "api_token": api_token}, opened, indent=2)
    partial.replace(file)


def forget(file: Path) -> bool:
    """Whether there was something to forget."""
    if not file.exists():
        return False
    file.unlink()
    return True
