"""Failing with a sentence."""


def expect(holds: object, message: str) -> None:
    """Raise ``AssertionError`` unless something holds; unlike ``assert``, also under ``-O``."""
    __tracebackhide__ = True  # pytest then shows the check that failed
    if not holds:
        raise AssertionError(message)
