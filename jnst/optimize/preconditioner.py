"""A preconditioner for images: frequencies scaled by a power law, by two fast Fourier transforms.

Optimised pixel by pixel, broad areas converge slowly: the objective's curvature differs between
frequencies, and pictures have amplitudes of about 1/f. Optimising z with x = T z, where T scales
each frequency f by f^-p, partly corrects that. An initial inverse Hessian T Tᵀ is equivalent.
"""

import jax.numpy as jnp
from jaxtyping import Array


def spectrum(height: int, width: int, exponent: Array | float) -> Array:
    """The factor f^-exponent of each frequency, [H, W // 2 + 1], as `rfft2` orders them.

    Frequencies below one wave per longer side, including 0, are raised to it; the mean factor over
    all frequencies is 1.
    """
    down = jnp.fft.fftfreq(height)[:, None]
    across = jnp.fft.rfftfreq(width)[None]
    frequency = jnp.maximum(jnp.hypot(down, across), 1.0 / max(height, width))
    factors = frequency**-exponent
    # The columns of `rfft2` between the first and the middle one stand for two frequencies each.
    multiplicity = jnp.where((jnp.arange(width // 2 + 1) * 2) % width == 0, 1.0, 2.0)[None]
    return factors / (jnp.sum(factors * multiplicity) / (height * width))


def scale_frequencies(image: Array, exponent: Array | float) -> Array:
    """Multiplies each frequency of a real, periodic image [H, W, …] by f^-exponent.

    The matrix of this map is symmetric and positive definite, so it can be an initial inverse
    Hessian; its square root is the map with half the exponent, up to a factor (Olah, Mordvintsev
    and Schubert, "Feature visualization", Distill, 2017, "Preconditioning and parameterization").
    """
    height, width = image.shape[:2]
    factors = spectrum(height, width, exponent).astype(image.dtype)
    waves = jnp.fft.rfft2(image, axes=(0, 1))
    waves = waves * factors.reshape(*factors.shape, *(1,) * (image.ndim - 2))
    return jnp.fft.irfft2(waves, s=(height, width), axes=(0, 1)).astype(image.dtype)
