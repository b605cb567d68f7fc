"""What a run is expected to need, what is chosen to fit, and how sizes are written."""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import pytest

import jnst
from jnst.compute.tiles.cutting import TILES, plan_stages
from jnst.optimize import Method, Rates
from jnst.optimize.steps import lower_chunk
from jnst.system import free_memory
from jnst.transfer import estimate_memory
from jnst.transfer.budget import choose
from jnst.transfer.sizes import painted_size
from jnst.wording import size_words

GB = 10**9
# The figures by hand are those of the picture alone, of L-BFGS and of five layers' Gram matrices.
without_bleed = partial(
    jnst.Config,
    bleed=0,
    optimizer="lbfgs",
    style_loss="gram-relative",
    style_layers=("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"),
    coarsest=256,
    average_share=0.0,
)
ADAM = without_bleed(optimizer="adam")


def test_what_a_run_keeps_is_counted():
    # By hand: 4 arrays of Adam, 4 pictures, 8 under work for the variation; 12 bytes a pixel.
    plain = without_bleed(optimizer="adam", style_layers=(), content_layers=())
    growth = estimate_memory(plain, 2000, 1000) - estimate_memory(plain, 1000, 1000)
    assert growth == 1000 * 1000 * 12 * (4 + 4 + 8)
    # The running average is one more, whichever option asks for it.
    for averaging in ({"average": 0.9}, {"average_share": 0.1}):
        more = estimate_memory(replace(ADAM, **averaging), 1024, 512)
        assert more - estimate_memory(ADAM, 1024, 512) == 1024 * 512 * 12
    # A pair of L-BFGS is two more pictures.
    one, two = (without_bleed(history=n) for n in (10, 11))
    more = estimate_memory(two, 1024, 512) - estimate_memory(one, 1024, 512)
    assert more == 2 * 1024 * 512 * 12
    # Of the content, relu4_2 is kept: 512 channels at an eighth of each side.
    less = without_bleed(content_layers=())
    kept = estimate_memory(without_bleed(), 1024, 512) - estimate_memory(less, 1024, 512)
    assert kept == pytest.approx(128 * 64 * 512 * 4)


def test_roots_of_matrices_need_the_same_at_every_size():
    """Measured by `compiled.memory_analysis()`: 37 MB more than Gram matrices for five layers."""
    root = without_bleed(optimizer="adam", style_loss="wasserstein")
    for size, tile in ((1024, None), (1024, 128), (2048, 512)):
        args = (size, size)
        more = estimate_memory(root, *args, tile=tile) - estimate_memory(ADAM, *args, tile=tile)
        assert more == pytest.approx(37e6, rel=0.1)
    few = without_bleed(optimizer="adam", style_loss="wasserstein", style_layers=("relu1_1",))
    plain = without_bleed(optimizer="adam", style_layers=("relu1_1",))
    assert estimate_memory(few, 1024, 1024) - estimate_memory(plain, 1024, 1024) == 16 * 64**2 * 4


def test_a_small_picture_needs_what_compiling_it_does():
    """Peaks of `python cli.py`, measured with `benchmarks/command_memory.py`."""
    one, three = without_bleed(scales=(1.0,)), without_bleed(scales=(0.25, 0.5, 1.0))
    for side, measured in ((256, 1.53 * GB), (384, 1.67 * GB), (512, 1.75 * GB)):
        told = estimate_memory(three, side, side, network="vgg16")
        assert told == pytest.approx(measured, rel=0.1)
    # Of the coarser scales something is left.
    assert estimate_memory(one, 256, 256) < 0.9 * estimate_memory(three, 256, 256)
    # The layers can't see a picture of less than 16 pixels: there is no such scale.
    assert estimate_memory(one, 30, 30) == estimate_memory(three, 30, 30)


def test_the_content_of_a_large_picture_lies_in_a_file():
    less = without_bleed(optimizer="adam", content_layers=())
    # relu4_2 takes 32 bytes a pixel; where it is not read, its signs are kept for the way back.
    for side, content in ((2048, 32 * 2048**2), (4096, 0)):
        size = {"height": side, "width": side, "tile": 384}
        more = estimate_memory(ADAM, **size) - estimate_memory(less, **size)
        assert more == content - side**2


def test_the_bleed_is_counted():
    for tile in (None, 256):
        found = estimate_memory(without_bleed(scales=(1.0,), bleed=8), 600, 400, tile=tile)
        larger = painted_size(600, 400, jnst.Config())
        assert found == estimate_memory(without_bleed(scales=(1.0,)), *larger, tile=tile)


