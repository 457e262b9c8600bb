"""Hostile JSON: what an event among good ones may be, and what a whole call may be."""

import gzip
import json

USER = '"userId": "u"'


def _track(*members: str) -> str:
    return "{" + ", ".join(['"type": "track"', '"event": "Hostile"', USER, *members]) + "}"


def _text(value: str) -> str:
    return _track(f'"properties": {{"text": {json.dumps(value)}}}')


def _number(digits: str) -> str:
    return _track(f'"properties": {{"number": {digits}}}')


def _deep(levels: int, opening: str = '{"a":', closing: str = "}") -> str:
    return _track(f'"properties": {{"deep": {opening * levels}1{closing * levels}}}')


ITEMS: dict[str, str] = {
    "null": "null",
    "a boolean": "true",
    "a number": "1",
    "a text": '"track"',
    "a list": "[]",
    "an empty object": "{}",
    "type null": f'{{"type": null, {USER}}}',
    "type a number": f'{{"type": 7, {USER}}}',
    "type a list": f'{{"type": ["track"], {USER}}}',
    "type unknown": f'{{"type": "__proto__", {USER}}}',
    "nobody's": '{"type": "track", "event": "Hostile"}',
    "user empty": '{"type": "track", "event": "Hostile", "userId": ""}',
    "user an object": '{"type": "track", "event": "Hostile", "userId": {"a": 1}}',
    "user a list": '{"type": "track", "event": "Hostile", "userId": [[]]}',
    "user a huge number": '{"type": "track", "event": "Hostile", "userId": 1e308}',
    "user of 10 kB": f'{{"type": "track", "event": "Hostile", "userId": "{"u" * 10_000}"}}',
    "event null": f'{{"type": "track", "event": null, {USER}}}',
    "event an object": f'{{"type": "track", "event": {{"$gt": ""}}, {USER}}}',
    "messageId a number": _track('"messageId": 1e99'),
    "messageId an object": _track('"messageId": {}'),
    "messageId of 5 kB": _track(f'"messageId": "{"m" * 5_000}"'),
    "messageId with NUL": _track('"messageId": "a\\u0000b"'),
    "properties a list": _track('"properties": [1, 2]'),
    "properties a text": _track('"properties": "x"'),
    "context a text": _track('"context": "x"'),
    "traits a number": f'{{"type": "identify", {USER}, "traits": 1}}',
    "integrations nonsense": _track('"integrations": "All"'),
    "integrations odd": _track('"integrations": {"All": {"x": []}, "": null}'),
    "timestamp nonsense": _track('"timestamp": "yesterday"'),
    "timestamp an object": _track('"timestamp": {"$date": 0}'),
    "timestamp year 0": _track('"timestamp": "0000-01-01T00:00:00Z"'),
    "timestamp year 9999": _track('"timestamp": "9999-12-31T23:59:59.999999-23:59"'),
    "timestamp no day": _track('"timestamp": "2026-02-30T00:00:00Z"'),
    "99 levels": _deep(96),
    "250 levels": _deep(250),
    "900 levels of lists": _deep(900, "[", "]"),
    "10,000 properties": _track(
        '"properties": {' + ", ".join(f'"p{n}": {n}' for n in range(10_000)) + "}"
    ),
    "too large": _text("x" * 40_000),
    "as large as it may be": _text("x" * 32_000),
    "duplicate keys": _track('"properties": {"a": 1, "a": {"b": 2}}', '"userId": "v"'),
    "odd keys": _track('"properties": {"": 1, "__proto__": {"x": 1}, "a\\u0000": 2, "$ne": 3}'),
    "NUL in a text": _text("a\0b"),
    "not a character": _text("\uffff\ufffe"),
    "right to left": _text("\u202eevil\u2066"),
    "half a pair": _track('"properties": {"text": "\\ud800"}'),
    "the other half": _track('"properties": {"text": "\\udfff tail", "\\udc00": 1}'),
    "2^53 + 1": _number("9007199254740993"),
    "2^63": _number("9223372036854775808"),
    "2^64": _number("18446744073709551616"),
    "-2^64": _number("-18446744073709551616"),
    "300 digits": _number("9" * 300),
    "1e308": _number("1e308"),
    "1e400": _number("1e400"),
    "1e-400": _number("1e-400"),
    "-0.0": _number("-0.0"),
    "NaN": _number("NaN"),
    "-Infinity": _number("-Infinity"),
    "SQL": _text("'); DROP TABLE jobs; --"),
    "Liquid": _text("{{ 7 | times: 7 }}{% include '/etc/passwd' %}"),
    "a template": _track(
        '"properties": {"text": {"@path": "$.userId", "@template": "{{userId}}"}}'
    ),
}
"""Among good ones: the call is answered 200, the good ones are taken, and this one is or is not."""

WHOLE: dict[str, tuple[bytes, dict[str, str]]] = {
    "nothing": (b"", {}),
    "null": (b"null", {}),
    "a list": (b"[]", {}),
    "a text": (b'"x"', {}),
    "half": (b'{"batch": [', {}),
    "two": (b"{}{}", {}),
    "no batch": (b"{}", {}),
    "batch an object": (b'{"batch": {}}', {}),
    "batch null": (b'{"batch": null}', {}),
    "100,000 lists": (b'{"batch": ' + b"[" * 100_000, {}),
    "100,000 objects": (b'{"a":' * 100_000, {}),
    "5,000 digits": (b'{"batch": [], "x": ' + b"9" * 5_000 + b"}", {}),
    "UTF-16": ('{"batch": []}'.encode("utf-16"), {}),
    "not UTF-8": (b'{"batch": ["\xff\xfe"]}', {}),
    "surrogates in UTF-8": (b'{"batch": ["\xed\xa0\x80"]}', {}),
    "overlong": (b'{"batch": ["\xc0\x80"]}', {}),
    "over 4 MiB": (b'{"batch": ["' + b"x" * 5_000_000 + b'"]}', {}),
    "no gzip": (b"{}", {"Content-Encoding": "gzip"}),
    "half a gzip": (gzip.compress(b'{"batch": []}')[:-6], {"Content-Encoding": "gzip"}),
    "a bomb": (gzip.compress(b" " * 50_000_000), {"Content-Encoding": "gzip"}),
    "unknown encoding": (b"{}", {"Content-Encoding": "br, gzip"}),
}
"""Refused as a whole, with a 4xx."""

POST = b"POST /v1/t HTTP/1.1\r\nHost: x\r\n"

RAW: dict[str, bytes] = {
    "length negative": POST + b"Content-Length: -1\r\n\r\n",
    "length nonsense": POST + b"Content-Length: ten\r\n\r\n",
    "two lengths": POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "smuggling": POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks nonsense": POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "long line": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "long header": b"GET / HTTP/1.1\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
    "key not Base64": POST + b"Authorization: Basic \xff\xfe\r\nContent-Length: 2\r\n\r\n{}",
    "NUL in the path": b"POST /v1/\x00 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
    "up the path": b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
}
"""Over the wire as they are: refused with a 4xx, or cut off."""
