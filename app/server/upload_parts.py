"""What an upload is made of, counted while it passes."""

from __future__ import annotations

from contextlib import suppress

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from ..requests.refusals import RequestRefused

MOST_PARTS = 32
"""Of one request, however small: Gradio opens a file for each, in the one loop that there is."""
MOST_FIELD_BYTES = 10_000
"""Of all parts that are no files: Gradio gathers them in memory, copied again at each piece."""


class Parts:
    """Counts the parts of one request, as Gradio's own parser will see them.

    Args:
        content_type: of the request.
    """

    def __init__(self, content_type: str) -> None:
        _, options = parse_options_header(content_type)
        self._parser: MultipartParser | None = None
        with suppress(FormParserError):
            self._parser = MultipartParser(
                options.get(b"boundary", b""),
                {
                    "on_part_begin": self._begin,
                    "on_header_field": self._header,
                    "on_header_value": self._value,
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._end_headers,
                    "on_part_data": self._data,
                },
            )
        self._parts = self._field_bytes = 0
        self._name, self._disposition, self._heard = b"", b"", b""
        self._is_file = False

    def add(self, piece: bytes) -> None:
        """More of the body; raises RequestRefused when it is too much."""
        if self._parser is None:
            return
        try:
            self._parser.write(piece)
        except FormParserError:
            self._parser = None  # Gradio's fails at the same place, and says so

    def _begin(self) -> None:
        self._parts += 1
        self._name, self._disposition, self._heard = b"", b"", b""
        if self._parts > MOST_PARTS:
            raise RequestRefused(413, "TOO_MANY_FILES", most=MOST_PARTS)

    def _header(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _value(self, data: bytes, start: int, end: int) -> None:
        self._heard += data[start:end]

    def _end_header(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._disposition = self._heard
        self._name = self._heard = b""

    def _end_headers(self) -> None:
        self._is_file = b"filename" in parse_options_header(self._disposition)[1]

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            return
        self._field_bytes += end - start
        if self._field_bytes > MOST_FIELD_BYTES:
            raise RequestRefused(413, "REQUEST_TOO_LARGE", limit=f"{MOST_FIELD_BYTES / 1e3:.4g} kB")
