"""The painting of a clip, frame after frame, each from the one before."""

from __future__ import annotations  # help then shows the names of the types

from collections.abc import Callable, Iterable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from ..arrays import AnyImage, ArrayLike, Pixels
from ..config import DEFAULT, Config
from ..images import Picture
from ..losses import StyleCache
from ..network import Params
from ..transfer import Progress, stylize
from ..transfer.masks import MaskPictures
from .checks import check_arguments, frame_count, resized
from .following import Followed, followed
from .progress import FrameCallback, FrameProgress, Key
from .shot import Shot, carried, frame_config

LONG_TERM = (1, 10, 20)
"""The earlier frames with which a painting is compared, by default."""


def paint_frames(
    params: Params,
    frames: Iterable[AnyImage],
    styles: AnyImage | Picture | Sequence[AnyImage | Picture],
    config: Config = DEFAULT,
    *,
    temporal: float = 1.0,
    long_term: Sequence[int] = LONG_TERM,
    steps: int | None = None,
    passes: int = 1,
    shots: Sequence[int] | None = None,
    boundaries: bool = False,
    store: MutableMapping[Key, Pixels] | None = None,
    callback: FrameCallback | None = None,
    tile: int | None = None,
    style_cache: StyleCache | None = None,
    content_masks: Sequence[ArrayLike | Picture] = (),
    style_masks: Sequence[ArrayLike | Picture | None] = (),
    keep_mask: ArrayLike | Picture | None = None,
) -> Iterator[Pixels]:
    """Paints the frames of a clip so that strokes move with the scene and do not flicker.

    Args:
        params: from `jnst.load_weights`.
        frames: arrays [H, W, 3] of one size, sRGB in [0, 1]. They are read once, in order, as the
            paintings are taken; for several passes give a sequence, such as a list, whose frames
            are read by number.
        styles, config, tile, style_cache: as for `jnst.stylize`; frames that start a shot are
            painted with all of the config's scales, others at the last one alone.
        content_masks, style_masks, keep_mask: as for `jnst.stylize`; the same in all frames.
        temporal: weight of the temporal loss; 1 is balanced with the other terms of the objective,
            larger values are steadier. With 0 each frame is painted by itself, as a still picture.
        long_term: which earlier frames a painting is compared with: 1 is the one before. Those
            farther back know what something has hidden meanwhile; as many frames and paintings
            are kept in memory, unless a `store` keeps the paintings elsewhere.
        steps: steps for a frame that continues a shot; None: an eighth of the work of a still.
        passes: how often the clip is painted, forwards and backwards in turn, beginning forwards.
        shots: numbers of the frames that start a shot (0 always does); None: cuts are found.
        boundaries: whether the paintings may also change at the borders between motions, as in the
            paper; for flow smoother than that of this module.
        store: finished paintings by (pass, frame), each put there once; a painting continues from
            what the store returns for earlier ones. What it already contains is not painted again,
            so that a store on disk resumes an interrupted run, to the same result. None: memory.
        callback: called with a `FrameProgress`; a true result ends the iteration, and a frame
            that is not yet `done` is lost.

    Yields:
        The paintings of the last pass in the order of the frames, [H, W, 3] float32, sRGB
        nominally in [0, 1], as the store returns them.

    Raises:
        ModuleNotFoundError: without OpenCV, if `temporal` is above 0.
        TypeError, ValueError: as `jnst.stylize`; or a frame has another size than the first, no
            frame was given, or an argument is out of its range.
    """
    check_arguments(temporal, long_term, steps, passes, shots, config)
    if store is None:
        store = _Recent(max(long_term)) if passes == 1 else {}
    cache = {} if style_cache is None else style_cache
    masks = MaskPictures(content_masks, style_masks, keep_mask)
    still = _Still(params, styles, config, tile, cache, masks)
    distances, count = sorted(set(long_term)), frame_count(frames, passes)
    film = _Film(
        still, temporal, distances, steps, shots, boundaries, passes, count, store, callback
    )
    return film.paint(frames)


class _Recent(dict[Key, Pixels]):
    """A store in memory of the paintings that later frames may still need."""

    def __init__(self, reach: int) -> None:
        self._reach = reach

    def __setitem__(self, key: Key, painting: Pixels) -> None:
        super().__setitem__(key, painting)
        self.pop((key[0], key[1] - self._reach - 1), None)


class _Stopped(Exception):
    """The callback has ended the iteration."""


class _Still(NamedTuple):
    """What a frame's painting has in common with a still picture's."""

    params: Params
    styles: AnyImage | Picture | Sequence[AnyImage | Picture]
    config: Config
    tile: int | None
    style_cache: StyleCache
    masks: MaskPictures


