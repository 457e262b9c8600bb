"""Compile the modules that every event passes, where a build asks for it.

``HATCH_BUILD_HOOKS_ENABLE=1 pip install .`` makes a wheel for this platform, with extension modules
beside the sources that they were made from; without the variable nothing of this is loaded. The
modules are those of the configuration (``pyproject.toml``, ``modules``), compiled as they are:
their annotations stay annotations. Needs a C compiler and Python's headers.
"""

import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompilingHook(BuildHookInterface[Any]):
    """Add extension modules to a wheel; an editable one stays as it is."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile the modules in a folder of their own: none may lie in the source tree."""
        if version == "editable":
            return
        from Cython.Build import cythonize  # noqa: PLC0415  installed where the hook is enabled
        from setuptools import Distribution, Extension  # noqa: PLC0415

        self._folder = tempfile.TemporaryDirectory()
        modules = [Path(one) for one in self.config["modules"]]
        extensions = cythonize(
            [
                Extension(
                    ".".join(one.with_suffix("").parts),
                    [str(Path(self.root, one))],
                    extra_compile_args=["-g0"],
                )
                for one in modules
            ],
            build_dir=self._folder.name,
            language_level="3str",
            compiler_directives={"annotation_typing": False},
        )
        command = Distribution({"ext_modules": extensions}).get_command_obj("build_ext")
        command.build_lib = command.build_temp = self._folder.name
        command.parallel = True
        command.ensure_finalized()
        command.run()
        for extension, module in zip(command.extensions, modules, strict=True):
            made = Path(command.get_ext_fullpath(extension.name))
            build_data["force_include"][str(made)] = str(module.with_name(made.name))
        build_data["pure_python"] = False
        build_data["infer_tag"] = True

    def finalize(self, version: str, *_: Any) -> None:
        """Remove what was compiled: it is in the wheel."""
        if version != "editable":
            self._folder.cleanup()
