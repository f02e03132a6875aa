"""A script, read without running it: lines of code and of comment, comment that is code, literals that are secrets or addresses.

In: JavaScript as an engine keeps it. Out: counts and places by line. A literal never leaves: a secret is a kind and a line.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["Counted", "addresses", "bare", "counted", "literal_secrets", "url_secret"]

# Comments and strings in one pass; what is neither stays. Every part is possessive, so that no text makes it slow.
TOKEN = re.compile(
    r"""//[^\n]*+|/\*(?:[^*]++|\*(?!/))*+(?:\*/|\Z)|"(?:[^"\\\n]++|\\.)*+"?|'(?:[^'\\\n]++|\\.)*+'?|`(?:[^`\\]++|\\.)*+`?""", re.S
)
DEAD = re.compile(
    r"[;{}]\s*$|^\s*(?:var|let|const|if|for|while|return|function|else|try|catch)\b.*[(={;]|^\s*[\w.$\[\]'\"]+\s*(?:=[^=]|\()\s*.*\)?;"
)
CALLED = r"(?:pass(?:word|wd|phrase)?|pwd|secret|token|api_?-?key|access_?-?key|private_?-?key|credentials?|client_?-?secret)"
ASSIGNED = re.compile(
    rf"""(?i)\b([\w$.]{{0,60}}?{CALLED}\w{{0,60}})["']?\s{{0,9}}\]?\s{{0,9}}[:=]\s{{0,9}}(?![=>])(["'`])((?:(?!\2).){{1,4000}})\2"""
)
PUT = re.compile(
    rf"""(?i)(?:\bset\w{{0,60}}?{CALLED}\w{{0,60}}\s{{0,9}}\(\s{{0,9}}|\b(?:put|set|add\w{{0,30}}|append)\s{{0,9}}\(\s{{0,9}}["'][\w.-]{{0,60}}?{CALLED}[\w.-]{{0,60}}["']\s{{0,9}},\s{{0,9}})(["'`])((?:(?!\1).){{1,4000}})\1"""
)
CONNECT = re.compile(
    r"""(?is)\bcreateDatabaseConnection\s*\((?:[^()"']|"[^"]{0,500}"|'[^']{0,500}'){0,500}?,\s{0,50}["'][^"']{0,500}["']\s{0,50},\s{0,50}(["'])((?:(?!\1).){1,500})\1\s{0,50}\)"""
)
HEADER = re.compile(r"""(?i)["'](?:Basic|Bearer)\s+[A-Za-z0-9+/=._~-]{8,}["']|(?i:authorization)["']?\s*[,:=]\s*["'][^"']{8,}["']""")
KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")
IN_URL = re.compile(
    r"(?i)[a-z][a-z0-9+.:-]{0,40}://[^/\s\"'@:]{1,200}:([^/\s\"'@$]{1,500})@|[;?&](?:password|pwd|token|api_?key|secret)=([^;&\s\"'$}]+)|thin:[^/@\s]{1,200}/([^@\s$]{1,500})@"
)
VARIABLE = re.compile(r"\s*(?:\$\{[^}]*\}|\$\w*\([^)]*\))\s*")
ADDRESS = re.compile(
    r"(?i)\b(?:jdbc:[a-z0-9:@]{1,80}//|(?:https?|ftps?|sftp|ldaps?|smb|wss?|tcp)://)[^\s\"'`<>)]{1,2000}|\bjdbc:oracle:thin:@[^\s\"']{1,2000}|(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?::\d{2,5})?(?![\d.])"
)
STOCK = {"return message;", "return;", "return true;", ""}


class Counted(NamedTuple):
    """Lines by what they hold."""

    lines: int
    comments: int
    dead: int


def split(code: str) -> tuple[str, list[str]]:
    """The code without its comments (line ends stay), and the comments."""
    comments: list[str] = []

    def out(found: re.Match[str]) -> str:
        if found[0].startswith(("//", "/*")):
            comments.append(found[0])
            return "\n" * found[0].count("\n")
        return found[0]

    return TOKEN.sub(out, code), comments


def bare(code: str) -> str:
    """The code without its comments."""
    return split(code)[0]


def counted(code: str) -> Counted:
    """Lines of code, of comment, and of comment that is code. What an engine writes into every new channel is no code."""
    rest, comments = split(code)
    lines = [line.strip() for line in rest.splitlines() if line.strip()]
    told = [line for comment in comments for line in words(comment)]
    dead = sum(bool(DEAD.search(line if len(line) < 500 else line[:250] + line[-250:])) for line in told)
    return Counted(0 if " ".join(lines) in STOCK else len(lines), len(told), dead)


def words(comment: str) -> Iterator[str]:
    """The lines of a comment without its marks; documentation comments hold no dead code."""
    if comment.startswith("/**"):
        yield from ("" for line in comment.splitlines() if line.strip())
        return
    text = comment[2:-2] if comment.startswith("/*") and comment.endswith("*/") else comment[2:]
    yield from (line.strip(" \t*") for line in text.splitlines() or [""])


def literal_secrets(code: str) -> list[tuple[str, int]]:
    """(kind, line of the code from 0) of every secret that stands in it as a literal, once for each line and kind."""
    found, starts = set[tuple[str, int]](), line_ends(code)
    for kind, pattern, group in (
        ("assigned in a script", ASSIGNED, 3),
        ("given to a setter", PUT, 2),
        ("given to a database connection", CONNECT, 2),
        ("authorization header", HEADER, 0),
        ("key", KEY, 0),
    ):
        for match in pattern.finditer(code):
            value = match[group]
            if not VARIABLE.fullmatch(value):
                found.add((kind, bisect_left(starts, match.start(group))))
    for match in IN_URL.finditer(code):
        found.add(("in an address", bisect_left(starts, match.start())))
    return sorted(found, key=lambda item: (item[1], item[0]))


def url_secret(text: str) -> bool:
    """Does an address carry a password or a token?"""
    return bool(IN_URL.search(text))


def addresses(code: str) -> list[tuple[str, int]]:
    """(address without user, password and query, line from 0) of every address that stands in the code itself, not in its comments."""
    rest = split(code)[0]
    starts = line_ends(rest)
    return [(clean(match[0]), bisect_left(starts, match.start())) for match in ADDRESS.finditer(rest)]


def line_ends(code: str) -> list[int]:
    """Where the lines of a text end, so that the line of a place is found without counting."""
    return [match.start() for match in re.finditer("\n", code)]


def clean(address: str) -> str:
    """An address without user, password, query and what follows a semicolon."""
    text = re.sub(r"//[^/\s]*@", "//", address[:2000])
    text = re.sub(r"thin:\S*@", "thin:@", text)
    if not text.startswith("jdbc:"):
        text = re.sub(r"[^\s/@:]+:[^\s/@]+@", "", text)
    return re.split(r"[?;#]", text)[0][:200]
