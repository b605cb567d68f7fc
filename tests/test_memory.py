"""What a run is expected to need, what is chosen to fit, and how sizes are written."""

import jax
import jax.numpy as jnp
import pytest

import jnst
from jnst.memory import choose, estimate_memory, free_memory, size_words
from jnst.method import Method, Rates
from jnst.optimize import lower_chunk

GB = 10**9
TILES = (768, 512, 384, 256, 192, 128)
ADAM = jnst.Config(optimizer="adam")


def test_what_a_run_keeps_is_counted():
    # By hand: 5 arrays of Adam, 4 pictures, 8 under work for the variation; 12 bytes a pixel.
    plain = jnst.Config(optimizer="adam", style_layers=(), content_layers=())
    growth = estimate_memory(plain, 2000, 1000) - estimate_memory(plain, 1000, 1000)
    assert growth == 1000 * 1000 * 12 * (5 + 4 + 8)
    # A pair of L-BFGS is two more pictures.
    one, two = (jnst.Config(history=n) for n in (10, 11))
    more = estimate_memory(two, 512, 512) - estimate_memory(one, 512, 512)
    assert more == 2 * 512 * 512 * 12
    # Of the content, relu4_2 is kept: 512 channels at an eighth of each side.
    less = jnst.Config(content_layers=())
    kept = estimate_memory(jnst.Config(), 512, 512) - estimate_memory(less, 512, 512)
    assert kept == pytest.approx(64 * 64 * 512 * 4)


def test_windows_need_less_and_smaller_ones_less_still():
    sizes = [estimate_memory(ADAM, 2048, 2048, tile=tile) for tile in (None, 768, 512, 256, 128)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > 3 * sizes[-1]
    # What fits into one window is computed at once.
    assert estimate_memory(ADAM, 500, 512, tile=512) == estimate_memory(ADAM, 500, 512)
    assert estimate_memory(ADAM, 64, 64) > estimate_memory(ADAM, 64, 64, network="vgg16")


def test_4096_squared_is_promised_in_4_gb():
    assert estimate_memory(ADAM, 4096, 4096, tile=512) < 5 * GB


def test_the_largest_tile_that_fits_is_chosen():
    assert choose(ADAM, 700, 500, memory=20 * GB) == (
        None,
        20,
        estimate_memory(ADAM, 700, 500),
    )
    plenty = choose(ADAM, 3000, 2000, memory=20 * GB)
    assert plenty.tile == 768
    scarce = choose(ADAM, 3000, 2000, memory=plenty.memory - 1)
    assert scarce.tile == 512
    assert scarce.memory == estimate_memory(ADAM, 3000, 2000, tile=512) < plenty.memory


def test_lbfgs_remembers_less_where_it_must():
    config = jnst.Config(history=20)
    smallest = min(estimate_memory(config, 2000, 2000, tile=tile) for tile in TILES)
    choice = choose(config, 2000, 2000, memory=smallest - 1)
    pair = 2 * 2000 * 2000 * 12
    # What a pair less frees pays for larger windows, too.
    assert choice.history == 19
    assert smallest - pair <= choice.memory < smallest
    assert choose(config, 2000, 2000, memory=smallest - 17 * pair).history == 3
    with pytest.raises(ValueError, match="2000x2000 pixels need"):
        choose(config, 2000, 2000, memory=smallest - 17 * pair - 1)


def test_what_would_fit_is_told():
    need = size_words(estimate_memory(ADAM, 4000, 3000, tile=128), up=True)
    with pytest.raises(ValueError, match=rf"4000x3000|3000x4000 .*--memory {need} or --size \d+"):
        choose(ADAM, 4000, 3000, memory=1 * GB)
    with pytest.raises(ValueError, match=r"\(--optimizer adam needs less\), and 1GB may be used"):
        choose(jnst.Config(), 4000, 3000, memory=1 * GB)
    with pytest.raises(ValueError, match="or a smaller --size would do"):
        choose(ADAM, 4000, 3000, memory=10**6)


def test_the_size_that_is_told_does_fit():
    with pytest.raises(ValueError, match=r"--size \d+") as error:
        choose(ADAM, 3000, 4000, memory=int(1.5 * GB))
    side = int(str(error.value).split("--size ")[1].split()[0])
    choose(ADAM, side * 3 // 4, side, memory=int(1.5 * GB))


def test_free_memory_is_some_of_the_machine():
    assert 10**7 < free_memory() < 10**14


def test_errors_say_what_to_do():
    with pytest.raises(ValueError, match="tile is 100: it must be at least 128 pixels"):
        estimate_memory(ADAM, 500, 500, tile=100)
    with pytest.raises(ValueError, match="unknown network 'vgg11'"):
        estimate_memory(ADAM, 500, 500, network="vgg11")


def test_a_step_is_compiled_to_need_little_memory():
    """Against the compiler's own choice of an order, by what it says that each needs."""
    params, picture = jnst.load_weights("vgg16"), jax.ShapeDtypeStruct((64, 64, 3), jnp.float32)
    config = jnst.Config(style_layers=("relu1_1", "relu2_1"), content_layers=("relu2_1",))
    targets = jax.eval_shape(
        lambda p, image: jnst.make_targets(p, image, [image], config), params, picture
    )
    args = (params, targets, jnst.loss_weights(config))
    rates = Rates(*map(jnp.float32, Rates()))
    lowered = lower_chunk(jnst.objective, Method(), picture, rates, args, size=1, fused=False)
    usual = lowered.compile({"xla_cpu_scheduler_type": "CPU_SCHEDULER_TYPE_DEFAULT"})
    frugal = lowered.compile()
    assert needed(frugal) < 0.75 * needed(usual)


def needed(compiled):
    return compiled.memory_analysis().temp_size_in_bytes
