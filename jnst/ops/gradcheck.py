"""Numerical gradients, and a check of hand-written derivatives against them.

For a function f of arrays and a cotangent c of f's result, the loss is ⟨c, f(x)⟩ and its derivative
by one element, taken by central differences,

    ∂⟨c, f⟩/∂x[i] ≈ ⟨c, f(x + h e_i) − f(x − h e_i)⟩ / 2h,      error  h² f‴/6 + ε |f| / h

which is smallest near h = ε^(1/3) ≈ 6e-6 in float64, about ε^(2/3) ≈ 4e-11 (Nocedal and Wright,
"Numerical Optimization", 2nd edition, section 8.1). If f is linear in x the first term vanishes,
and a large step, such as h = 1, gives nearly all digits.

The reported error is the largest |by hand − numerical| over an array's elements, divided by the
largest magnitude among them; a ratio per element would be mere rounding for elements near 0.

The function may be any of float64 arrays that returns a float64 array or number; JAX functions
qualify inside `with jax.enable_x64(True)`.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float64s = NDArray[np.float64]


class Comparison(NamedTuple):
    """One array's derivative by hand against the numerical one, with the worst element."""

    name: str
    size: int
    checked: int
    error: float
    where: tuple[int, ...]
    by_hand: float
    numerical: float


class Report(NamedTuple):
    """The comparisons of all arrays; prints as a table."""

    comparisons: tuple[Comparison, ...]
    tolerance: float

    @property
    def agrees(self) -> bool:
        """Whether every error is at most the tolerance (an error of NaN is not)."""
        return all(row.error <= self.tolerance for row in self.comparisons)

    @property
    def largest(self) -> float:
        """The largest relative error of all arrays."""
        return float(np.max([row.error for row in self.comparisons]))

    def __str__(self) -> str:
        line = "{:<10} {:>13} {:>13}  {:<16} {:>14} {:>14}".format
        lines = [line("array", "checked", "largest error", "at", "by hand", "numerical")]
        for name, size, checked, error, where, *numbers in self.comparisons:
            digits = (f"{number:.7g}" for number in numbers)
            lines.append(line(name, f"{checked}/{size}", f"{error:.1e}", str(where), *digits))
        verdict = "agrees" if self.agrees else "DOES NOT AGREE"
        return "\n".join([*lines, f"{verdict} to {self.tolerance:.0e}"])


def numerical_gradients(
    function: Callable[..., Any],
    arrays: Sequence[ArrayLike],
    cotangent: ArrayLike | None = None,
    *,
    step: float | None = None,
) -> list[Float64s]:
    """Differentiate ⟨cotangent, function(*arrays)⟩ by every element of every array.

    Args:
        function: takes one float64 array per array and returns a float64 array or number.
        arrays: the point; any floating dtype, converted to float64.
        cotangent: of the shape of the result; None for a function that returns one number.
        step: h; None for ε^(1/3) max(1, |x[i]|).

    Returns:
        The derivative by each array, in its shape.

    Raises:
        TypeError: the function returns another dtype than float64, too coarse for differences.
        ValueError: the cotangent does not have the result's shape.

    >>> numerical_gradients(lambda x: (x**2).sum(), [np.array([1.0, 2.0])])[0].round(6).tolist()
    [2.0, 4.0]
    """
    point, loss = _prepared(function, arrays, cotangent)
    return [
        _differences(loss, point, number, range(array.size), step).reshape(array.shape)
        for number, array in enumerate(point)
    ]


