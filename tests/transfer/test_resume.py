"""A run that goes on from a checkpoint ends in the same bits as one that never stopped."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest
from loud_network import louder
from methods import GRAM

import jnst
from jnst.optimize import NotFiniteError

SMALL = GRAM | {
    "size": 32,
    "scales": (1.0,),
    "steps": (6,),
    "style_layers": ("relu1_1",),
    "content_layers": ("relu1_2",),
}
TWO_SCALES = {"scales": (0.5, 1.0), "steps": (4, 3), "upscale": "detail"}
RNG = np.random.default_rng(0)
CONTENT = RNG.random((30, 40, 3), np.float32)
STYLE = RNG.random((50, 35, 3), np.float32)
OPTIMIZERS = {
    "adam": {"optimizer": "adam", "learning_rate": 5.0},
    "adam-average": {"optimizer": "adam", "learning_rate": 5.0, "average": 0.8, "clamp": True},
    "adam-share": {"optimizer": "adam", "learning_rate": 5.0, "average_share": 1.0},
    "zoom": {"optimizer": "lbfgs", "history": 3},
    "none": {"optimizer": "lbfgs", "line_search": "none", "history": 3},
}


def through_a_file(checkpoint, folder):
    path = folder / "run.ckpt"
    jnst.save_checkpoint(path, checkpoint)
    return jnst.load_checkpoint(path)


def assert_same(one, other):
    np.testing.assert_array_equal(one.image, other.image)
    assert one.losses == other.losses
    for here, there in zip(one.history, other.history, strict=True):
        np.testing.assert_array_equal(here, there)


def checkpoints_of(params, config, chunk=1, **more):
    found = []
    result = jnst.stylize(
        params,
        CONTENT,
        STYLE,
        config,
        chunk=chunk,
        callback=lambda progress: found.append(progress.checkpoint()),
        **more,
    )
    return result, found


@pytest.mark.parametrize("fields", [OPTIMIZERS["adam"], OPTIMIZERS["adam-share"]])
def test_what_adam_has_learnt_comes_from_the_checkpoint_of_the_scale_before(
    params, fields, tmp_path
):
    config = jnst.Config(
        **SMALL | fields | {"scales": (), "size": 30, "coarsest": 15, "steps": (3, 2)}
    )
    unbroken, found = checkpoints_of(params, config)
    assert [c.scale for c in found] == [1, 1, 1, 2, 2, 3, 3]
    counts = [int(value) for c in found for name, value in c.state.items() if "count" in name]
    assert counts == [1, 2, 3, 4, 5, 6, 7]
    for checkpoint in (found[2], found[4]):
        checkpoint = through_a_file(checkpoint, tmp_path)
        assert_same(jnst.stylize(params, CONTENT, STYLE, config, resume=checkpoint), unbroken)
    anew, found = checkpoints_of(params, replace(config, carry=False))
    counts = [int(value) for c in found for name, value in c.state.items() if "count" in name]
    assert counts == [1, 2, 3, 1, 2, 1, 2]
    assert np.abs(anew.image - unbroken.image).max() > 1e-3


@pytest.mark.parametrize("scales", [{}, TWO_SCALES], ids=["one scale", "two scales"])
@pytest.mark.parametrize("fields", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_going_on_from_every_step(params, fields, scales, tmp_path):
    config = jnst.Config(**SMALL | fields | scales, init="noise", seed=4)
    unbroken = jnst.stylize(params, CONTENT, STYLE, config)
    watched, found = checkpoints_of(params, config)
    assert_same(watched, unbroken)
    assert [c.step for c in found] == list(range(1, sum(config.steps) + 1))
    for checkpoint in found:
        resumed = jnst.stylize(
            params, CONTENT, STYLE, config, resume=through_a_file(checkpoint, tmp_path)
        )
        assert_same(resumed, unbroken)


def test_a_checkpoint_says_what_has_been_done(params):
    config = jnst.Config(**SMALL | TWO_SCALES)
    result, found = checkpoints_of(params, config, chunk=2)
    assert [(c.scale, c.step) for c in found] == [(1, 1), (1, 3), (1, 4), (2, 5), (2, 7)]
    for checkpoint in found:
        assert checkpoint.config == config
        np.testing.assert_array_equal(
            checkpoint.losses.total, result.history.total[: checkpoint.step]
        )
    # A callback that stops leaves the same: what comes after is what would have come.
    steps = []
    jnst.stylize(
        params,
        CONTENT,
        STYLE,
        config,
        chunk=2,
        resume=found[1],
        callback=lambda progress: steps.append((progress.scale, progress.step)),
    )
    assert steps == [(1, 4), (2, 5), (2, 7)]


def test_more_steps_at_the_last_scale(params, tmp_path):
    """As if the run had been begun with them, where no number depends on how many there are."""
    config = jnst.Config(**SMALL | TWO_SCALES)
    longer = replace(config, steps=(4, 6))
    unbroken = jnst.stylize(params, CONTENT, STYLE, longer)
    _, found = checkpoints_of(params, config)
    for checkpoint in (found[1], found[5], found[-1]):
        checkpoint = through_a_file(checkpoint, tmp_path)
        assert_same(jnst.stylize(params, CONTENT, STYLE, longer, resume=checkpoint), unbroken)


def test_more_steps_give_the_rate_of_a_run_of_so_many(params, tmp_path):
    config = jnst.Config(**SMALL | OPTIMIZERS["adam"] | {"rate_decay": 0.0})
    _, found = checkpoints_of(params, config)
    before = through_a_file(found[-2], tmp_path)
    _, more = checkpoints_of(params, replace(config, steps=(12,)), resume=before)
    after = more[0].state
    (mu,) = (name for name in after if name.endswith("mu"))
    mean, square = after[mu] / (1 - 0.9**6), after[mu.removesuffix("mu") + "nu"] / (1 - 0.999**6)
    left = 0.5 + 0.5 * np.cos(np.pi * 5 / 12)
    step = 5.0 * left * mean / (np.sqrt(square) + 1e-16)
    np.testing.assert_allclose(before.state["point"] - after["point"], step, atol=1e-3)
    assert np.abs(step).max() > 1


def test_more_steps_leave_the_average_as_bright(params, tmp_path):
    """Of points that hardly move, the average is any of them."""
    config = jnst.Config(**SMALL | OPTIMIZERS["adam-share"] | {"learning_rate": 1e-4})
    short, found = checkpoints_of(params, config)
    images = []
    jnst.stylize(
        params,
        CONTENT,
        STYLE,
        replace(config, steps=(30,)),
        chunk=1,
        resume=through_a_file(found[2], tmp_path),
        callback=lambda progress: images.append(progress.image()),
    )
    assert len(images) == 27
    for image in images:
        np.testing.assert_allclose(image, short.image, atol=1e-4)


def test_scales_that_were_left_out_stay_out(params):
    """relu2_1 needs 2 pixels; a sixteenth of 32 leaves one."""
    fields = {"scales": (1 / 32, 1.0), "steps": (2, 2), "style_layers": ("relu2_1",)}
    config = jnst.Config(**SMALL | fields)
    unbroken, found = checkpoints_of(params, config)
    assert found[-1].config.scales == (1.0,)
    assert_same(jnst.stylize(params, CONTENT, STYLE, config, resume=found[0]), unbroken)


def test_a_start_from_a_picture(params):
    config, start = jnst.Config(**SMALL, init="file"), CONTENT[::-1]
    unbroken, found = checkpoints_of(params, config, init_image=start)
    resumed = jnst.stylize(params, CONTENT, STYLE, config, init_image=start, resume=found[2])
    assert_same(resumed, unbroken)
    with pytest.raises(ValueError, match="another run: init image is another; give what it was"):
        jnst.stylize(params, CONTENT, STYLE, config, init_image=CONTENT, resume=found[2])


def test_all_that_is_different_is_listed(params):
    config = jnst.Config(**SMALL)
    _, (checkpoint, *_) = checkpoints_of(params, config)
    other = replace(config, content_weight=2.0, size=40)
    with pytest.raises(
        ValueError,
        match=r"of another run: content is another; style 1 is another; style 2 is new; size was "
        r"32 and is 40; content_weight was 1.0 and is 2.0; give what it was begun with, or begin",
    ):
        jnst.stylize(params, CONTENT + 0.1, [STYLE[1:], STYLE], other, resume=checkpoint)
    with pytest.raises(ValueError, match="another run: network is another; give"):
        jnst.stylize(replace(params, sha256="0" * 64), CONTENT, STYLE, config, resume=checkpoint)
    two = replace(config, style_weights=(1.0,))
    _, (of_two, *_) = checkpoints_of(params, two)
    of_two = replace(of_two, inputs=dict(of_two.inputs) | {"style 2": "x"})
    with pytest.raises(ValueError, match="another run: style 2 is missing; give"):
        jnst.stylize(params, CONTENT, STYLE, two, resume=of_two)


def test_steps_that_are_done_cannot_be_undone(params):
    config = jnst.Config(**SMALL | TWO_SCALES)
    _, found = checkpoints_of(params, config)
    with pytest.raises(ValueError, match="7 steps are done and 6 are wanted; give"):
        jnst.stylize(params, CONTENT, STYLE, replace(config, steps=(4, 2)), resume=found[-1])
    with pytest.raises(ValueError, match=r"steps was \(4,\) and is \(5,\); give"):
        jnst.stylize(params, CONTENT, STYLE, replace(config, steps=(5, 3)), resume=found[-1])


def test_weights_from_no_file_are_told_apart_by_their_numbers(params):
    own = replace(params, sha256="")
    config = jnst.Config(**SMALL)
    found = []

    def watch(progress):
        found.append(progress.checkpoint())
        return True

    jnst.stylize(own, CONTENT, STYLE, config, callback=watch)
    jnst.stylize(own, CONTENT, STYLE, config, callback=watch, resume=found[0])
    layers = dict(own.layers)
    layers["conv1_1"] = layers["conv1_1"] | {"bias": layers["conv1_1"]["bias"] + 1}
    with pytest.raises(ValueError, match="network is another"):
        jnst.stylize(
            replace(own, layers=layers), CONTENT, STYLE, config, callback=watch, resume=found[0]
        )


def test_another_version_is_told(params):
    config = jnst.Config(**SMALL)
    unbroken, found = checkpoints_of(params, config)
    older = replace(found[0], made_by=dict(found[0].made_by) | {"jax": "0.1"})
    with pytest.warns(UserWarning, match=r"may differ a little .* run: jax was 0.1 and is \d"):
        assert_same(jnst.stylize(params, CONTENT, STYLE, config, resume=older), unbroken)


def exploding(factor):
    """A rate at which Adam's first step leaves what float32 can square."""
    return jnst.Config(**SMALL | {"optimizer": "adam", "learning_rate": factor, "steps": (4,)})


