"""Commands and other free text without what looks like a secret in them."""

from __future__ import annotations

import re
from collections.abc import Iterable

BLOT = "[secret]"
LOOKED_AT = 4000
"""Characters of a text; what is beyond is not shown."""

_NAME = r"[\w.-]*(?:token|secret|passw|passphrase|(?:^|[_-])pw(?:d|$)|api_?-?key|access_?-?key|private_?-?key|credential|auth)[\w.-]*"
_VALUE = r"(?:\"[^\"]*\"?|'[^']*'?|[^\s\"'&;|]+)"
_SHAPES = (
    re.compile(rf"(?i)(\b(?:bearer|basic)\s+){_VALUE}"),
    re.compile(r"(://)[^/\s@]+(?=@)"),
    re.compile(rf"(?i)((?<![\w.-]){_NAME}[\"']?\s*[=:]\s*){_VALUE}"),
    re.compile(rf"(?i)((?<![\w.-])-{_NAME}\s+){_VALUE}"),
    re.compile(
        r"()\b(?:rpa|rps|sim|hf|gh[a-z]|github_pat|glpat|npm|pypi|nvapi|sk|xox[a-z])[_-][A-Za-z0-9_-]{6,}"
    ),
)
_RANDOM = re.compile(r"(?<![A-Za-z0-9])(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[A-Za-z0-9]{20,}")
_FLAG = re.compile(rf"(?i)-{_NAME}")


def blotted(text: str) -> str:
    """The text with the values of what is named like a secret blotted out, and what is shaped like a key."""
    text = text[:LOOKED_AT]
    for shape in _SHAPES:
        text = shape.sub(rf"\1{BLOT}", text)
    return text


def blotted_words(words: Iterable[str]) -> list[str]:
    """The words of a command, the same way; what follows a flag named like a secret is one, and so may be a long
    run of letters and digits."""
    shown: list[str] = []
    after_flag = False
    for word in words:
        shown.append(BLOT if after_flag else _RANDOM.sub(BLOT, blotted(word)))
        after_flag = _FLAG.fullmatch(word) is not None
    return shown
