"""Films: frames painted one after another so that the painting moves with the scene.

`paint_frames` takes frames, arrays [height, width, 3] in sRGB in [0, 1], and yields paintings of
the size that the `Config` says. The optical flow between frames (`flow`), in pixels, and its
reliability carry each painting to the next frame. Flow needs `opencv-python-headless`, of the extra
`video`.
"""

from .paint import paint_frames as paint_frames
from .progress import FrameProgress as FrameProgress
