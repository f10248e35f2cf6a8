"""The dashboard's cookies: their names say that they are bound to this host where they can be."""

from fastapi import Request, Response


class Cookies:
    """Sets and reads cookies; `__Host-` is only allowed over https."""

    def __init__(self, *, secure: bool) -> None:
        self._secure = secure

    def name(self, of: str) -> str:
        """Return a cookie's name."""
        return f"{'__Host-' if self._secure else ''}tablesync_{of}"

    def get(self, request: Request, of: str) -> str | None:
        """Return what a browser keeps, if it keeps it."""
        return request.cookies.get(self.name(of))

    def set(self, response: Response, of: str, value: str, seconds: int | None = None) -> None:
        """Have a browser keep something, for so long or until it is closed."""
        response.set_cookie(
            self.name(of),
            value,
            max_age=seconds,
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="lax",
        )

    def forget(self, response: Response, of: str) -> None:
        """Have a browser forget something."""
        response.delete_cookie(
            self.name(of), path="/", secure=self._secure, httponly=True, samesite="lax"
        )
