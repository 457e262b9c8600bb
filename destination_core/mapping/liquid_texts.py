"""Liquid's filters on texts, as liquidjs has them."""

import base64
import hashlib
import hmac
import html
import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote, quote_plus, unquote_to_bytes

from liquid.exceptions import LiquidError

from destination_core.mapping.liquid_context import LONGEST
from destination_core.mapping.liquid_values import converted, is_set, shown, units
from destination_core.mapping.values import MISSING
from destination_core.numbers import BLANK

_BLANKS: Final = re.compile(f"[{BLANK}]+")
_CJK: Final = "\u4e00-\u9fff\uf900-\ufaff\u3400-\u4dbf\u3040-\u309f\u30a0-\u30ff\uac00-\ud7af"
_CJK_CHARACTER: Final = re.compile(f"[{_CJK}]")
_OTHER_WORD: Final = re.compile(f"[^{_CJK}{BLANK}]+")
_NOT_ASCII: Final = re.compile("[^A-Za-z0-9]+")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]*")
_NO_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ENTITY: Final = re.compile(r"&(?:amp|lt|gt|#34|#39);")
_PRETTY: Final = frozenset("._~!$&'()+,;=@")
_LATIN: Final = str.maketrans(
    {
        **dict.fromkeys("àáâãäå", "a"), "æ": "ae", "ç": "c", **dict.fromkeys("èéêë", "e"),
        **dict.fromkeys("ìíîï", "i"), "ð": "d", "ñ": "n", **dict.fromkeys("òóôõöø", "o"),
        **dict.fromkeys("ùúûü", "u"), **dict.fromkeys("ýÿ", "y"), "ß": "ss", "œ": "oe",
        "þ": "th", "ẞ": "SS", "Œ": "OE", "Þ": "TH",
    }
)  # fmt: skip


def _fail(text: str) -> LiquidError:
    return LiquidError(text, token=None)


def _slugify(value: Any, mode: Any = MISSING, cased: Any = MISSING) -> str:
    text, kind = shown(value), "default" if mode is MISSING else shown(mode)
    if kind in ("raw", "ascii"):
        text = (_BLANKS if kind == "raw" else _NOT_ASCII).sub("-", text)
    elif kind in ("default", "pretty", "latin"):
        text = text.translate(_LATIN) if kind == "latin" else text
        kept = _PRETTY if kind == "pretty" else frozenset[str]()
        others = {ord(c): "\0" for c in set(text) if not (c in kept or _is_letter(c))}
        text = re.sub("\0+", "-", text.translate(others))
    if kind in ("raw", "default", "pretty", "ascii", "latin"):
        text = text.removeprefix("-").removesuffix("-")
    return text if is_set(cased) else text.lower()


def _is_letter(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] in "ML" or category == "Nd"


def _steps(count: float) -> int:
    """Return how often one can count down from a number until it is not above 0."""
    return 0 if math.isnan(count) else math.ceil(min(max(count, 0), LONGEST))


def _truncate(value: Any, length: Any = MISSING, end: Any = MISSING) -> Any:
    text, tail = shown(value), "..." if end is MISSING else shown(end)
    size = 50.0 if length is MISSING else converted(length)
    if units(text) <= size or _steps(size) >= len(text):
        return value
    left = _steps(size - len(tail))
    return text[:left] + tail


def _truncate_words(value: Any, words: Any = MISSING, end: Any = MISSING) -> str:
    found = _BLANKS.split(_stripped(shown(value), right=False))
    size = 15.0 if words is MISSING else converted(words)
    size = 1 if size <= 0 else size
    kept = " ".join(found[: 0 if math.isnan(size) else int(min(size, len(found)))])
    return kept + ("..." if end is MISSING else shown(end)) if len(found) >= size else kept


def _strip(value: Any, characters: Any = MISSING, *, left: bool = True, right: bool = True) -> str:
    chosen = shown(characters) if is_set(characters) else BLANK
    return _stripped(shown(value), chosen, left=left, right=right)


def _stripped(text: str, characters: str = BLANK, *, left: bool = True, right: bool = True) -> str:
    """Strip a text in one pass; ``str.strip`` searches all the characters again at each place."""
    chosen, start, end = frozenset(characters), 0, len(text)
    while left and start < end and text[start] in chosen:
        start += 1
    while right and start < end and text[end - 1] in chosen:
        end -= 1
    return text[start:end]


def _strip_html(value: Any) -> str:
    """Leave out tags, and comments, scripts and styles with what is in them, in one pass.

    A regular expression takes quadratic time on a text of many ``<`` without an end.
    """
    text, kept, end = shown(value), [], 0
    elements = {"<script": "</script>", "<style": "</style>", "<!--": "-->", "<": ">"}
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


