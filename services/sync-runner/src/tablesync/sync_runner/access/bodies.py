"""Bodies of answers, read no further than they may go: what swells when unpacked is cut off."""

import zlib

import httpx
from tablesync.sync_runner.access.answers import AnswerTooLargeError, TransientError

# What is asked for, and so all that is unpacked: each layer of a packing multiplies what is sent.
ACCEPTED = "gzip"
MEGABYTE = 1024 * 1024
_GZIP = 16 + zlib.MAX_WBITS
_LEFT_BEHIND = ("content-encoding", "content-length", "transfer-encoding")


async def read_whole(response: httpx.Response, most_bytes: int) -> httpx.Response:
    """Return an answer with its body, unpacked.

    Raises AnswerTooLargeError, and TransientError for a packing that is broken or unasked for.
    """
    if _tells_its_length(response, most_bytes):
        await response.aread()  # no more can come, and nothing swells
        return response
    host = response.request.url.host
    unpack = _Unpacking(response.headers.get("content-encoding", ""), host)
    pieces: list[bytes] = []
    room = most_bytes
    async for chunk in response.aiter_raw():
        pieces.append(unpack.some(chunk, room + 1))
        room -= len(pieces[-1])
        if room < 0:
            raise AnswerTooLargeError(host, most_bytes)
    unpack.end()
    headers = [
        (name, value)
        for name, value in response.headers.multi_items()
        if name.lower() not in _LEFT_BEHIND
    ]
    return httpx.Response(
        response.status_code, headers=headers, content=b"".join(pieces), request=response.request
    )


def _tells_its_length(response: httpx.Response, most_bytes: int) -> bool:
    length = response.headers.get("content-length", "")
    plain = "content-encoding" not in response.headers
    return plain and length.isascii() and length.isdigit() and int(length) <= most_bytes


class _Unpacking:
    """Unpacks one body, never further than is asked."""

    def __init__(self, encoding: str, host: str) -> None:
        self._host = host
        self._gzip = None
        if encoding.lower() in ("gzip", "x-gzip"):
            self._gzip = zlib.decompressobj(_GZIP)
        elif encoding.lower() not in ("", "identity"):
            raise TransientError(f"{host} answered in a packing that nobody asked for")

    def some(self, chunk: bytes, most: int) -> bytes:
        """Unpack a piece; what is over `most` bytes is left out."""
        if self._gzip is None:
            return chunk
        try:
            return self._gzip.decompress(chunk, most)
        except zlib.error:
            raise TransientError(f"{self._host} answered with a broken packing") from None

    def end(self) -> None:
        """Look whether all has come."""
        if self._gzip is not None and not self._gzip.eof:
            raise TransientError(f"{self._host} answered with half of a packing")
