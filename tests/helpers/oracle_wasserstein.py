"""The smoothed Wasserstein distance of Gaussians and its gradient, by eigenvalues in float64."""

import numpy as np


def gaussian(values, least=1e-4, weights=None):
    """Mean and covariance + least · I of a map [h, w, C], its positions weighted by [h, w]."""
    flat = np.asarray(values, np.float64).reshape(-1, values.shape[-1])
    shares = np.ones(len(flat)) if weights is None else np.asarray(weights, np.float64).ravel()
    shares = shares / shares.sum()
    mean = shares @ flat
    centred = flat - mean
    return mean, (centred.T * shares) @ centred + least * np.eye(mean.size)


def _root_of(matrix):
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T


def smoothed_wasserstein(f, s, relative=False, weights=None):
    """The value, and the gradient by f, of the distance that `jnst.losses.moments` documents.

    The optimal map T of the Gaussians gives the gradient: 2 ((μ − μₜ) + (I − T) (F − μ)) / M at
    each position, times its weight, of mean 1.
    """
    mean, spread = gaussian(f, 0, weights)
    target_mean, target = gaussian(s, 0 if relative else 1e-4)
    root = _root_of(target)
    epsilon = (3e-3 * np.linalg.norm(target)) ** 2
    values, vectors = np.linalg.eigh(root @ spread @ root)
    smooth = np.sqrt(np.maximum(values, 0) + epsilon)
    at_target = np.sqrt(np.linalg.eigvalsh(target) ** 2 + epsilon)
    value = ((mean - target_mean) ** 2).sum() + np.trace(spread) - np.trace(target)
    value += 2 * at_target.sum() - 2 * smooth.sum()
    transport = root @ (vectors / smooth) @ vectors.T @ root
    moved = (np.asarray(f, np.float64) - mean) @ (np.eye(mean.size) - transport)
    gradient = 2 * (mean - target_mean + moved) / (f.shape[0] * f.shape[1])
    if weights is not None:
        gradient *= np.asarray(weights, np.float64)[..., None]
    unit = np.square(np.asarray(s, np.float64)).mean() * mean.size if relative else mean.size
    return value / unit, gradient / unit
