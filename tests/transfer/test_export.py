"""The steps of every preset lower for GPUs and TPUs too, on a machine that has neither.

Nothing is computed or compiled: shapes suffice. That a program lowers does not say that it is right
or fast there, but what only a CPU can do is found: an operation without a rule elsewhere, and a
call of a library of the CPU's.
"""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.export
import jax.numpy as jnp
import pytest

import jnst
from jnst.network.architecture import CONVOLUTIONS
from jnst.network.preprocessing import CAFFE
from jnst.optimize.hyperparameters import method_of, rates_of
from jnst.optimize.optimizer import start
from jnst.optimize.steps import _fused

PLATFORMS = ("cpu", "cuda", "tpu")
SQUARE = jax.ShapeDtypeStruct((8, 8), jnp.float32)


def exported(function: Callable[..., Any], *args: Any, platforms: tuple[str, ...]) -> str:
    """The program of a jitted function; raises what JAX does if there is none for a platform."""
    program = jax.export.export(function, platforms=platforms)(*args)
    assert program.platforms == platforms
    return program.mlir_module()


def foreign_calls(program: str) -> set[str]:
    """The functions outside XLA that a program calls; JAX lets them pass unseen."""
    return set(re.findall(r"stablehlo\.custom_call @(\w+)", program))


def network() -> jnst.Params:
    layers = {
        name: {
            "kernel": jax.ShapeDtypeStruct((3, 3, wide, deep), jnp.float32),
            "bias": jax.ShapeDtypeStruct((deep,), jnp.float32),
        }
        for name, wide, deep in CONVOLUTIONS["vgg16"]
    }
    return jnst.Params(layers, "vgg16", CAFFE)


@pytest.mark.parametrize("name", jnst.PRESETS)
def test_a_chunk_of_steps_lowers_for_every_platform(name: str) -> None:
    config, params = jnst.PRESETS[name], network()
    image = jax.ShapeDtypeStruct((64, 64, 3), jnp.float32)
    aim = partial(jnst.make_targets, config=config)
    targets = jax.eval_shape(lambda p, x: aim(p, x, [x]), params, image)
    method, rates = method_of(config), jax.tree.map(jnp.float32, rates_of(config))
    state = jax.eval_shape(partial(start, method=method), image, rates=rates)
    args = (params, targets, jnst.loss_weights(config))
    steps = jnp.int32(20)
    program = exported(
        _fused, jnst.objective, method, state, rates, args, steps, 20, platforms=PLATFORMS
    )
    assert "stablehlo.convolution" in program
    assert foreign_calls(program) == set()


@pytest.mark.parametrize("platform", PLATFORMS[1:])
def test_what_only_a_cpu_can_do_is_found(platform: str) -> None:
    """A Schur decomposition has a rule for CPUs alone; a call by name would pass for any."""
    schur = jax.jit(lambda matrix: jax.scipy.linalg.schur(matrix)[0])
    assert foreign_calls(exported(schur, SQUARE, platforms=("cpu",)))
    with pytest.raises(NotImplementedError, match=f"'schur' not found .*{platform}"):
        exported(schur, SQUARE, platforms=("cpu", platform))
    by_name = jax.jit(jax.ffi.ffi_call("lapack_sgetrf_ffi", SQUARE))
    assert foreign_calls(exported(by_name, SQUARE, platforms=(platform,))) == {"lapack_sgetrf_ffi"}
