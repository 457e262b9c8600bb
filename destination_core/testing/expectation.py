"""Failing with a sentence."""


def expect(holds: object, message: str) -> None:
    """Raise ``AssertionError`` unless something holds; unlike ``assert``, also under ``-O``."""
    if not holds:
        raise AssertionError(message)