def test_a_run_that_was_slowed_down_goes_on_slowly(params, tmp_path):
    config = exploding(1e9)
    with pytest.warns(RuntimeWarning, match=r"not finite at step 2 \(.*total\); going back"):
        unbroken, found = checkpoints_of(params, config)
    assert np.isfinite(unbroken.history.total).all()
    assert [float(c.state["brake"]) for c in found] == pytest.approx([1.0, 0.1, 0.1, 0.1])
    for checkpoint in found[1:]:
        checkpoint = through_a_file(checkpoint, tmp_path)
        assert_same(jnst.stylize(params, CONTENT, STYLE, config, resume=checkpoint), unbroken)


def test_the_report_names_where_it_began(params):
    with (
        pytest.warns(RuntimeWarning, match="going back") as told,
        pytest.raises(
            NotFiniteError, match=r"step 2 .*nor after .* began in the style loss"
        ) as caught,
    ):
        jnst.stylize(params, CONTENT, STYLE, exploding(1e15))
    assert len(told) == 3
    start = jnst.stylize(
        params,
        CONTENT,
        STYLE,
        jnst.Config(**SMALL | {"steps": (1,)}),
    )
    assert caught.value.good.shape == start.image.shape
    gram = jnst.Config(**SMALL | {"init": "content", "style_loss": "gram"})
    with pytest.raises(FloatingPointError, match=r"step 1 \(.*style.*\); lower.*in the style loss"):
        jnst.stylize(louder(params, 1e13), CONTENT, STYLE, gram)
    broken = dict(params.layers)
    broken["conv1_2"] = broken["conv1_2"] | {"bias": jnp.full(64, jnp.inf)}
    with pytest.raises(FloatingPointError, match=r"step 1 .*began at the layer conv1_2, in \d+ of"):
        jnst.stylize(replace(params, layers=broken), CONTENT, STYLE, jnst.Config(**SMALL), chunk=1)