def _words(value: Any, mode: Any = MISSING) -> int:
    text = _stripped(shown(value))
    if not text:
        return 0
    cjk = len(_CJK_CHARACTER.findall(text))
    if mode == "cjk" or (mode == "auto" and cjk):
        return cjk + len(_OTHER_WORD.findall(text))
    return len(_BLANKS.split(text))


def _split(value: Any, separator: Any = MISSING) -> list[str]:
    text, by = shown(value), shown(separator)
    parts = text.split(by) if by else list(text)
    while parts and parts[-1] == "":
        parts.pop()
    return parts


def _replace(value: Any, old: Any = MISSING, new: Any = MISSING, *, first: bool = False) -> str:
    text, pattern, replacement = shown(value), shown(old), shown(new)
    if len(text) * max(len(replacement), 1) > LONGEST * 100:
        raise _fail("replace: result would be too long")
    if not pattern and not first:
        return replacement.join(text)
    return text.replace(pattern, replacement, 1 if first else -1)


def _replace_last(value: Any, old: Any = MISSING, new: Any = MISSING) -> str:
    text, pattern = shown(value), shown(old)
    # from the other end, as ``str.rfind`` takes quadratic time where ``str.find`` does not
    after = text[::-1].find(pattern[::-1])
    end = len(text) - after
    return text if after < 0 else text[: end - len(pattern)] + shown(new) + text[end:]


def _base64_decode(value: Any) -> str:
    text = re.sub(r"[\t\n\f\r ]", "", shown(value))
    if len(text) % 4 == 0:
        text = re.sub("==?$", "", text)
    if len(text) % 4 == 1 or not _BASE64.fullmatch(text):
        raise _fail("base64_decode: text is no base64")
    return base64.b64decode(text + "=" * (-len(text) % 4)).decode("utf-8", "replace")


def _url_decode(value: Any) -> str:
    text = shown(value).replace("+", " ")
    if _NO_ESCAPE.search(text):
        raise _fail("url_decode: text has a % without two hexadecimal digits")
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        raise _fail("url_decode: text is not UTF-8") from None


def _escape(value: Any) -> str:
    return html.escape(shown(value)).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")


def _escape_once(value: Any) -> str:
    return _escape(_ENTITY.sub(lambda found: html.unescape(found[0]), shown(value)))


def _sha256(value: Any) -> str:
    return hashlib.sha256(shown(value).encode()).hexdigest()


def _hmac_sha256(value: Any, key: Any = MISSING) -> str:
    return hmac.new(shown(key).encode(), shown(value).encode(), "sha256").hexdigest()


def _blanks(value: Any) -> str:
    return _BLANKS.sub(" ", shown(value))


TEXT_FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "append": lambda v, *other: shown(v) + shown(_only("append", other)),
    "base64_decode": _base64_decode,
    "base64_encode": lambda v: base64.b64encode(shown(v).encode()).decode(),
    "capitalize": lambda v: shown(v)[:1].upper() + shown(v)[1:].lower(),
    "cgi_escape": lambda v: quote_plus(shown(v), safe="-_.~"),
    "downcase": lambda v: shown(v).lower(),
    "escape": _escape,
    "escape_once": _escape_once,
    "hmac_sha256": _hmac_sha256,
    "lstrip": lambda v, chars=MISSING: _strip(v, chars, right=False),
    "normalize_whitespace": _blanks,
    "number_of_words": _words,
    "prepend": lambda v, *other: shown(_only("prepend", other)) + shown(v),
    "remove": lambda v, old=MISSING: _replace(v, old),
    "remove_first": lambda v, old=MISSING: _replace(v, old, first=True),
    "remove_last": lambda v, old=MISSING: _replace_last(v, old),
    "replace": _replace,
    "replace_first": lambda v, old=MISSING, new=MISSING: _replace(v, old, new, first=True),
    "replace_last": _replace_last,
    "rstrip": lambda v, chars=MISSING: _strip(v, chars, left=False),
    "sha256": _sha256,
    "slugify": _slugify,
    "split": _split,
    "squish": lambda v: _blanks(v).strip(" "),
    "strip": lambda v, chars=MISSING: _strip(v, chars),
    "strip_html": _strip_html,
    "strip_newlines": lambda v: re.sub(r"\r?\n", "", shown(v)),
    "truncate": _truncate,
    "truncatewords": _truncate_words,
    "upcase": lambda v: shown(v).upper(),
    "uri_escape": lambda v: quote(shown(v), safe="-_.!~*'();/?:@&=+$,#[]"),
    "url_decode": _url_decode,
    "url_encode": lambda v: quote_plus(shown(v), safe="-_.!~*'()"),
    "xml_escape": _escape,
}
"""The filters by name; the first argument is the value on the left."""


def _only(name: str, given: tuple[Any, ...]) -> Any:
    if len(given) != 1:
        raise _fail(f"{name}: exactly one argument is needed, got {len(given)}")
    return given[0]
