"""Strict settings for every test: no silent broadcasting between arrays of different rank."""

import jax

jax.config.update("jax_numpy_rank_promotion", "raise")
