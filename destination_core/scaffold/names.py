"""The names of one thing in the places where it has one."""

import keyword
import re
from dataclasses import dataclass
from typing import Final, Self

LONGEST: Final = 32
"""Characters of a slug: with more the lines of a project would be longer than 100."""


def slug_fault(text: str) -> str:
    """Say why a text cannot be the slug of a destination; "" when it can."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*", text) or len(text) > LONGEST:
        return f"{text!r} is no slug; use lower-case letters, digits and hyphens, {LONGEST} at most"
    if text == "core":
        return "'core' would be the package destination_core, the engine's; choose another name"
    return ""


@dataclass(frozen=True, slots=True)
class ActionNames:
    """An action's slug (deleteIt), module (delete_it), model (DeleteIt) and title (Delete It)."""

    action: str
    module: str
    model: str
    title: str

    @classmethod
    def of(cls, text: str) -> Self | None:
        """Derive the names from words in any spelling; None when Python could not write them."""
        spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text)
        words = [word.lower() for word in re.split(r"[\s_-]+", spaced) if word]
        model = "".join(word.capitalize() for word in words)
        module = "_".join(words)
        if not module.isascii() or not module.isidentifier() or keyword.iskeyword(module):
            return None
        if len(module) > LONGEST:
            return None
        title = " ".join(word.capitalize() for word in words)
        return cls(words[0] + model[len(words[0]) :], module, model, title)
