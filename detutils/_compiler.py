"""What Numba's compiler leaves out for kernels and their parts: only kernels call a part, and each holds a copy of it.

Numba optimizes a part and makes machine code of it before it does so again with the kernel that the part is linked
into. A part's library here stops at what is to be linked: two thirds of LLVM's work on the package was for nothing.
"""

from __future__ import annotations

from typing import Any

from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.core.compiler_machinery import PassManager

# Passes for comprehensions, closures and expressions of whole arrays, which kernels do without: each looks at every
# expression of a function for them.
_LEFT_OUT = {"InlineClosureLikes", "NopythonRewrites"}

# What a part's library is made from; a Numba that has it elsewhere compiles parts as it compiles everything.
_NEEDED = (
    "_optimize_final_module", "_finalize_final_module", "_finalize_dynamic_globals", "_ensure_finalized", "codegen",
)  # fmt: skip


class _NoEnvironments:
    """Where Numba enters the Python globals of a function; a part has no machine code that could look for them."""

    def set_env(self, name: str, environment: Any) -> None:
        pass


class _PartLibrary(JITCodeLibrary):  # type: ignore[misc]
    """The code of a part and of the parts that it calls, neither optimized as a whole nor turned into machine code."""

    codegen = _NoEnvironments()

    def _optimize_final_module(self) -> None:
        """Left to the kernel."""

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        self._ensure_finalized()
        return 0  # as for every function that has no way in from Python


class KernelCompiler(Compiler):  # type: ignore[misc]
    """Numba's compiler without the passes that find nothing in kernels."""

    def define_pipelines(self) -> list[PassManager]:
        pipelines = []
        for complete in super().define_pipelines():
            passes = PassManager(complete.pipeline_name)
            for kind, description in complete.passes:
                if kind.__name__ not in _LEFT_OUT:
                    passes.add_pass(kind, description)
            passes.finalize()
            pipelines.append(passes)
        return pipelines


class PartCompiler(KernelCompiler):
    """``KernelCompiler`` for what is called from kernels only."""

    def __init__(self, typing_context: Any, target_context: Any, library: Any, *rest: Any) -> None:
        if library is None and all(hasattr(JITCodeLibrary, name) for name in _NEEDED):
            library = _PartLibrary(target_context.codegen(), "part")
            library.enable_object_caching()
        super().__init__(typing_context, target_context, library, *rest)
