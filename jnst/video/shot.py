"""The frames of a shot after its first one, each painted from earlier paintings."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from scipy.ndimage import map_coordinates

from ..arrays import AnyImage, Pixels
from ..compute import Canvas, Problem, choose_engine, make_problem
from ..compute.canvas import Kept
from ..config import Config
from ..images import Picture
from ..images.luminance import luminance
from ..images.resizing import with_bleed
from ..losses import StyleCache
from ..losses.temporal import TemporalTarget, long_term, merged
from ..losses.weights import extreme_scale
from ..network import Params
from ..optimize import minimize
from ..optimize.hyperparameters import method_of, rates_of
from ..optimize.loop import StateView
from ..transfer.inputs import Inputs, checked_pictures, colored, prepare_inputs
from ..transfer.masks import NO_MASKS, MaskPictures, checked_masks
from ..transfer.start import matched
from .flow import Motion

# A painting starts where the one before ended, so its steps are shorter than a still picture's.
_RATE = 0.6
# Root of the mean square change of a picture at which the temporal loss, at the weight 1, is as
# large as all other terms together. Relative to them, it does not depend on network and losses.
_CHANGE = 0.04
FRAME_SHARE = 1 / 8
"""Work of a frame that continues a shot, as a share of that of a still picture."""
_FEWEST_STEPS = 4
# Weight of the earlier painting beside that of the pass before (b in the paper).
_BLEND = 1.0


class Earlier(NamedTuple):
    """Earlier paintings at the place of this frame.

    Attributes:
        warped: [H, W, 3], in final colours.
        reliability: [H, W, 1].
    """

    warped: Pixels
    reliability: Pixels


def carried(motions: Sequence[Motion], paintings: Sequence[Pixels]) -> Earlier:
    """Earlier paintings, the nearest first, carried to a frame by its motions to theirs."""
    there = [moved(p, m.flow) for p, m in zip(paintings, motions, strict=True)]
    return Earlier(*merged(there, long_term([m.reliability for m in motions])))


def moved(painting: Pixels, flow: Pixels) -> Pixels:
    """A painting [H, W, 3] read where a flow [H, W, 2] leads, by cubic splines.

    Bilinear interpolation blurs, and each frame would blur once more what the one before handed on.
    """
    height, width, _ = painting.shape
    rows, columns = np.indices((height, width), np.float32)
    places = [
        np.clip(rows + flow[..., 1], 0, height - 1),
        np.clip(columns + flow[..., 0], 0, width - 1),
    ]
    channels = np.moveaxis(painting, -1, 0)
    read = [map_coordinates(channel, places, order=3, mode="mirror") for channel in channels]
    # Splines overshoot at edges.
    return np.clip(np.stack(read, axis=-1), painting.min(), painting.max())


def frame_config(config: Config, steps: int | None) -> Config:
    """The config of a frame that continues a shot: the last scale alone, few and short steps."""
    if steps is None:
        scales = np.array(config.all_scales)
        work = float(np.sum(scales**2 * config.steps_per_scale))
        steps = max(_FEWEST_STEPS, round(FRAME_SHARE * work))
    rate = config.learning_rate * _RATE
    return replace(
        config, scales=(1.0,), steps=(steps,), taper=0.0, learning_rate=rate, carry=False
    )


class Shot:
    """Paints the frames of a shot; what they share is computed once.

    Args:
        params, styles, tile, style_cache: of `paint_frames`.
        first: the shot's first frame, [H, W, 3] at the painted size; colours that depend on the
            content depend on this one.
        painting: of the first frame.
        config: from `frame_config`.
        temporal: the weight of the temporal loss.
        masks: of every frame.
    """

    def __init__(
        self,
        params: Params,
        styles: AnyImage | Picture | Sequence[AnyImage | Picture],
        first: Pixels,
        painting: Pixels,
        config: Config,
        temporal: float,
        tile: int | None = None,
        style_cache: StyleCache | None = None,
        masks: MaskPictures = NO_MASKS,
    ) -> None:
        pictures = checked_pictures(first, styles, None, config)
        content_masks, style_masks, keep_mask = masks
        checked = checked_masks(*pictures.shapes, content_masks, style_masks, keep_mask)
        checked = checked.seen(pictures.alphas)
        self._inputs = prepare_inputs(params, pictures, checked, config)
        (self._scale,) = self._inputs.scales
        self._scene = self._inputs.scene(self._scale)
        self._problem = self._first_problem(tile, style_cache)
        losses = self._problem.losses(self._padded(self._painted_colors(painting)))
        scale = extreme_scale(self._inputs.config)
        self._weight = temporal * float(losses.total) * scale / _CHANGE**2

    @property
    def steps(self) -> int:
        """The steps of each frame."""
        return self._scale.steps

    def paint(
        self,
        frame: Pixels,
        earlier: Earlier,
        before: Pixels | None = None,
        report: Callable[[int, Callable[[], Pixels]], bool] | None = None,
    ) -> Pixels:
        """The painting of a frame, [H, W, 3] in final colours.

        Args:
            frame: [H, W, 3] at the painted size.
            earlier: paintings to continue from.
            before: this frame's painting of the pass before.
            report: called after each step with its number and a function that gives the picture;
                a true result ends the steps.
        """
        inputs = self._inputs_of(frame)
        content = inputs.pictures.content
        target = earlier._replace(warped=self._painted_colors(earlier.warped))
        point = self._start(inputs, target, before)
        known = self._padded(target.reliability)
        padded = TemporalTarget(self._padded(target.warped), known, jnp.float32(self._weight))
        scene = self._scene._replace(content=self._padded(content))
        problem = self._problem.with_frame(scene, padded, self._kept(scene.content))
        config, canvas = problem.config, problem.canvas

        def callback(done: int, _: Any, state: StateView) -> bool:
            return bool(report and report(done, lambda: inputs.finish(canvas.visible(state()))))

        minimum = minimize(
            problem.objective,
            problem.engine.place_state(jnp.asarray(self._padded(point)), config),
            problem.arguments,
            steps=self.steps,
            method=method_of(config),
            rates=rates_of(config, self.steps),
            chunk=1,
            callback=callback,
        )
        return inputs.finish(canvas.visible(minimum.x))

    def _first_problem(self, tile: int | None, style_cache: StyleCache | None) -> Problem:
        config, content = self._inputs.config, self._scene.content
        engine = choose_engine(config, tile, (), self._scale.painted)
        unknown = np.zeros((*content.shape[:2], 1), np.float32)
        target = TemporalTarget(content, unknown, jnp.float32(0))
        canvas = Canvas(self._scale.margin, engine.place(self._kept(content)))
        params = self._inputs.params
        return make_problem(engine, canvas, params, self._scene, config, 1, style_cache, target)

    def _kept(self, content: Pixels) -> Kept | None:
        return self._inputs.masks.kept(content, self._scale.margin)

    def _padded(self, picture: Pixels) -> Pixels:
        return with_bleed(picture, self._scale.margin)

    def _painted_colors(self, painting: Pixels) -> Pixels:
        """A finished painting in the colours in which it was painted."""
        method, _, space = self._inputs.config.color.partition("-")
        return luminance(painting, space) if method == "luminance" else painting

    def _inputs_of(self, frame: Pixels) -> Inputs:
        inputs = self._inputs
        gray = colored(inputs.config.color, frame, []).content
        return replace(
            inputs,
            originals=inputs.originals._replace(content=frame),
            pictures=inputs.pictures._replace(content=gray),
        )

    def _start(self, inputs: Inputs, earlier: Earlier, before: Pixels | None) -> Pixels:
        """The initial point: earlier paintings, and what they do not know."""
        known = np.minimum(earlier.reliability, 1)
        if before is not None:
            known = _BLEND * known
            before = self._painted_colors(before)
            point = (before + known * earlier.warped) / (1 + known)
        else:
            content, masks = inputs.pictures.content, inputs.masks
            shares: Sequence[Any] = masks.shares(content.shape)
            shares = shares or inputs.config.weights_per_style(len(self._scene.styles))
            unpainted = matched(content, masks.palettes(self._scene.styles), shares)
            point = known * earlier.warped + (1 - known) * unpainted
        clamp = method_of(inputs.config).clamp
        return np.asarray(np.clip(point, 0, 1) if clamp else point, np.float32)
