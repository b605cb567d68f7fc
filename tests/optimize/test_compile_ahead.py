"""What is compiled, how often, and that compiling in the background is never seen."""

import threading
from collections import Counter
from contextlib import contextmanager

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jnst
from jnst.optimize.steps import compiled_meanwhile

LAYERS = {"content_layers": ("relu2_1",), "style_layers": ("relu1_1", "relu2_1")}


@contextmanager
def counted(monkeypatch):
    """Counts the XLA compilations inside the block, by the name of the program."""
    found = Counter()
    compiler = jax._src.compiler
    original = compiler.backend_compile_and_load

    def compile_and_count(backend, module, *rest):
        found[str(module.operation.attributes["sym_name"]).strip('"')] += 1
        return original(backend, module, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(compiler, "backend_compile_and_load", compile_and_count)
        yield found


def picture(height, width, seed=0):
    return np.random.default_rng(seed).random((height, width, 3), np.float32)


def test_the_step_is_compiled_once_and_only_shapes_compile_again(params, monkeypatch):
    sizes = {"size": 44, "scales": (1.0,), "steps": (3,)}
    content, style = picture(44, 36), picture(30, 28, seed=1)
    with counted(monkeypatch) as first:
        jnst.stylize(params, content, style, jnst.Config(**sizes, **LAYERS))
    assert first["jit__step"] == first["jit_activations"] == first["jit__statistics"] == 1
    others = {"content_weight": 7.0, "style_weight": 0.5, "tv_weight": 0.1, "learning_rate": 0.7,
              "style_layer_weights": (1.0, 3.0), "seed": 5}  # fmt: skip
    with counted(monkeypatch) as second:
        config = jnst.Config(**sizes, **LAYERS, **others)
        jnst.stylize(params, picture(44, 36, seed=2), style, config)
    assert not second, "another weight, picture or rate is no other program"
    with counted(monkeypatch) as third:
        jnst.stylize(params, picture(44, 40), style, jnst.Config(**sizes, **LAYERS))
    assert third["jit__step"] == 1


def test_so_it_is_with_chunks_fused_as_on_accelerators(params, monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    config = jnst.Config(size=36, scales=(1.0,), steps=(5,), optimizer="adam", **LAYERS)
    with counted(monkeypatch) as found:
        jnst.stylize(params, picture(36, 36), picture(30, 28), config, chunk=2)
    assert found["jit__fused"] == 1


def test_the_program_is_there_at_the_end_of_the_block():
    begun, go_on = threading.Event(), threading.Event()
    square = jax.jit(lambda x: x**2 + 17)

    class Slow:
        def compile(self):
            begun.set()
            assert go_on.wait(30)
            square.lower(jnp.ones(5)).compile()

    with compiled_meanwhile(Slow):
        assert begun.wait(30), "it runs beside the block"
        go_on.set()
    assert not [t for t in threading.enumerate() if t.name == "compile"]


def test_what_fails_in_the_background_is_left_to_the_call():
    def broken():
        raise ValueError("no such program")

    with compiled_meanwhile(broken):
        pass


def test_an_error_in_the_block_comes_through_after_the_compilation():
    done = []

    class Slow:
        def compile(self):
            done.append(True)

    with pytest.raises(KeyError, match="inside"), compiled_meanwhile(Slow):
        raise KeyError("inside")
    assert done
