"""Secrets in what was typed: tagsearch takes none, and a command that holds one all the same is kept without it.

What looks like a secret: the user part of an address (scheme://user:password@host), and the value of an option or key
whose name says so (--token X, db.password=X, ?api_key=X). A secret under a name that says nothing is not recognised.
"""

import re
from collections.abc import Sequence

HIDDEN = "***"
_NAME = r"[\w.-]*(?:token|passw|passphrase|secret|credential|api[_-]?key|(?:^|[_.-]|\b)key)[\w-]*"
_USER = re.compile(r"([a-z][a-z0-9+.-]*://)\S+@", re.IGNORECASE)
_WHOLE = re.compile(rf"(-{{0,2}}{_NAME}\s*[=:]).+", re.IGNORECASE | re.DOTALL)
_INSIDE = re.compile(rf"({_NAME}[\"']?\s*[=:]\s*)(\"[^\"]*\"|'[^']*'|[^\s&,;}}]+)", re.IGNORECASE)
_OPTION = re.compile(rf"--?{_NAME}", re.IGNORECASE)


def redacted(arguments: Sequence[str]) -> list[str]:
    """The arguments with *** for what looks like a secret."""
    shown, after_option = [], False
    for argument in arguments:
        shown.append(HIDDEN if after_option else redacted_text(argument))
        after_option = _OPTION.fullmatch(argument) is not None
    return shown


def redacted_text(text: str) -> str:
    if whole := _WHOLE.fullmatch(text):
        return f"{whole[1]}{HIDDEN}"
    return _INSIDE.sub(rf"\1{HIDDEN}", _USER.sub(rf"\1{HIDDEN}@", text))
