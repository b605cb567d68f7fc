"""Colour matching: the colours of one picture brought to those of another.

A style's colours are matched to the content's before anything is painted. NumPy, float64.

References:
    Gatys, Bethge, Hertzmann and Shechtman, "Preserving color in neural artistic style transfer",
    2016; Gatys et al., "Controlling perceptual factors in neural style transfer", CVPR 2017,
    section 5; Pitié and Kokaram, "The linear Monge-Kantorovitch linear colour mapping for
    example-based colour transfer", CVMP 2007 (the symmetric one).
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays import ArrayLike, Values, check_image

EPSILON = 1e-5
"""Added to the variances of colours in [0, 1]; its root, 0.003, is below an 8-bit step."""


def symmetric_map(style: Values, content: Values) -> Values:
    """The symmetric A with A Σ_style Aᵀ = Σ_content, of covariances [3, 3]."""
    root = _root(style)
    inverse_root = np.linalg.inv(root)
    return np.asarray(inverse_root @ _root(root @ content @ root) @ inverse_root)


def _root(matrix: Values) -> Values:
    """The symmetric square root of a symmetric matrix."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T)


_MAPS: dict[str, Callable[[Values, Values], Any]] = {
    "cholesky": lambda style, content: (
        np.linalg.cholesky(content) @ np.linalg.inv(np.linalg.cholesky(style))
    ),
    "pca": lambda style, content: _root(content) @ np.linalg.inv(_root(style)),
    "symmetric": symmetric_map,
}

METHODS = (*_MAPS, "histogram")
"""The methods of `match_colors`."""


def match_colors(
    style: ArrayLike, content: ArrayLike, method: str = "cholesky", *, epsilon: float = EPSILON
) -> Values:
    """The style with the colours of the content.

    Each colour x of the style becomes A (x - μ_style) + μ_content, with an A such that
    A (Σ_style + ε) Aᵀ = Σ_content + ε: the mean becomes the content's exactly, the covariance up
    to ε. Three such A are in use, which differ by a rotation:

    - "cholesky": L_content L_style⁻¹, of lower triangles; red is only scaled;
    - "pca": Σ_content^½ Σ_style^-½, with symmetric roots;
    - "symmetric": the symmetric A, which moves the colours least of all.

    "histogram" gives each channel by itself the content's distribution of values.

    Args:
        style, content: [h, w, 3] and [H, W, 3], sRGB in [0, 1].
        method: one of `METHODS`.
        epsilon: ε, at least 0, which keeps the noise of a style that is nearly gray, or of one
            colour, from becoming colour; "histogram" does not use it.

    Returns:
        [h, w, 3]; it may leave [0, 1], since clipping would change the mean and the covariance.

    Raises:
        TypeError: for a picture of integers.
        ValueError: for a picture that is not [h, w, 3] or far from [0, 1], an unknown method,
            an epsilon below 0, or an epsilon of 0 if the colours of the style lie in a plane.

    Example:
        >>> gray = np.full((4, 4, 3), 0.5)
        >>> match_colors(gray, gray + [0.1, 0, -0.1], "pca")[0, 0].round(6).tolist()
        [0.6, 0.5, 0.4]
    """
    if method not in METHODS:
        raise ValueError(f"unknown method {method!r}: choose one of {', '.join(METHODS)}")
    if epsilon < 0:
        raise ValueError(f"epsilon is {epsilon}: it must be at least 0")
    source, goal = _colors("style", style), _colors("content", content)
    if method == "histogram":
        pairs = zip(source.T, goal.T, strict=True)
        matched = np.stack([_with_histogram(old, new) for old, new in pairs], axis=-1)
        return matched.reshape(np.shape(style))
    (mean, cov), (goal_mean, goal_cov) = moments(source), moments(goal)
    cov, goal_cov = (matrix + epsilon * np.eye(3) for matrix in (cov, goal_cov))
    try:
        matrix = _MAPS[method](cov, goal_cov)
    except np.linalg.LinAlgError:
        raise ValueError(
            f"epsilon is {epsilon}, and the colours of a picture lie in a plane: give a larger one"
        ) from None
    moved: Values = (source - mean) @ matrix.T + goal_mean
    return moved.reshape(np.shape(style))


def moments(colors: ArrayLike) -> tuple[Values, Values]:
    """Mean [3] and covariance [3, 3], divided by the number of colours, of colours [..., 3]."""
    rows = np.asarray(colors, np.float64).reshape(-1, 3)
    mean = rows.mean(0)
    centred = rows - mean
    return mean, np.asarray(centred.T @ centred / len(rows))


def _with_histogram(values: Values, goal: Values) -> Values:
    """Replaces each value by the value of the same rank in `goal`, interpolated."""
    _, indices, counts = np.unique(values, return_inverse=True, return_counts=True)
    goal_values, goal_counts = np.unique(goal, return_counts=True)
    ranks, goal_ranks = (np.cumsum(c) / c.sum() for c in (counts, goal_counts))
    return np.asarray(np.interp(ranks, goal_ranks, goal_values)[indices])


def _colors(name: str, pixels: ArrayLike) -> Values:
    check_image(name, pixels)
    return np.asarray(pixels, np.float64).reshape(-1, 3)
