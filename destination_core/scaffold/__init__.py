"""New projects of plugins, from a template that comes with the core; needs ``copier`` and git."""

from destination_core.scaffold.names import ActionNames as ActionNames
from destination_core.scaffold.names import slug_fault as slug_fault
from destination_core.scaffold.project import ScaffoldError as ScaffoldError
from destination_core.scaffold.project import add_action as add_action
from destination_core.scaffold.project import create as create
from destination_core.scaffold.project import update as update

__all__ = ["ActionNames", "ScaffoldError", "add_action", "create", "slug_fault", "update"]
