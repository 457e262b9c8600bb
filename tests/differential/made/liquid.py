"""Templates: every filter and tag, with arguments that fit and that do not."""

from random import Random
from typing import Any, Final

FILTERS: Final = (
    "abs", "append", "at_least", "at_most", "base64_decode", "base64_encode", "capitalize",
    "ceil", "cgi_escape", "compact", "concat", "date", "date_to_long_string", "date_to_rfc822",
    "date_to_string", "date_to_xmlschema", "default", "divided_by", "downcase", "escape",
    "escape_once", "find", "first", "floor", "has", "hmac_sha256", "inspect", "join", "json",
    "jsonify", "last", "lstrip", "map", "md5", "minus", "modulo", "newline_to_br",
    "normalize_whitespace", "number_of_words", "plus", "pop", "prepend", "push", "remove",
    "remove_first", "remove_last", "replace", "replace_first", "replace_last", "reverse",
    "round", "rstrip", "sha1", "shift", "size", "slice", "slugify", "sort", "split", "strip",
    "strip_html", "strip_newlines", "sum", "times", "to_integer", "truncate", "truncatewords",
    "uniq", "unshift", "upcase", "uri_escape", "url_decode", "url_encode", "where", "xml_escape",
    "nonsense",
)  # fmt: skip
"""All but ``sample``, which is random."""

VALUES: Final = (
    "userId", "timestamp", "missing", "missing.deep", "properties", "properties.name",
    "properties.total", "properties.zero", "properties.negative", "properties.free",
    "properties.empty", "properties.nothing", "properties.tags", "properties.numbers",
    "properties.none", "properties.mixed", "properties.products", "properties.products[0]",
    "properties.products[-1].sku", "properties.products.first.sku", "properties.tags.size",
    "properties.tags.last", "properties.tags[1]", "properties.address",
    "properties.address.city", "properties['a.b']", "properties.first-name",
    "properties[userId]", "properties.html", "properties.spaces", "properties.unicode",
    "properties.big", "properties.tiny", "properties.date", "properties.json", "'lit'",
    '"a,b,c"', '"3 cats"', "''", "' '", "5", "-3", "2.5", "0", "1.0", "100", "true", "false",
    "nil", "empty", "blank", "(1..3)", '"2021-10-20"', "'now'", "1634725230", '"Oct 20 2021"',
    "'sku'", "'price'", "'%Y-%m-%d'", "'%s'", "'%B %e'", "'%-I:%M %p'", "'%j'", "'%3N'", "'%:z'",
    "'+02:00'", "'Europe/Paris'", "-120",
)  # fmt: skip
COMPARISONS: Final = ("==", "!=", "<", ">", "<=", ">=", "contains")
MARKS: Final = " .|:,\"'{}%-[]()=<>!andor0x\\"
DATA: Final[dict[str, Any]] = {
    "type": "track",
    "userId": "user-42",
    "timestamp": "2023-05-06T07:08:09.123Z",
    "properties": {
        "name": "Blue Shirt", "total": 49.95, "zero": 0, "negative": -7, "free": False,
        "empty": "", "nothing": None, "tags": ["new", "sale"], "numbers": [3, 1, 2], "none": [],
        "mixed": [1, "a", None, True, {"k": "v"}, [2, 3]],
        "products": [{"sku": "A-1", "price": 10}, {"sku": "B-2", "price": 0}, {"sku": "C-3"}],
        "address": {"city": "Paris", "geo": {"lat": 48.85}}, "a.b": "dotted", "first-name": "Jean",
        "html": "<b>\"Tom\" & 'Jerry'</b>", "spaces": "  padded  ", "unicode": "Zoë 日本",
        "big": 1e21, "tiny": 1e-7, "date": "2021-10-20", "json": '{"a":1}',
    },
}  # fmt: skip


def template(random: Random) -> dict[str, Any]:
    """Return a mapping with one template; a third have a character too many or too few."""
    text = "".join(_piece(random, 0) for _ in range(random.choice((1, 1, 2))))
    if random.random() < 0.33:
        at = random.randrange(len(text) + 1)
        text = text[:at] + random.choice(("", random.choice(MARKS))) + text[at + 1 :]
    mapping = {"a": {"@liquid": text}}
    return {"op": "transform", "now_ms": 1_700_000_000_123, "mapping": mapping, "data": DATA}


def _filtered(random: Random) -> str:
    calls = []
    for _ in range(random.choice((0, 1, 1, 2, 3))):
        arguments = ", ".join(random.choice(VALUES) for _ in range(random.choice((0, 1, 1, 2))))
        calls.append(f" | {random.choice(FILTERS)}" + (f": {arguments}" if arguments else ""))
    return random.choice(VALUES) + "".join(calls)


def _condition(random: Random) -> str:
    parts = []
    for _ in range(random.choice((1, 1, 2, 3))):
        part = random.choice(VALUES)
        if random.random() < 0.75:
            part += f" {random.choice(COMPARISONS)} {random.choice(VALUES)}"
        parts += [("not " if random.random() < 0.1 else "") + part, random.choice(("and", "or"))]
    return " ".join(parts[:-1])


def _piece(random: Random, depth: int) -> str:
    left, right = random.choice(("{{ ", "{{ ", "{{- ")), random.choice((" }}", " }}", " -}}"))
    output = left + _filtered(random) + right
    if depth > 1 or random.random() < 0.5:
        return output
    inner = _piece(random, depth + 1)
    name = random.choice(("z", "userId", "my-var", "i"))
    tag = random.choice(("if", "unless"))
    middle = random.choice(("", "{% else %}e", f"{{% elsif {_condition(random)} %}}{inner}"))
    return random.choice(
        (
            f"{{% {tag} {_condition(random)} %}}{inner}{middle}{{% end{tag} %}}",
            f"{{% assign {name} = {_filtered(random)} %}}[{{{{ {name} }}}}]",
            f"{{% capture {name} %}}{inner}{{% endcapture %}}[{{{{ {name} }}}}]",
            f"{{% increment {name} %}}{{{{ {name} }}}}{{% decrement i %}}",
            f"{{% cycle {random.choice(VALUES)}, 'b' %}}{{% cycle 'g': 1, 2 %}}",
            f"{{% echo {_filtered(random)} %}}",
            f"{{% comment %}}{inner}{{% endcomment %}}",
            f"{{% raw %}}{inner}{{% endraw -%}} x",
            f"{{% liquid\n assign q = {_filtered(random)}\n echo q\n %}}",
            " text {x} \n",
        )
    )
