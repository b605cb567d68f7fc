"""Style transfer from arrays to an array, scale by scale.

`stylize` takes the network, a content and styles ([height, width, 3], sRGB in [0, 1]) and a
`Config`, and returns a `Result`. Its other modules handle sizes in pixels, masks, the initial
image, checkpoints, progress reports, and the memory budget in bytes.
"""

from .budget import estimate_memory as estimate_memory
from .checkpoint import Checkpoint as Checkpoint
from .checkpoint import load_checkpoint as load_checkpoint
from .checkpoint import save_checkpoint as save_checkpoint
from .pipeline import Result as Result
from .pipeline import stylize as stylize
from .progress import Progress as Progress
