"""Frames in order with their motion from earlier ones, found ahead in a thread; and cuts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from ..arrays import Pixels
from .flow import Motion, motion


class Followed(NamedTuple):
    """A frame, and how it follows from others.

    Attributes:
        position: in the order in which the frames are painted, from 0.
        frame: [H, W, 3].
        motions: for each distance in frames the motion to the frame so far back, the nearest first;
            only within the shot.
        starts_shot: whether a shot begins here.
    """

    position: int
    frame: Pixels
    motions: Mapping[int, Motion]
    starts_shot: bool


def followed(
    frames: Iterable[Pixels],
    distances: Sequence[int],
    *,
    shots: Sequence[int] | None = None,
    boundaries: bool = False,
) -> Iterator[Followed]:
    """Yields each frame with its motions; those of the next are found while one is in use.

    Args:
        frames: [H, W, 3] of one size.
        distances: of the frames to follow from.
        shots: positions that start a shot, None to find them.
        boundaries: of `jnst.video.flow.motion`.
    """
    follower = _Follower(sorted(set(distances)), shots, boundaries)
    pending: Future[Followed] | None = None
    # OpenCV and JAX release Python's global lock.
    with ThreadPoolExecutor(1, "flow") as pool:
        for frame in frames:
            following = pool.submit(follower.follow, frame)
            if pending is not None:
                yield pending.result()
            pending = following
        if pending is not None:
            yield pending.result()


class _Follower:
    """Finds the motions of one frame after another."""

    def __init__(
        self, distances: Sequence[int], shots: Sequence[int] | None, boundaries: bool
    ) -> None:
        self._distances, self._boundaries = distances, boundaries
        self._shots = None if shots is None else {0, *shots}
        self._earlier: list[Pixels] = []  # of this shot, the nearest first
        self._position = 0

    def follow(self, frame: Pixels) -> Followed:
        near = self._motion(frame, 1) if self._earlier else None
        if self._shots is None:
            starts = near is None or near.is_cut
        else:
            starts = self._position in self._shots
        if starts:
            self._earlier = []
        motions = {
            distance: near if distance == 1 and near else self._motion(frame, distance)
            for distance in self._distances
            if distance <= len(self._earlier)
        }
        self._earlier = [frame, *self._earlier][: self._distances[-1]]
        self._position += 1
        return Followed(self._position - 1, frame, motions, starts)

    def _motion(self, frame: Pixels, distance: int) -> Motion:
        return motion(frame, self._earlier[distance - 1], boundaries=self._boundaries)
