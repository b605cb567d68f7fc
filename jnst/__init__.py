"""Neural style transfer in JAX, on convolutions written from scratch."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .public import *  # noqa: F403
else:
    # JAX takes a second to import, which `jnst --help` need not wait for.
    def __getattr__(name: str) -> Any:
        from importlib import import_module

        public = vars(import_module(f"{__name__}.public"))
        names = sorted(name for name in public if not name.startswith("_"))
        globals().update({name: public[name] for name in names}, __all__=names)
        if name in globals():
            return globals()[name]
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return [*globals(), *__getattr__("__all__")]
