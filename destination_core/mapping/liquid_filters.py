"""The filters of liquidjs that Segment allows, with JavaScript's arithmetic and texts."""

import base64
import binascii
import html
import math
import random
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote, quote_plus, unquote_plus

from liquid.exceptions import LiquidError

from destination_core.mapping import liquid_dates
from destination_core.mapping.json_text import encode
from destination_core.mapping.liquid_values import NAN, extent, is_nil, items, number, shown

DISABLED: Final = (
    "array_to_sentence_string",
    "concat",
    "find",
    "find_exp",
    "find_index",
    "find_index_exp",
    "group_by",
    "group_by_exp",
    "has",
    "has_exp",
    "map",
    "newline_to_br",
    "reject",
    "reject_exp",
    "reverse",
    "sort",
    "sort_natural",
    "type",
    "uniq",
    "where_exp",
)
"""Filters that Segment disables."""

LONGEST: Final = 1_000_000
"""Characters of a text, or items of a list, that a filter may make."""


class Bounded:
    """A filter whose result is bounded; python-liquid's own limits see the output only."""

    with_context = True

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        self._name = name
        self._function = function

    def __call__(self, value: Any, *arguments: Any, context: Any, **named: Any) -> Any:
        """Apply the filter; raises ``LiquidError`` for what it cannot take."""
        watch = context.globals["\0watch"]
        watch.check()
        if self._name.startswith("date"):
            named["now"] = watch.now
        if any(isinstance(one, range) and len(one) > LONGEST for one in (value, *arguments)):
            raise LiquidError(f"{self._name}: range has more than {LONGEST:,} items", token=None)
        try:
            result = self._function(value, *arguments, **named)
        except TypeError as error:
            raise LiquidError(f"{self._name}: {_arity(error)}", token=None) from None
        if isinstance(result, str | list) and extent(result, LONGEST) > LONGEST:
            raise LiquidError(f"{self._name}: result has more than {LONGEST:,} items", token=None)
        return result


def _arity(error: TypeError) -> str:
    text = str(error)
    return "arguments are missing or too many" if "argument" in text else text


def _div(value: float, other: float) -> float:
    if other == 0:
        return NAN if value == 0 or math.isnan(value) else math.copysign(math.inf, value)
    return value / other


def _round(value: Any, digits: Any = 0) -> float:
    size = math.pow(10.0, number(digits))
    scaled = number(value) * size
    return scaled if not math.isfinite(scaled) else math.floor(scaled + 0.5) / float(size)


def _whole(function: Callable[[float], int]) -> Callable[[Any], float]:
    def convert(value: Any) -> float:
        read = number(value)
        return function(read) if math.isfinite(read) else read

    return convert


def _modulo(value: Any, other: Any) -> float:
    left, right = number(value), number(other)
    return NAN if right == 0 or not math.isfinite(left) else math.fmod(left, right)


def _default(value: Any, other: Any = "", *, allow_false: bool = False) -> Any:
    if value is False and allow_false:
        return value
    empty = is_nil(value) or value is False or (isinstance(value, str | list) and not value)
    return other if empty else value


def _slice(value: Any, start: Any, length: Any = 1) -> Any:
    if is_nil(value):
        return []
    sequence: Any = value if isinstance(value, list) else shown(value)
    first, size = int(number(start)), int(number(length))
    if first < 0:
        first += len(sequence)
    return sequence[max(first, 0) : max(first + size, 0)]


def _truncate(value: Any, length: Any = 50, end: Any = "...") -> str:
    text, tail, size = shown(value), shown(end), int(number(length))
    return text if len(text) <= size else text[: max(size - len(tail), 0)] + tail


def _truncate_words(value: Any, words: Any = 15, end: Any = "...") -> str:
    found = shown(value).split()
    size = max(int(number(words)), 1)
    joined = " ".join(found[:size])
    return joined + shown(end) if len(found) >= size + (len(found) != size) else joined


def _strip(characters: Any, text: str, *, left: bool, right: bool) -> str:
    chosen = None if is_nil(characters) else shown(characters)
    if left:
        text = text.lstrip(chosen)
    return text.rstrip(chosen) if right else text


