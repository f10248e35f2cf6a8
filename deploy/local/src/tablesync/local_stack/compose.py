"""Prepares a Docker Compose stack: `python -m tablesync.local_stack.compose COMMAND`.

`keys` fills one folder per service under `/keys`, so that each service mounts its own and no
other's; `replica-set` makes mongod a set of one; `info` prints what `up.json` holds, for the demo
and the command line.
"""

import json
import shutil
import sys
from dataclasses import asdict
from pathlib import Path

from tablesync.local_stack.info import StackInfo
from tablesync.local_stack.keys import DASHBOARD, SERVICES, ServiceKeys, ensure_keys
from tablesync.local_stack.mongodb import REPLICA_SET, initiate_replica_set

KEYS = Path("/keys")
PORTS = {
    "auth-service": 8101, "scheduler": 8102, "sync-runner": 8103, "notifier": 8104,
    "dashboard": 8105, "sandbox": 8900,
}  # fmt: skip


def make_keys(root: Path = KEYS) -> None:
    """Make what is missing, and give each service its key, the trusted ones and nothing more."""
    made = ensure_keys(root / "made")
    for process in (*SERVICES, DASHBOARD):
        for source, name in _files_of(process, made).items():
            copy = root / process / name
            copy.touch(mode=0o600)
            shutil.copyfile(source, copy)


def make_replica_set() -> None:
    """Form the set once; afterwards wait until it takes writes."""
    initiate_replica_set("mongodb", 27017, member="mongodb:27017")


def print_info() -> None:
    """Print the addresses that Compose publishes, and the token of workspace Demo's admin."""
    print(json.dumps(asdict(published(ensure_keys(KEYS / "made"))), indent=2))  # noqa: T201


def published(keys: ServiceKeys) -> StackInfo:
    """Describe the stack as the machine that runs Docker sees it."""
    bootstrap = keys.bootstrap()
    urls = {program: f"http://127.0.0.1:{port}" for program, port in PORTS.items()}
    return StackInfo(
        urls=urls,
        kafka="127.0.0.1:9092",
        mongodb=f"mongodb://127.0.0.1:27017/?directConnection=true&replicaSet={REPLICA_SET}",
        sandbox=urls["sandbox"],
        mailbox=f"{urls['sandbox']}/mail",
        users=[{key: each[key] for key in ("id", "email", "name", "role")}
               for each in bootstrap["operators"]],
        api_token=bootstrap["operators"][0]["api_token"],
        workspace_id=bootstrap["workspace"]["id"],
        broker="kafka",
    )  # fmt: skip


def _files_of(service: str, made: ServiceKeys) -> dict[Path, str]:
    if service == DASHBOARD:
        return {made.signing_key_file: "signing-key"}
    files = {
        made.private_key_file(service): "service-key.pem",
        made.trusted_keys_file: "trusted-keys.json",
    }
    if service == "auth-service":
        files |= {
            made.encryption_keys_file: "encryption-keys.json",
            made.bootstrap_file: "bootstrap.json",
        }
    return files


COMMANDS = {"keys": make_keys, "replica-set": make_replica_set, "info": print_info}

if __name__ == "__main__":
    COMMANDS[sys.argv[1]]()
