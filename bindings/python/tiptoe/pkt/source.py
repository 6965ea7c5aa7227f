# SPDX-License-Identifier: Apache-2.0
"""From octets to the text that is parsed: #ifdef, symbols given by --define. Positions stay those of the file.

Example:

    source = prepare(b"0 read(3, ..., SIZE) = SIZE", {"SIZE": "1000"})
    source.text                   # "0 read(3, ..., 1000) = 1000"
    source.position(27)           # (line, column) in the file
"""

from __future__ import annotations

import bisect
import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass

from .syntax import PktSyntaxError

#: What a symbol cannot be part of, in the order in which it is looked for; then words and the two directives.
_TOKENS = re.compile(
    r"//[^\n]*"
    r"|/\*[\s\S]*?\*/"
    r'|"(?:\\[\s\S]|[^"\\])*"'
    r"|`(?:\\[\s\S]|[^`\\])*`"
    r"|%\{[\s\S]*?\}%"
    r"|(?P<option>--[A-Za-z0-9_]+[ \t]*=[ \t]*\S*)"
    r"|\#(?P<directive>ifdef|endif)(?!\w)"
    r"|(?P<word>[A-Za-z0-9_]+)"
)
_ENDIF = re.compile(r"#endif(?!\w)")
_NAME = re.compile(r"\s+([A-Za-z]\w*)")
_DEFINE_OPTION = re.compile(r"""^--define=(\w+)=("(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\\n])*`|\S+)""", re.MULTILINE)

#: Longest file that is read, in octets: scripts are a few thousand long.
LONGEST = 1_000_000


def location(text: str, offset: int) -> tuple[int, int]:
    """(line, column) of an offset, from 1."""
    offset = max(0, min(offset, len(text)))
    return text.count("\n", 0, offset) + 1, offset - (text.rfind("\n", 0, offset) + 1) + 1


@dataclass(frozen=True)
class Source:
    """Text to parse, and where it came from."""

    original: str
    text: str
    _new: tuple[int, ...] = (0,)  #: offsets in text …
    _old: tuple[int, ...] = (0,)  #: … and where they were in original

    def position(self, offset: int) -> tuple[int, int]:
        """(line, column) in the file of an offset in `text`."""
        i = bisect.bisect_right(self._new, offset) - 1
        limit = self._old[i + 1] if i + 1 < len(self._old) else len(self.original)
        at = min(self._old[i] + offset - self._new[i], limit)
        line = bisect.bisect_right(self._lines, at)
        return line, at - self._lines[line - 1] + 1

    @functools.cached_property
    def _lines(self) -> list[int]:
        """Where the lines of the file begin."""
        return [0, *(match.end() for match in re.finditer("\n", self.original))]


def decode(octets: bytes) -> str:
    """UTF-8, or else Latin-1: a name in a comment must not stop a script."""
    try:
        text = octets.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = octets.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def definitions(text: str) -> dict[str, str]:
    """What the script itself defines by --define=NAME=VALUE."""
    return {match[1]: match[2] for match in _DEFINE_OPTION.finditer(text)}


def prepare(octets: bytes | str, defines: Mapping[str, str], path: str = "") -> Source:
    """Leaves out what `#ifdef` excludes, and puts values in place of defined symbols.

    Raises `PktSyntaxError`.
    """
    if len(octets) > LONGEST:
        raise PktSyntaxError(f"the file is longer than {LONGEST} octets; it is not a packetdrill script", path=path)
    text = decode(octets) if isinstance(octets, bytes) else octets
    known = {**definitions(text), **defines}
    out: list[str] = []
    new, old = [0], [0]
    length = 0  # of what is in out
    done = 0  # so much of text is in out
    opened: int | None = None  # offset of an #ifdef whose text counts
    skip_to = 0

    def put(piece: str, at: int) -> None:
        nonlocal length
        if new[-1] == length:
            old[-1] = at
        else:
            new.append(length)
            old.append(at)
        out.append(piece)
        length += len(piece)

    def error(message: str, offset: int) -> PktSyntaxError:
        return PktSyntaxError(message, *location(text, offset), path)

    def blank(start: int, end: int) -> None:
        put("".join(c if c == "\n" else " " for c in text[start:end]), start)

    for match in _TOKENS.finditer(text):
        start, end = match.span()
        if start < skip_to:
            continue
        if match["directive"] == "ifdef":
            if opened is not None:
                line = location(text, opened)[0]
                raise error(f"an #ifdef inside another one (of line {line})", start)
            name = _NAME.match(text, end)
            if name is None:
                raise error("#ifdef must be followed by a name", start)
            put(text[done:start], done)
            done = name.end()
            if name[1] in known:
                opened = start
            else:
                closing = _ENDIF.search(text, done)
                if closing is None:
                    raise error("#ifdef without #endif", start)
                done = closing.end()
            blank(start, done)
            skip_to = done
        elif match["directive"] == "endif":
            if opened is None:
                raise error("#endif without #ifdef", start)
            put(text[done:start], done)
            blank(start, end)
            done, opened = end, None
        elif match["word"] is not None and match["word"] in known:
            put(text[done:start], done)
            put(known[match["word"]].replace("\n", " "), start)
            done = end
    if opened is not None:
        raise error("#ifdef without #endif", opened)
    put(text[done:], done)
    return Source(text, "".join(out), tuple(new), tuple(old))
