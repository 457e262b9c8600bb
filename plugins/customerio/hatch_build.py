"""Compile the modules that every event passes, where a build asks for it.

``HATCH_BUILD_HOOKS_ENABLE=1 pip install .`` makes a wheel for this platform, with extension modules
beside the sources that they were made from; without the variable nothing of this is loaded. The
modules are those of the configuration (``pyproject.toml``, ``modules``), compiled as they are:
their annotations stay annotations. Needs a C compiler and Python's headers.
"""

import tempfile
from pathlib import Path
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FLAGS: Final = ["-O3", "-DNDEBUG", "-fwrapv", "-g0"]
"""Python's own, said again: a CFLAGS in the environment takes their place."""

OTHERWISE: Final = "or build without HATCH_BUILD_HOOKS_ENABLE: the sources do the same, more slowly"


class CompilingHook(BuildHookInterface[Any]):
    """Add extension modules to a wheel; an editable one stays as it is."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile the modules in a folder of their own: none may lie in the source tree.

        Ends the build with one sentence where that cannot be.
        """
        if version == "editable":
            return
        self._folder = tempfile.TemporaryDirectory()
        modules = [Path(one) for one in self.config["modules"]]
        try:
            made = self._compiled(modules)
        except ImportError as error:
            raise SystemExit(f"{error}: install cython and setuptools, {OTHERWISE}") from None
        for module, extension in zip(modules, made, strict=True):
            build_data["force_include"][str(extension)] = str(module.with_name(extension.name))
        build_data["pure_python"] = False
        build_data["infer_tag"] = True

    def _compiled(self, modules: list[Path]) -> list[Path]:
        """Return the extension modules of modules, in their order."""
        from Cython.Build import cythonize  # noqa: PLC0415  installed where the hook is enabled
        from setuptools import Distribution, Extension  # noqa: PLC0415
        from setuptools.errors import BaseError, CCompilerError  # noqa: PLC0415

        extensions = cythonize(
            [
                Extension(
                    ".".join(one.with_suffix("").parts),
                    [str(Path(self.root, one))],
                    extra_compile_args=FLAGS,
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
        try:
            command.run()
        except (BaseError, CCompilerError) as error:
            told = f"compiling fails ({error}): a C compiler and Python's headers are needed"
            raise SystemExit(f"{told}; install them, {OTHERWISE}") from None
        return [Path(command.get_ext_fullpath(one.name)) for one in command.extensions]

    def finalize(self, version: str, *_: Any) -> None:
        """Remove what was compiled: it is in the wheel."""
        if version != "editable":
            self._folder.cleanup()
