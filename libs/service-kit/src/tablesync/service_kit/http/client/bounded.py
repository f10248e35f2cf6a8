"""Answers that are read no further than they may go: what swells when unpacked is cut off."""

import zlib
from collections.abc import AsyncIterator

import httpx

# What is asked for, and so all that is unpacked: each layer of a packing multiplies what is sent.
ACCEPTED = "gzip"
MEGABYTE = 1024 * 1024
# How long an answer may be where nobody says otherwise.
MOST_BYTES = 32 * MEGABYTE
# The extension of a request that says how long its own answer may be.
ANSWER_BYTES = "answer_bytes"
_NONE = "identity"
_GZIP = 16 + zlib.MAX_WBITS


class TooManyBytesError(httpx.RemoteProtocolError):
    """An answer has more bytes than may come at once; the rest was not read."""

    def __init__(self, host: str, most_bytes: int) -> None:
        super().__init__(f"{host} answered with more than {most_bytes // MEGABYTE} MB at once.")


class BadPackingError(httpx.RemoteProtocolError):
    """An answer is packed as nobody asked for, or its packing is broken."""


def bound(response: httpx.Response, most_bytes: int) -> httpx.Response:
    """Have an answer unpack itself while it is read, no further than it may go.

    Reading it raises TooManyBytesError and BadPackingError.
    """
    if not _tells_its_length(response, most_bytes):
        assert isinstance(response.stream, httpx.AsyncByteStream)
        host = response.request.url.host
        packing = response.headers.pop("content-encoding", "") or _NONE
        if packing != _NONE:
            response.headers.pop("content-length", None)  # it is that of what is packed
        response.stream = _Bounded(response.stream, _Packing(packing, host), most_bytes)
    return response


def _tells_its_length(response: httpx.Response, most_bytes: int) -> bool:
    """Whether no more can come, and nothing swells."""
    length = response.headers.get("content-length", "")
    plain = "content-encoding" not in response.headers
    return plain and length.isascii() and length.isdigit() and int(length) <= most_bytes


class _Packing:
    """Unpacks one body, never further than is asked."""

    def __init__(self, encoding: str, host: str) -> None:
        name = encoding.lower()
        self.host = host
        self._known = name in ("gzip", "x-gzip", _NONE)
        self._gzip = None if name == _NONE else zlib.decompressobj(_GZIP)
        self._began = False

    def some(self, chunk: bytes, most: int) -> bytes:
        """Unpack a piece; what is over `most` bytes is left out."""
        if not self._known:
            raise BadPackingError(f"{self.host} answered in a packing that nobody asked for")
        if self._gzip is None:
            return chunk
        self._began = True
        try:
            return self._gzip.decompress(chunk, most)
        except zlib.error:
            raise BadPackingError(f"{self.host} answered with a broken packing") from None

    def end(self) -> None:
        """Look whether all has come of what began to come."""
        if self._gzip is not None and self._began and not self._gzip.eof:
            raise BadPackingError(f"{self.host} answered with half of a packing")


class _Bounded(httpx.AsyncByteStream):
    """The body of an answer, unpacked: neither what comes nor what comes out of it is longer."""

    def __init__(self, inner: httpx.AsyncByteStream, packing: _Packing, most_bytes: int) -> None:
        self._inner = inner
        self._packing = packing
        self._most_bytes = most_bytes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        came = went = 0
        async for chunk in self._inner:
            piece = self._packing.some(chunk, self._most_bytes - went + 1)
            came, went = came + len(chunk), went + len(piece)
            if max(came, went) > self._most_bytes:
                raise TooManyBytesError(self._packing.host, self._most_bytes)
            yield piece
        self._packing.end()

    async def aclose(self) -> None:
        """Leave the rest unread."""
        await self._inner.aclose()