def _strip_html(value: Any) -> str:
    """Leave out tags, and scripts and styles with what is in them, in one pass.

    A regular expression takes quadratic time on a text of many ``<`` without an end.
    """
    text, kept, end = shown(value), [], 0
    elements = {"<script": "</script>", "<style": "</style>", "<": ">"}
    while (start := text.find("<", end)) >= 0:
        kept.append(text[end:start])
        end = start
        for opening, closing in list(elements.items()):
            if text.startswith(opening, start):
                found = text.find(closing, start + len(opening))
                if found >= 0:
                    end = found + len(closing)
                    break
                del elements[opening]  # nor is there an end for a later one
        if end == start:
            break
    return "".join(kept) + text[end:]


def _join(value: Any, by: Any = " ") -> str:
    parts, separator = [shown(one) for one in items(value)], shown(by)
    if len(parts) * len(separator) > LONGEST:
        raise LiquidError(f"join: result has more than {LONGEST:,} characters", token=None)
    return separator.join(parts)


def _slugify(value: Any, mode: Any = "default", cased: Any = False) -> str:
    text = shown(value)
    if mode == "none":
        return text if cased else text.lower()
    if mode == "latin":
        text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    pattern = {
        "raw": r"\s+",
        "pretty": r"[^\w._~!$&'()+,;=@]+",
        "ascii": r"[^A-Za-z0-9]+",
        "latin": r"[^A-Za-z0-9]+",
    }.get(str(mode), r"[\W_]+")
    slug = re.sub(pattern, "-", text).strip("-")
    return slug if cased else slug.lower()


def _words(value: Any, mode: Any = None) -> int:
    text = shown(value).strip()
    if not text:
        return 0
    if mode in ("cjk", "auto"):
        cjk = re.findall(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]", text)
        rest = re.sub(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]", " ", text).split()
        return len(cjk) + len(rest)
    return len(text.split())


def _where(value: Any, key: Any, wanted: Any = None) -> list[Any]:
    found = []
    for one in items(value):
        member = one.get(shown(key)) if isinstance(one, Mapping) else None
        if (wanted is None and member not in (None, False)) or (
            wanted is not None
            and member == wanted
            and isinstance(member, bool) == isinstance(wanted, bool)
        ):
            found.append(one)
    return found


def _sum(value: Any, key: Any = None) -> float:
    total: float = 0
    for one in items(value):
        member = one.get(shown(key)) if key is not None and isinstance(one, Mapping) else one
        read = number(member)
        total += 0 if math.isnan(read) else read
    return total


def _first(value: Any) -> Any:
    sequence = value if isinstance(value, str | list | tuple) else ()
    return sequence[0] if sequence else None


def _last(value: Any) -> Any:
    sequence = value if isinstance(value, str | list | tuple) else ()
    return sequence[-1] if sequence else None


def _size(value: Any) -> int:
    return len(value) if isinstance(value, str | list | tuple) else 0


def _split(value: Any, separator: Any) -> list[str]:
    text, by = shown(value), shown(separator)
    parts = text.split(by) if by else list(text)
    while parts and parts[-1] == "":
        parts.pop()
    return parts


def _replace(value: Any, old: Any, new: Any = "", *, count: int = -1) -> str:
    text, pattern, replacement = shown(value), shown(old), shown(new)
    if len(text) * max(len(replacement), 1) > LONGEST * 100:
        raise LiquidError("replace: result would be too long", token=None)
    return text.replace(pattern, replacement, count)


def _replace_last(value: Any, old: Any, new: Any = "") -> str:
    text, pattern = shown(value), shown(old)
    head, found, tail = text.rpartition(pattern) if pattern else (text, "", "")
    return head + shown(new) + tail if found else text


def _date(value: Any, pattern: Any = None, zone: Any = None, *, now: Any) -> Any:
    date = liquid_dates.moment(value, now)
    if date is None:
        return value
    if isinstance(zone, int | float):
        date = liquid_dates.zoned(date, zone)
    chosen = shown(pattern) if pattern else liquid_dates.DEFAULT_FORMAT
    return liquid_dates.strftime(date, chosen)


def _fixed_date(pattern: str) -> Callable[..., Any]:
    def convert(value: Any, style: Any = None, order: Any = None, *, now: Any) -> Any:
        date = liquid_dates.moment(value, now)
        if date is None:
            return value
        chosen = pattern
        if style == "ordinal":
            month = "%b" if "%b" in pattern else "%B"
            chosen = f"{month} %-d%q, %Y" if order == "US" else f"%-d%q {month} %Y"
        return liquid_dates.strftime(date, chosen)

    return convert


