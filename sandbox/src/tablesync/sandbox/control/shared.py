"""The actions that both providers have."""

from typing import Protocol

from tablesync.sandbox.faults import Arm, Faults
from tablesync.sandbox.oauth.answers import AnswerBook
from tablesync.sandbox.oauth.grants import GrantStore
from tablesync.sandbox.oauth.sign_in import SIGN_IN_FAILURES

from .reading import Action, Body, bad_body, member, unknown


class ProviderState(Protocol):
    """What the shared actions need of a provider's state."""

    grants: GrantStore
    faults: Faults
    answers: AnswerBook
    limits_on: bool
    failing_sign_ins: dict[str, str]

    def renew_limits(self, refill: bool) -> None:
        """Forget what was taken from the limits."""


class SharedActions:
    """Grants, faults and limits."""

    def __init__(self, state: ProviderState) -> None:
        self._state = state

    def table(self) -> dict[str, Action]:
        """Return the actions by name."""
        return {
            "revoke": lambda account, _: self.end(account, "revoked"),
            "expire": self.expire,
            "rescope": self.rescope,
            "throttle": self.throttle,
            "latency": self.latency,
            "delayed": lambda _, __: {"requests": self._state.faults.delayed},
            "hurry": lambda _, __: {"requests": self._state.faults.hurry()},
            "break": self.break_,
            "unbreak": lambda account, _: {"removed": self._state.faults.mend(account)},
            "limits": self.limits,
            "arm": self.arm,
            "disarm": self.disarm,
            "sign-in": self.sign_in,
            "grants": lambda account, _: {"grants": self._grants(account)},
        }

    def end(self, account: str, why: str) -> Body:
        """Kill all grants of the account."""
        return {"ended": self._state.grants.end_account(account, why)}

    def expire(self, account: str, _: Body) -> Body:
        """Let access tokens expire now."""
        return {"expired": self._state.grants.expire_access(account)}

    def rescope(self, account: str, body: Body) -> Body:
        """Change the scopes of the account's grants."""
        scopes = list(member(body, "scopes"))
        changed = list(self._state.grants.of_account(account))
        for grant in changed:
            grant.scopes = list(scopes)
        return {"changed": [grant.id for grant in changed]}

    def throttle(self, account: str, body: Body) -> Body:
        """Answer 429 for a while, to one base where the body names one."""
        scope = str(body.get("base") or account)
        self._state.faults.throttle(scope, float(member(body, "seconds")))
        return {"throttled": scope}

    def latency(self, account: str, body: Body) -> Body:
        """Delay every answer."""
        self._state.faults.set_latency(account, float(member(body, "ms")))
        return {"ms": body["ms"]}

    def break_(self, account: str, body: Body) -> Body:
        """Answer the next matching requests with a status."""
        fault = self._state.faults.add_break(account, body)
        return {"status": fault.status, "count": fault.left}

    def limits(self, _: str, body: Body) -> Body:
        """Switch the rate limits on or off; either way they start anew and penalties end.

        With `refill` false a place that is taken stays taken, however slow the caller is.
        """
        self._state.renew_limits(refill=bool(body.get("refill", True)))
        self._state.limits_on = bool(member(body, "enabled"))
        return {"enabled": self._state.limits_on}

    def arm(self, account: str, body: Body) -> Body:
        """Perform an action after so many successful answers."""
        after = member(body, "after")
        if not isinstance(after, dict):
            raise bad_body("The member after has to be an object.")
        return self.add_arm(
            account,
            path_contains=str(after.get("path_contains") or ""),
            page_of=None,
            responses=int(after.get("responses", 1)),
            action=str(member(body, "action")),
            body=dict(body.get("body") or {}),
        )

    def add_arm(
        self,
        account: str,
        *,
        path_contains: str,
        page_of: str | None,
        responses: int,
        action: str,
        body: Body,
    ) -> Body:
        """Keep an action for later."""
        arm = Arm(account, path_contains, page_of, responses, action, dict(body))
        self._state.faults.arms.append(arm)
        return {"armed": action, "responses": responses}

    def disarm(self, account: str, _: Body) -> Body:
        """Forget the account's armed actions."""
        arms = self._state.faults.arms
        kept = [arm for arm in arms if account not in ("-", arm.account)]
        self._state.faults.arms = kept
        return {"removed": len(arms) - len(kept)}

    def sign_in(self, _: str, body: Body) -> Body:
        """Let a person's sign-in fail, or work again."""
        user, fails = str(member(body, "user")), body.get("fails")
        if fails is None:
            self._state.failing_sign_ins.pop(user, None)
        elif fails in SIGN_IN_FAILURES:
            self._state.failing_sign_ins[user] = str(fails)
        else:
            raise unknown("failure", str(fails), sorted(SIGN_IN_FAILURES))
        return {"user": user, "fails": fails}

    def _grants(self, account: str) -> list[Body]:
        return [
            {
                "id": grant.id,
                "account": grant.account,
                "user": grant.user,
                "scopes": grant.scopes,
                "bases": None if grant.bases is None else sorted(grant.bases),
                "alive": grant.alive,
                "end": grant.end,
                "created_at": grant.created_at * 1000,
            }
            for grant in self._state.grants.by_id.values()
            if account in ("-", grant.account)
        ]