@dataclass
class _Film:
    """The arguments of `paint_frames`, and the cuts that were found."""

    still: _Still
    temporal: float
    distances: list[int]
    steps: int | None
    shots: Sequence[int] | None
    boundaries: bool
    passes: int
    count: int | None
    store: MutableMapping[Key, Pixels]
    callback: FrameCallback | None
    latest: tuple[int, int] = (0, 0)  # steps done and in all, of the last report

    def paint(self, frames: Iterable[AnyImage]) -> Iterator[Pixels]:
        """Yields the paintings of the last pass, in order."""
        try:
            if not self.temporal:
                yield from self._apart(frames)
            elif self.passes == 1:
                yield from self._pass(0, frames)
            else:
                yield from self._passes(cast(Sequence[AnyImage], frames))
        except _Stopped:
            return

    def _apart(self, frames: Iterable[AnyImage]) -> Iterator[Pixels]:
        """Each frame by itself."""
        for number, frame in enumerate(resized(frames, self.still.config)):
            key = 0, number
            if key not in self.store:
                self._put(key, self._alone(key, frame), new_shot=True)
            yield self.store[key]

    def _passes(self, frames: Sequence[AnyImage]) -> Iterator[Pixels]:
        """All passes, of which the last one yields."""
        last = self.passes - 1
        for number in range(last):
            for _ in self._pass(number, frames if number % 2 == 0 else _backwards(frames)):
                pass
        if last % 2 == 0:
            yield from self._pass(last, frames)
        else:
            for _ in self._pass(last, _backwards(frames)):
                pass
            yield from (self.store[last, number] for number in range(len(frames)))

    def _pass(self, number: int, frames: Iterable[AnyImage]) -> Iterator[Pixels]:
        """Paints the frames in the order given, and yields them in it."""
        back, starts, shots = number % 2 == 1, [], self.shots
        if back and shots is not None:
            # Backwards a shot starts at the frame before the next one's first.
            shots = [cast(int, self.count) - start for start in shots]
        shot: Shot | None = None
        first: tuple[Key, Pixels] | None = None
        for step in followed(
            resized(frames, self.still.config),
            self.distances,
            shots=shots,
            boundaries=self.boundaries,
        ):
            place = cast(int, self.count) - 1 - step.position if back else step.position
            key = number, place
            if step.starts_shot or first is None:
                starts.append(step.position)
                shot, first = None, (key, step.frame)
            if key not in self.store:
                alone = not step.motions
                if alone:
                    before = self.store[number - 1, place] if number else None
                    painting = self._alone(key, step.frame) if before is None else before
                else:
                    shot = shot or self._shot(*first)
                    painting = self._continued(shot, key, step, 1 if back else -1)
                self._put(key, painting, new_shot=alone)
            yield self.store[key]
        self.shots = starts if self.shots is None else self.shots

    def _shot(self, key: Key, frame: Pixels) -> Shot:
        params, styles, config, tile, cache, masks = self.still
        config, painting = frame_config(config, self.steps), self.store[key]
        return Shot(params, styles, frame, painting, config, self.temporal, tile, cache, masks)

    def _alone(self, key: Key, frame: Pixels) -> Pixels:
        """The painting of a frame by itself."""

        def callback(progress: Progress) -> bool:
            self._report(key, progress.step, progress.steps, progress.image, new_shot=True)
            return False

        params, styles, config, tile, cache, masks = self.still
        reported = callback if self.callback else None
        options: dict[str, Any] = {"callback": reported, "tile": tile, "style_cache": cache}
        return stylize(params, frame, styles, config, **options, **masks._asdict()).image

    def _continued(self, shot: Shot, key: Key, step: Followed, way: int) -> Pixels:
        """The painting of a frame from those of earlier ones, which lie `way` frames apart."""
        number, place = key
        paintings = [self.store[number, place + way * distance] for distance in step.motions]
        earlier = carried(list(step.motions.values()), paintings)
        before = self.store[number - 1, place] if number else None

        def report(done: int, image: Callable[[], Pixels]) -> bool:
            self._report(key, done, shot.steps, image, new_shot=False)
            return False

        return shot.paint(step.frame, earlier, before, report if self.callback else None)

    def _put(self, key: Key, painting: Pixels, new_shot: bool) -> None:
        self.store[key] = painting
        # As many steps as the last report said; none if the painting is that of the pass before.
        step, steps = self.latest
        self.latest = 0, 0
        self._report(key, step, steps, lambda: painting, new_shot=new_shot, done=True)

    def _report(
        self,
        key: Key,
        step: int,
        steps: int,
        image: Callable[[], Pixels],
        *,
        new_shot: bool,
        done: bool = False,
    ) -> None:
        """Calls the callback; raises _Stopped if it ends the iteration."""
        if self.callback is None:
            return
        if not done:
            self.latest = step, steps
        (number, frame), count, passes = key, self.count, self.passes
        report = FrameProgress(frame, count, number, passes, step, steps, done, new_shot, image)
        if self.callback(report):
            raise _Stopped


def _backwards(frames: Sequence[AnyImage]) -> Iterator[AnyImage]:
    return (frames[number] for number in range(len(frames) - 1, -1, -1))