def _base64_decode(value: Any) -> str:
    try:
        return base64.b64decode(shown(value)).decode("utf-8", "replace")
    except binascii.Error:
        return ""


def _json(value: Any, _space: Any = None) -> str:
    return encode(None if is_nil(value) else value)


def _escape_once(value: Any) -> str:
    return _escape(html.unescape(shown(value)))


def _escape(value: Any) -> str:
    return html.escape(shown(value)).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "abs": lambda v: abs(number(v)),
    "append": lambda v, other: shown(v) + shown(other),
    "at_least": lambda v, other: max(number(v), number(other)),
    "at_most": lambda v, other: min(number(v), number(other)),
    "base64_decode": _base64_decode,
    "base64_encode": lambda v: base64.b64encode(shown(v).encode()).decode(),
    "capitalize": lambda v: shown(v)[:1].upper() + shown(v)[1:].lower(),
    "ceil": _whole(math.ceil),
    "cgi_escape": lambda v: quote_plus(shown(v), safe="-_.!~*'()").replace("~", "%7E"),
    "compact": lambda v: [one for one in items(v) if one is not None],
    "date": _date,
    "date_to_long_string": _fixed_date("%d %B %Y"),
    "date_to_rfc822": _fixed_date(liquid_dates.RFC822),
    "date_to_string": _fixed_date("%d %b %Y"),
    "date_to_xmlschema": _fixed_date(liquid_dates.XML_SCHEMA),
    "default": _default,
    "divided_by": lambda v, other, whole=False: (
        math.floor(_div(number(v), number(other))) if whole else _div(number(v), number(other))
    ),
    "downcase": lambda v: shown(v).lower(),
    "escape": _escape,
    "escape_once": _escape_once,
    "first": _first,
    "floor": _whole(math.floor),
    "inspect": _json,
    "join": _join,
    "json": _json,
    "jsonify": _json,
    "last": _last,
    "lstrip": lambda v, chars=None: _strip(chars, shown(v), left=True, right=False),
    "minus": lambda v, other: number(v) - number(other),
    "modulo": _modulo,
    "normalize_whitespace": lambda v: re.sub(r"\s+", " ", shown(v)),
    "number_of_words": _words,
    "plus": lambda v, other: number(v) + number(other),
    "pop": lambda v: items(v)[:-1],
    "prepend": lambda v, other: shown(other) + shown(v),
    "push": lambda v, other: [*items(v), other],
    "raw": lambda v: v,
    "remove": lambda v, old: _replace(v, old, ""),
    "remove_first": lambda v, old: _replace(v, old, count=1),
    "remove_last": _replace_last,
    "replace": _replace,
    "replace_first": lambda v, old, new="": _replace(v, old, new, count=1),
    "replace_last": _replace_last,
    "round": _round,
    "rstrip": lambda v, chars=None: _strip(chars, shown(v), left=False, right=True),
    "sample": lambda v: random.choice(items(v)) if items(v) else None,  # noqa: S311  a template's
    "shift": lambda v: items(v)[1:],
    "size": _size,
    "slice": _slice,
    "slugify": _slugify,
    "split": _split,
    "strip": lambda v, chars=None: _strip(chars, shown(v), left=True, right=True),
    "strip_html": _strip_html,
    "strip_newlines": lambda v: re.sub(r"\r?\n", "", shown(v)),
    "sum": _sum,
    "times": lambda v, other: number(v) * number(other),
    "to_integer": lambda v: int(number(v)) if math.isfinite(number(v)) else NAN,
    "truncate": _truncate,
    "truncatewords": _truncate_words,
    "unshift": lambda v, other: [other, *items(v)],
    "upcase": lambda v: shown(v).upper(),
    "uri_escape": lambda v: quote(shown(v), safe="-_.!~*'();/?:@&=+$,#[]"),
    "url_decode": lambda v: unquote_plus(shown(v)),
    "url_encode": lambda v: quote_plus(shown(v), safe="-_.!~*'()"),
    "where": _where,
    "xml_escape": _escape,
}
"""The filters by name; the first argument is the value on the left."""