def check_gradients(
    function: Callable[..., Any],
    arrays: Sequence[ArrayLike],
    gradients: Sequence[ArrayLike],
    cotangent: ArrayLike | None = None,
    *,
    names: Sequence[str] = (),
    step: float | None = None,
    tolerance: float = 1e-7,
    samples: int | None = None,
    seed: int = 0,
) -> Report:
    """Compare derivatives by hand with numerical ones.

    Args:
        function, arrays, cotangent, step: as for `numerical_gradients`.
        gradients: for each array the derivative of ⟨cotangent, function⟩ to check.
        names: of the arrays in the report; their numbers if empty.
        tolerance: the largest relative error at which the report agrees.
        samples: how many elements of each array to check, drawn by `seed`; None for all.

    Raises:
        TypeError: as `numerical_gradients`.
        ValueError: as `numerical_gradients`; or a gradient differs in shape from its array, or the
            numbers of arrays, gradients and names differ.

    >>> x = np.array([1.0, 2.0])
    >>> print(check_gradients(lambda x: (x**2).sum(), [x], [2 * x], names=["x"], step=0.5))
    array            checked largest error  at                      by hand      numerical
    x                    2/2       0.0e+00  (0,)                          2              2
    agrees to 1e-07
    """
    names = names or [str(number) for number in range(len(arrays))]
    if not len(arrays) == len(gradients) == len(names):
        raise ValueError(
            f"{len(arrays)} arrays need as many gradients and names, "
            f"got {len(gradients)} and {len(names)}"
        )
    point, loss = _prepared(function, arrays, cotangent)
    random = np.random.default_rng(seed)
    rows = []
    for number, (name, array, gradient) in enumerate(zip(names, point, gradients, strict=True)):
        by_hand = np.asarray(gradient, np.float64)
        if by_hand.shape != array.shape:
            raise ValueError(
                f"the gradient of {name} has shape {by_hand.shape}, the array {array.shape}"
            )
        elements = np.arange(array.size)
        if samples is not None and samples < array.size:
            elements = np.sort(random.choice(array.size, samples, replace=False))
        numerical = _differences(loss, point, number, elements, step)
        rows.append(_compare(name, array, by_hand.ravel()[elements], numerical, elements))
    return Report(tuple(rows), tolerance)


def _compare(
    name: str, array: Float64s, by_hand: Float64s, numerical: Float64s, elements: NDArray[np.intp]
) -> Comparison:
    if not len(elements):
        return Comparison(name, array.size, 0, 0.0, (), 0.0, 0.0)
    errors = np.abs(by_hand - numerical) / (np.max(np.abs([by_hand, numerical])) or 1.0)
    worst = int(np.argmax(errors))
    index = tuple(int(axis) for axis in np.unravel_index(elements[worst], array.shape))
    row = float(errors[worst]), index, float(by_hand[worst]), float(numerical[worst])
    return Comparison(name, array.size, len(elements), *row)


def _prepared(
    function: Callable[..., Any], arrays: Sequence[ArrayLike], cotangent: ArrayLike | None
) -> tuple[list[Float64s], Callable[[list[Float64s]], float]]:
    """The point, and the loss ⟨cotangent, function⟩."""
    point = [np.array(array, np.float64) for array in arrays]
    result = np.asarray(function(*point))
    if result.dtype != np.float64:
        raise TypeError(
            f"the function returns {result.dtype} for float64 arrays, too coarse for differences; "
            "call JAX functions inside `with jax.enable_x64(True)`, and cast nothing in them"
        )
    weights = np.ones(()) if cotangent is None else np.asarray(cotangent, np.float64)
    if weights.shape != result.shape:
        raise ValueError(
            f"the function returns shape {result.shape}, the cotangent has shape {weights.shape}; "
            "pass a cotangent of the result's shape"
        )
    return point, lambda arrays: float(np.sum(weights * np.asarray(function(*arrays))))


def _differences(
    loss: Callable[[list[Float64s]], float],
    point: list[Float64s],
    number: int,
    elements: Iterable[int],
    step: float | None,
) -> Float64s:
    """The central differences in some elements of one array."""
    differences = []
    for element in map(int, elements):
        value = point[number].flat[element]
        h = np.cbrt(np.finfo(np.float64).eps) * max(1.0, abs(value)) if step is None else step
        sides = []
        for moved in (value + h, value - h):
            # A fresh copy per side: JAX on CPUs may share the array's memory and read it later.
            arrays = [array if i != number else array.copy() for i, array in enumerate(point)]
            arrays[number].flat[element] = moved
            sides.append(loss(arrays))
        differences.append((sides[0] - sides[1]) / float((value + h) - (value - h)))
    return np.array(differences, np.float64)
