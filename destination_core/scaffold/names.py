"""The names of one thing in the places where it has one."""

import keyword
import re
from dataclasses import dataclass
from typing import Self


def is_slug(text: str) -> bool:
    """Tell whether a text can be the slug of a destination."""
    return re.fullmatch(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*", text) is not None


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
        title = " ".join(word.capitalize() for word in words)
        return cls(words[0] + model[len(words[0]) :], module, model, title)
