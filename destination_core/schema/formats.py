"""The string formats of input fields, as ajv-formats checks them (``CHECKS``).

Each check is a predicate on a string. The rules are those of the RFCs named below, with the
liberties that ajv-formats takes, so that a payload is accepted here if it is accepted there.
"""

import ipaddress
import re
import warnings
from calendar import monthrange
from collections.abc import Callable, Mapping
from string import ascii_letters, digits
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from destination_core.schema.dates import is_date_like

Check = Callable[[str], bool]

_ATEXT: Final = frozenset(ascii_letters + digits + "!#$%&'*+/=?^_`{|}~-")
_LABEL: Final = frozenset(ascii_letters + digits + "-")
_MAX_HOSTNAME, _MAX_LABEL = 253, 63

_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_TIME = re.compile(
    r"([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]+)?(?:[zZ]|[+-][0-9]{2}(?::?[0-9]{2})?)?"
)
_DATE_TIME_SEPARATOR = re.compile(r"[tT\s\ufeff]")
_AMOUNTS = (
    r"(?:[0-9]+Y)?(?:[0-9]+M)?(?:[0-9]+D)?(?:T(?=[0-9])(?:[0-9]+H)?(?:[0-9]+M)?(?:[0-9]+S)?)?"
)
_DURATION = re.compile(rf"P(?=[0-9T])(?:{_AMOUNTS}|[0-9]+W)")

# RFC 3986; a quotation mark is let through in references, as by ajv-formats.
_PCHAR = r"""(?:[A-Za-z0-9\-._~!$&'"()*+,;=:@]|%[0-9A-Fa-f]{2})"""
_SCHEME = r"[A-Za-z][A-Za-z0-9+\-.]*:"
_USER = r"(?:(?:[A-Za-z0-9\-._~!$&'()*+,;=:]|%[0-9A-Fa-f]{2})*@)?"
_TAIL = rf"(?:\?(?:{_PCHAR}|[/?])*)?(?:\#(?:{_PCHAR}|[/?])*)?"
_PATH = re.compile(rf"({_SCHEME})?((?:{_PCHAR}|/)*){_TAIL}")
_LITERAL = re.compile(
    rf"({_SCHEME})?//?{_USER}\[([0-9A-Fa-f:.]+|[Vv][0-9A-Fa-f]+\.[A-Za-z0-9\-._~!$&'()*+,;=:]+)\]"
    rf"(?::[0-9]*)?(?:/{_PCHAR}*)*{_TAIL}"
)

# RFC 6570
_VARIABLE = r"(?:\w|%[0-9A-Fa-f]{2})+(?::[1-9][0-9]{0,3}|\*)?"
_URI_TEMPLATE = re.compile(
    r"""(?:[^\x00-\x20"'<>%\\^`{|}]|%[0-9A-Fa-f]{2}"""
    rf"|\{{[+\#./;?&=,!@|]?{_VARIABLE}(?:,{_VARIABLE})*\}})*",
    re.ASCII,
)

