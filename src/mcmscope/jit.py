"""A typed face for numba's ``njit``: kernels keep their Python signatures for the type checker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

import numba  # pyright: ignore[reportMissingTypeStubs]

_P = ParamSpec("_P")
_R = TypeVar("_R")
_njit = cast("Any", numba.njit)  # pyright: ignore[reportUnknownMemberType]
_unliteral = cast("Callable[[Any], Any]", numba.types.unliteral)  # pyright: ignore[reportUnknownMemberType]


def _unspecialised(dispatcher: Any) -> Any:
    """Have a kernel compiled once for all integers: numba compiles anew for each constant it is called with.

    LLVM still folds constants where it inlines.
    """
    template = dispatcher.get_call_template

    def get_call_template(args: tuple[Any, ...], kws: dict[str, Any]) -> Any:
        plain = {name: _unliteral(kind) for name, kind in kws.items()}
        return template(tuple(_unliteral(kind) for kind in args), plain)

    dispatcher.get_call_template = get_call_template
    return dispatcher


def kernel(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Compile a pure array function, cached on disk; integer division does not check for zero."""
    return cast("Callable[_P, _R]", _unspecialised(_njit(cache=True, error_model="numpy")(function)))


def inner(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """As ``kernel``, for functions that only kernels call: no Python entry, which halves the compile time."""
    options = {"error_model": "numpy", "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    return cast("Callable[_P, _R]", _unspecialised(_njit(**options)(function)))


def inlined(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """As ``inner``, but copied into its callers, which spares counting references to arrays."""
    return cast("Callable[_P, _R]", _njit(error_model="numpy", inline="always")(function))


def threaded(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """As ``kernel``, for long work on several threads: it lets go of the interpreter's lock."""
    return cast("Callable[_P, _R]", _njit(cache=True, error_model="numpy", nogil=True)(function))
