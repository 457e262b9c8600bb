"""All faults, in the order of their ids: what every module of this package calls ``FAULT``."""

import pkgutil
from importlib import import_module

import tests.faults
from tests.faults.fault import Fault


def _found() -> list[Fault]:
    names = [one.name for one in pkgutil.iter_modules(tests.faults.__path__)]
    modules = [
        import_module(f"tests.faults.{name}")
        for name in names
        if name not in ("__main__", "catalogue") and not name.startswith("test_")
    ]
    return [module.FAULT for module in modules if hasattr(module, "FAULT")]


FAULTS: tuple[Fault, ...] = tuple(sorted(_found(), key=lambda fault: int(fault.id[1:])))