_UUID = re.compile(r"(?:urn:uuid:)?[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_POINTER = re.compile(r"(?:/(?:[^~/]|~[01])*)*")
_POINTER_FRAGMENT = re.compile(r"\#(?:/(?:[A-Za-z0-9_\-.!$&'()*+,;:=@]|%[0-9A-Fa-f]{2}|~[01])*)*")
_RELATIVE_POINTER = re.compile(r"(?:0|[1-9][0-9]*)(?:\#|(?:/(?:[^~/]|~[01])*)*)")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")


def is_email(text: str) -> bool:
    """Tell whether a text is an address: a dotted local part, and a domain of two labels or more.

    Quoted local parts, address literals and international domains are refused, names reserved
    for tests (``a@example.test``) are fine.
    """
    local, at, domain = text.partition("@")
    labels = domain.split(".")
    return (
        bool(at)
        and all(part and _ATEXT.issuperset(part) for part in local.split("."))
        and len(labels) > 1
        and all(map(_is_label, labels))
    )


def _is_label(text: str) -> bool:
    return bool(text) and _LABEL.issuperset(text) and text[0] != "-" != text[-1]


def is_hostname(text: str) -> bool:
    """Tell whether a text is a host name (RFC 1123); one dot at its end is allowed."""
    name = text.removesuffix(".")
    return 0 < len(name) <= _MAX_HOSTNAME and all(
        _is_label(label) and len(label) <= _MAX_LABEL for label in name.split(".")
    )


def is_ipv4(text: str) -> bool:
    """Tell whether a text is four numbers up to 255; leading zeros are let through."""
    numbers = text.split(".")
    return len(numbers) == 4 and all(  # noqa: PLR2004  the bytes of an address
        len(one) in {1, 2, 3} and one.isascii() and one.isdecimal() and int(one) <= 255  # noqa: PLR2004
        for one in numbers
    )


def is_ipv6(text: str) -> bool:
    """Tell whether a text is an IPv6 address, without a zone."""
    if "%" in text:
        return False
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def is_date(text: str) -> bool:
    """Tell whether a text is a day of the calendar, ``2024-02-29`` (RFC 3339)."""
    found = _DATE.fullmatch(text)
    if not found:
        return False
    year, month, day = map(int, found.groups())
    # Year 0 is a leap year of the proleptic calendar; Python's calendar begins with year 1.
    return 1 <= month <= 12 and 1 <= day <= monthrange(year or 2000, month)[1]  # noqa: PLR2004


def is_time(text: str) -> bool:
    """Tell whether a text is a time of day with seconds; the offset may be missing."""
    found = _TIME.fullmatch(text)
    if not found:
        return False
    hour, minute, second = map(int, found.groups())
    latest_hour, latest = 23, 59
    return (hour <= latest_hour and minute <= latest and second <= latest) or (
        (hour, minute, second) == (23, 59, 60)
    )


def is_date_time(text: str) -> bool:
    """Tell whether a text is a day and a time with a "T" or one blank in between."""
    parts = _DATE_TIME_SEPARATOR.split(text)
    return len(parts) == 2 and is_date(parts[0]) and is_time(parts[1])  # noqa: PLR2004  both


def is_uri_reference(text: str) -> bool:
    """Tell whether a text is a URI, or a reference relative to one (RFC 3986)."""
    return _PATH.fullmatch(text) is not None or _is_uri_with_literal(text)


def is_uri(text: str) -> bool:
    """Tell whether a text is a URI: a scheme and something behind it (RFC 3986)."""
    if '"' in text:
        return False
    found = _PATH.fullmatch(text)
    if found:
        return bool(found[1] and found[2])
    return _is_uri_with_literal(text) and not text.startswith("/")


def _is_uri_with_literal(text: str) -> bool:
    found = _LITERAL.fullmatch(text)
    return found is not None and (found[2][0] in "vV" or is_ipv6(found[2]))


def is_url(text: str) -> bool:
    """Tell whether a text is an http, https or ftp URL of a public host."""
    if re.search(r"\s", text) or not text.startswith(("http://", "https://", "ftp://")):
        return False
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    if is_ipv4(host):
        return ipaddress.IPv4Address(".".join(str(int(n)) for n in host.split("."))).is_global
    *names, top = host.split(".")
    return bool(names) and all(map(_NAME.fullmatch, names)) and bool(_TOP.fullmatch(top))


_NAME = re.compile(r"[^\W_]+(?:-+[^\W_]+)*")
_TOP = re.compile(r"[^\W\d_]{2,}")
_ESCAPE = re.compile(
    r"\\(?:k<[^>]*>|(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[bBdDsSwWfnrtv0]|[^0-9A-Za-z])|.)",
    re.DOTALL,
)
_EMPTY_CLASS = re.compile(r"(?<!\[)(?<!\[\^)\[\]")
_GROUP_NAME = re.compile(r"\(\?<(?=[A-Za-z_$])")
_PYTHON_ONLY = re.compile(r"\(\?(?:P|#|\(|>|[aiLmsux-]+[:)])|[*+?}]\+")


def is_regex(text: str) -> bool:
    """Tell whether a text is a regular expression of JavaScript."""
    if _PYTHON_ONLY.search(text):
        return False
    pattern = _ESCAPE.sub(_python_escape, text)
    pattern = _GROUP_NAME.sub("(?P<", pattern).replace("[^]", r"[\s\S]")
    pattern = _EMPTY_CLASS.sub("(?!)", pattern)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(pattern)
    except re.error as error:
        return "fixed-width" in str(error)
    except (OverflowError, RecursionError):
        return False
    return True


def _python_escape(escape: re.Match[str]) -> str:
    # Any other letter or digit may be escaped in JavaScript, and then means itself, more or less.
    return escape[0] if escape[1] else "x"


def _matches(pattern: re.Pattern[str]) -> Check:
    return lambda text: pattern.fullmatch(text) is not None


#: The formats that are checked.
CHECKS: Final[Mapping[str, Check]] = MappingProxyType(
    {
        "byte": _matches(_BASE64),
        "date": is_date,
        "date-like": is_date_like,
        "date-time": is_date_time,
        "duration": _matches(_DURATION),
        "email": is_email,
        "hostname": is_hostname,
        "ipv4": is_ipv4,
        "ipv6": is_ipv6,
        "json-pointer": _matches(_POINTER),
        "json-pointer-uri-fragment": _matches(_POINTER_FRAGMENT),
        "regex": is_regex,
        "relative-json-pointer": _matches(_RELATIVE_POINTER),
        "time": is_time,
        "uri": is_uri,
        "uri-reference": is_uri_reference,
        "uri-template": _matches(_URI_TEMPLATE),
        "url": is_url,
        "uuid": _matches(_UUID),
    }
)
#: The formats that only say how a value is drawn, or that concern numbers.
UNCHECKED: Final = frozenset({"text", "password", "binary", "int32", "int64", "float", "double"})


def is_known(name: str) -> bool:
    """Tell whether a format has a meaning here."""
    return name in CHECKS or name in UNCHECKED
