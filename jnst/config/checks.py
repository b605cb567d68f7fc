"""Checks of the fields of a `Config`; errors name the value and the remedy."""

import math
import sys
from collections.abc import Callable
from dataclasses import Field, fields
from numbers import Real
from typing import Any, NoReturn, get_args

from ..wording import Setting, SettingError, nearest

# Beyond these, float32 overflows, or no picture has so few or so many pixels.
_MOST, _SMALLEST_SCALE, _LARGEST_SCALE = 1e6, 1e-6, 1e4
_LARGEST_WHOLE = 2**31 - 1

_WEIGHTS = ("content_weight", "style_weight", "tv_weight")
_SHARES = ("init_blend", "preserve", "rate_decay", "average_share")
_RULES: tuple[tuple[str, Callable[[Any], bool], tuple[str, ...]], ...] = (
    ("a finite number above 0", lambda v: v > 0, ("strength", "learning_rate")),
    ("a finite number of at least 0", lambda v: v >= 0, (*_WEIGHTS, "noise")),
    (
        f"a finite number above 0 and at most {_MOST:.0f}",
        lambda v: 0 < v <= _MOST,
        ("pixel_range", "input_gain"),
    ),
    ("a finite number of at least 0 and at most 10", lambda v: 0 <= v <= 10, ("precondition",)),
    ("at least 0 and below 1", lambda v: 0 <= v < 1, ("beta1", "beta2", "average")),
    ("a whole number of at least 1", lambda v: v == int(v) >= 1, ("size", "history", "coarsest")),
    ("a whole number of at least 0", lambda v: v == int(v) >= 0, ("seed", "sketch", "bleed")),
    ("at least 0 and at most 4", lambda v: 0 <= v <= 4, ("taper",)),
    ("at least 0 and at most 0.25", lambda v: 0 <= v <= 0.25, ("style_rim",)),
    ("at least 0 and at most 1", lambda v: 0 <= v <= 1, _SHARES),
)
"""The numbers: what each must be, in words and as a test."""


def field_kind(spec: Field[Any]) -> tuple[Any, bool]:
    """The type of a field of `Config`, and whether it is a list of it."""
    return (get_args(spec.type) or (spec.type,))[0], isinstance(spec.default, tuple)


def as_tuple(name: str, value: Any, example: tuple[Any, ...]) -> tuple[Any, ...]:
    """A list or tuple as a tuple; TypeError for anything else."""
    if not isinstance(value, list | tuple):
        raise TypeError(f"{name} is {value!r}: give a tuple, such as {example or (value,)}")
    return tuple(value)


def check_types(config: Any) -> None:
    """Raises TypeError for a flag that is not a bool, or a list entry of the wrong type."""
    for spec in fields(config):
        value = getattr(config, spec.name)
        if spec.type is bool and not isinstance(value, bool):
            raise TypeError(f"{spec.name} is {value!r}: give True or False")
        if isinstance(spec.default, tuple):
            names = get_args(spec.type)[0] is str
            if not all(isinstance(v, str) if names else _is_number(v) for v in value):
                kind = "a name" if names else "a number"
                raise TypeError(f"{spec.name} is {value!r}: each must be {kind}")


def check_numbers(config: Any) -> None:
    """Raises TypeError or ValueError for a field that is not a number, or out of range."""
    for name in ("size", "history", "coarsest", "sketch", "bleed"):
        _check_large(name, getattr(config, name))
    for rule, holds, names in _RULES:
        for name in names:
            value = getattr(config, name)
            if not _is_number(value):
                raise TypeError(f"{name} is {value!r}: it must be {rule}")
            if abs(value) > sys.float_info.max or math.isnan(value) or not holds(value):
                _refuse(name, str(value)[:40], f"it must be {rule}")


def check_lists(config: Any) -> None:
    """Raises ValueError for an empty list, an entry out of range, or an unknown name."""
    _check_style_sizes(config)
    for name in ("style_scale", "style_weights"):
        if not getattr(config, name):
            raise SettingError(Setting(name), " is empty: give at least one number")
    for steps in config.steps:
        if steps < 1 or steps != int(steps):
            _refuse("steps", config.steps, "each must be a whole number above 0")
        _check_large("steps", steps)
    if any(not 0 < s < math.inf for s in config.scales) or config.scales[-1:] not in ((), (1.0,)):
        _refuse("scales", config.scales, "positive numbers, the last of them 1")
    if any(not _SMALLEST_SCALE <= scale <= _LARGEST_SCALE for scale in config.scales):
        rule = f"each must be between {_SMALLEST_SCALE:g} and {_LARGEST_SCALE:g}"
        _refuse("scales", config.scales, rule)
    for name in ("style_weights", "style_layer_weights"):
        if any(not 0 <= weight < math.inf for weight in getattr(config, name)):
            _refuse(name, getattr(config, name), "each must be finite and at least 0")
    if sum(config.style_weights) == 0:
        _refuse("style_weights", config.style_weights, "at least one must be above 0")
    for spec in fields(config):
        choices, value = spec.metadata["choices"], getattr(config, spec.name)
        own_loss = spec.name == "style_loss" and hasattr(value, "distance")
        if choices and value not in choices and not own_loss:
            hint = nearest(str(value), choices, quoted=True)
            raise SettingError("unknown ", Setting(spec.name), f" {value!r}; {hint}")


def check_together(config: Any) -> None:
    """Raises ValueError for choices that contradict each other."""
    if config.normalize_gradients and config.optimizer == "lbfgs" and config.line_search == "zoom":
        raise SettingError(
            Setting("normalize_gradients"),
            " leaves no gradient of the loss, which the zoom search needs: use ",
            Setting("line_search", "none"),
            " or ",
            Setting("optimizer", "adam"),
        )


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _refuse(name: str, value: object, rule: str) -> NoReturn:
    raise SettingError(Setting(name), f" is {value}: {rule}")


def _check_large(name: str, value: Any) -> None:
    if _is_number(value) and value > _LARGEST_WHOLE:
        _refuse(name, str(value)[:40], f"it must be at most {_LARGEST_WHOLE}")


def _check_style_sizes(config: Any) -> None:
    if any(not 0 < scale < math.inf for scale in config.style_scale):
        _refuse("style_scale", config.style_scale, "each must be a finite number above 0")
    if max(config.style_scale, default=0) > _LARGEST_SCALE:
        _refuse("style_scale", config.style_scale, f"each must be at most {_LARGEST_SCALE:g}")
    for side in config.style_size:
        _check_large("style_size", side)
    if any(side != int(side) or side < 1 for side in config.style_size):
        _refuse("style_size", config.style_size, "each must be a whole number of at least 1")
    if config.style_size and config.style_scale != (1.0,):
        sizes = f" {config.style_size}: give one of the two"
        raise SettingError(
            Setting("style_scale"), " has no effect with ", Setting("style_size"), sizes
        )


def broadcast(values: tuple[Any, ...], count: int, name: str, of: str) -> tuple[Any, ...]:
    """The values, or a single value `count` times; ValueError for any other number of values."""
    if len(values) == count:
        return values
    if len(values) == 1:
        return values * count
    text = f" has {len(values)} numbers for {count} {of}: give {count}, or one"
    raise SettingError(Setting(name), text)
