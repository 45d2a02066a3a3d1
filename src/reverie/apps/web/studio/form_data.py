"""Files in a request of multipart/form-data, passed on as they come. Source: RFC 7578, RFC 2046 section 5.1.1."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reverie.errors import InputError

MOST_HEAD = 8192  # bytes in front of one file


def boundary_of(kind: str) -> bytes:
    """Return what separates the parts, as the type of the content says.

    Raises:
        InputError: it is no form.
    """
    found = re.fullmatch(r"multipart/form-data;.*\bboundary=\"?([^\";]{1,70})\"?", kind.strip(), re.IGNORECASE)
    if found is None:
        raise InputError("expected multipart/form-data")
    return found[1].encode()


class FormFiles:
    """Takes a form piece by piece and gives what its files are made of.

    Args:
        boundary: between the parts.
    """

    def __init__(self, boundary: bytes) -> None:
        self._mark, self._left, self._inside = b"\r\n--" + boundary, b"\r\n", False
        self.over = False

    def feed(self, piece: bytes) -> Iterator[str | bytes | None]:
        """Yield for each file its name (text), its pieces (bytes), and None at its end.

        Raises:
            InputError: it is no form.
        """
        self._left += piece
        while not self.over:
            at = self._left.find(self._mark)
            if self._inside:
                end = at if at >= 0 else max(0, len(self._left) - len(self._mark))
                if end:
                    yield self._left[:end]
                self._left, at = self._left[end:], 0 if at >= 0 else -1
                if at < 0:
                    return
                self._inside = False
                yield None
            head = self._left.find(b"\r\n\r\n", len(self._mark))
            self.over = self._left[len(self._mark) :].startswith(b"--")
            if at != 0 or head < 0 or self.over:
                if len(self._left) > MOST_HEAD or (at != 0 and len(self._left) > len(self._mark)):
                    raise InputError("that is no form of files")
                return
            name = re.search(rb'filename="([^"\r\n]*)"', self._left[:head])
            if name is None:
                raise InputError("a form of files holds nothing else")
            self._left, self._inside = self._left[head + 4 :], True
            yield name[1].decode("utf-8", "replace")
