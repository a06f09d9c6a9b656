"""What Numba's compiler leaves out for kernels and their parts: only kernels call a part, and each holds a copy of it.

Numba optimizes a part and makes machine code of it before it does so again with the kernel that the part is linked
into. A part's library here stops at what is to be linked: two thirds of LLVM's work on the package was for nothing.
"""

from __future__ import annotations

from typing import Any

from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.core.compiler_machinery import PassManager, register_pass
from numba.core.targetconfig import ConfigStack
from numba.core.typed_passes import NativeLowering, NopythonTypeInference

# Passes for what kernels do without (comprehensions, closures, expressions of whole arrays, `with`, functions inlined
# by Numba, texts of errors made at run time, literals asked for by name): each looks at every statement for it.
_LEFT_OUT = {
    "InlineClosureLikes", "NopythonRewrites", "WithLifting", "RewriteDynamicRaises", "MakeFunctionToJitFunction",
    "InlineInlinables", "FindLiterallyCalls", "LiteralUnroll", "LiteralPropagationSubPipelinePass",
    "DumpParforDiagnostics",
}  # fmt: skip

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


_COMMON = {"no_cpython_wrapper": True, "no_cfunc_wrapper": False, "release_gil": False, "forceinline": False}


class _CommonOptions:
    """A pass of Numba's, under the options of the functions that Numba itself is made of.

    Numba compiles its ``np.empty`` of a type once for every set of options that it is called under, whether they make
    a difference to it or not: for kernels, for parts, and for ``np.zeros``, which is made of it. A part would also take
    over that the one that happens to call it first is embedded.
    """

    def run_pass(self, state: Any) -> bool:
        flags = state.flags.copy()
        for option, value in _COMMON.items():
            if hasattr(flags, option):  # of this Numba
                setattr(flags, option, value)
        with ConfigStack().enter(flags):
            return bool(super().run_pass(state))  # type: ignore[misc]


@register_pass(mutates_CFG=True, analysis_only=False)
class _TypeInference(_CommonOptions, NopythonTypeInference):  # type: ignore[misc]
    _name = "detutils_type_inference"

    def run_pass(self, state: Any) -> bool:
        changed = super().run_pass(state)
        if not state.flags.nrt and state.targetctx.data_model_manager[state.return_type].contains_nrt_meminfo():
            raise TypeError(f"{state.func_id.func_name} counts no references to arrays and must hand none back")
        return changed


@register_pass(mutates_CFG=True, analysis_only=False)
class _Lowering(_CommonOptions, NativeLowering):  # type: ignore[misc]
    _name = "detutils_lowering"


_REPLACED = {NopythonTypeInference: _TypeInference, NativeLowering: _Lowering}


class KernelCompiler(Compiler):  # type: ignore[misc]
    """Numba's compiler without the passes that find nothing in kernels."""

    def define_pipelines(self) -> list[PassManager]:
        pipelines = []
        for complete in super().define_pipelines():
            passes = PassManager(complete.pipeline_name)
            for kind, description in complete.passes:
                if kind.__name__ not in _LEFT_OUT:
                    passes.add_pass(_REPLACED.get(kind, kind), description)
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
