"""Look at the dashboard of a stack that runs: `python tools/look_at_dashboard.py UP_JSON`.

Somebody signs in, comes to workspace Demo, and is sent all that its page names. What is wrong is
said, with exit code 1. `make test-compose` ends with it.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

import httpx

FILE = re.compile(r'(?:src|href)="(/static/[^"]+)"')


def look(stack: dict[str, Any]) -> None:
    """Go where a browser would; raises where anything is not as it should be."""
    home = stack["urls"]["dashboard"]
    with httpx.Client(base_url=home, follow_redirects=True, timeout=15, trust_env=False) as browser:
        page = browser.get("/sign-in/start", params={"person": "ada"}).raise_for_status()
        if page.url != httpx.URL(f"{home}/w/{stack['workspace_id']}/integrations"):
            raise ValueError(f"signing in has led to {page.url}")
        files = sorted(set(FILE.findall(page.text)))
        for each in files:
            browser.get(each).raise_for_status()
    sys.stdout.write(f"dashboard: signed in, and sent {len(files)} files\n")


if __name__ == "__main__":
    look(json.loads(Path(sys.argv[1]).read_text("utf-8")))
