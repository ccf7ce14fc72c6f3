"""Logs on stderr with secrets taken out; stdout belongs to the protocol."""

from __future__ import annotations

import logging
import re
import sys

_SECRETS = re.compile(
    r"(?i)(?:rpa|rps|sim)_[a-z0-9_-]{4,}|bearer\s+[^\s\"',}]+|api_?key[\"']?\s*[=:]\s*[\"']?[^&\s\"',}]+"
)


def redact(text: str) -> str:
    """The text with everything that looks like a key replaced."""
    return _SECRETS.sub("[secret]", text)


class _Redacted(logging.Formatter):
    def __init__(self, secrets: tuple[str, ...]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s", "%H:%M:%S")
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        text = redact(super().format(record))
        for secret in self._secrets:
            text = text.replace(secret, "[secret]")
        return text


def log_to_stderr(level: int = logging.WARNING, *, secrets: tuple[str, ...] = ()) -> None:
    """Send every log record at or above a level to stderr, without these secrets or anything shaped like a key."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Redacted(tuple(secret for secret in secrets if len(secret) >= 4)))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