def test_windows_need_less_and_smaller_ones_less_still():
    sizes = [estimate_memory(ADAM, 2048, 2048, tile=tile) for tile in (None, 768, 512, 256, 128)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > 3 * sizes[-1]
    # What fits into one window is computed at once.
    assert estimate_memory(ADAM, 500, 512, tile=512) == estimate_memory(ADAM, 500, 512)
    assert estimate_memory(ADAM, 64, 64) < estimate_memory(ADAM, 64, 64, network="vgg19")


def test_4096_squared_is_promised_in_5_gb():
    assert estimate_memory(ADAM, 4096, 4096, tile=384) < 5 * GB


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


def test_what_is_computed_at_once_is_a_question_of_memory():
    whole = estimate_memory(ADAM, 1200, 1200)
    assert choose(ADAM, 1200, 1200, memory=whole).tile is None
    assert choose(ADAM, 1200, 1200, memory=whole - 1).tile == 768
    assert choose(ADAM, 1600, 1600, memory=100 * GB).tile == 768


def test_larger_windows_compute_less():
    """So they come first: operations, with margins, as windows of 512 pixels and 128 have them."""
    costs = [sum(len(s.windows) * s.size[0] * s.size[1] for s in stages(tile)) for tile in TILES]
    assert costs == sorted(costs)
    assert 1.2 < costs[-1] / costs[1] < 1.5


def stages(tile):
    return plan_stages("vgg19", without_bleed().style_layers, 3000, 2000, tile)


def test_lbfgs_remembers_less_where_it_must():
    config, size = without_bleed(history=20), (3000, 2000)

    def needed(tile, history):
        return estimate_memory(without_bleed(history=history), *size, tile=tile)

    def chosen(memory):
        choice = choose(config, *size, memory=memory)
        assert choice.memory == needed(choice.tile, choice.history) <= memory
        return choice.tile, choice.history

    assert chosen(needed(768, 20)) == (768, 20)
    assert chosen(needed(768, 20) - 1) == (768, 19)
    # Eight pairs are enough for the next smaller windows to wait.
    assert chosen(needed(768, 8)) == (768, 8)
    tile, history = chosen(needed(768, 8) - 1)
    assert tile == 512
    assert 8 <= history < 20
    assert chosen(needed(128, 8)) == (128, 8)
    # Then as few as need be, with the largest windows that go with three.
    assert chosen(needed(128, 8) - 1)[1] in range(3, 8)
    assert chosen(needed(128, 3)) == (128, 3)
    with pytest.raises(ValueError, match="2000x3000 pixels need"):
        chosen(needed(128, 3) - 1)
    # Who asks for fewer gets no more.
    few = without_bleed(history=2)
    assert choose(few, *size, memory=20 * GB).history == 2


def test_what_would_fit_is_told():
    need = size_words(estimate_memory(ADAM, 4000, 3000, tile=128), up=True)
    with pytest.raises(ValueError, match=rf"4000x3000|3000x4000 .*--memory {need} or --size \d+"):
        choose(ADAM, 4000, 3000, memory=1 * GB)
    with pytest.raises(ValueError, match=r"\(--optimizer adam needs less\), and 1GB may be used"):
        choose(without_bleed(), 4000, 3000, memory=1 * GB)
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
    with pytest.raises(ValueError, match="tile is 100: it must be at least 128 pixels"):
        estimate_memory(ADAM, 64, 64, tile=100)  # also where the tile would not be used
    with pytest.raises(ValueError, match="unknown network 'vgg11'"):
        estimate_memory(ADAM, 500, 500, network="vgg11")


def test_a_step_is_compiled_to_need_little_memory():
    """Against the compiler's own choice of an order, by what it says that each needs."""
    params, picture = jnst.load_weights("vgg16"), jax.ShapeDtypeStruct((64, 64, 3), jnp.float32)
    layers = ("relu1_1", "relu2_1", "relu3_1")
    config = without_bleed(style_layers=layers, content_layers=("relu3_1",))
    targets = jax.eval_shape(
        lambda p, image: jnst.make_targets(p, image, [image], config), params, picture
    )
    args = (params, targets, jnst.loss_weights(config))
    rates = Rates(*map(jnp.float32, Rates()))
    lowered = lower_chunk(jnst.objective, Method(), picture, rates, args, size=1)
    usual = lowered.compile({"xla_cpu_scheduler_type": "CPU_SCHEDULER_TYPE_DEFAULT"})
    frugal = lowered.compile()
    assert needed(frugal) < 0.75 * needed(usual)


def needed(compiled):
    return compiled.memory_analysis().temp_size_in_bytes
