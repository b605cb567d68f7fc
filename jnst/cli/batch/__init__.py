"""Many paintings from one command: a `Batch` in, a painting for each of its pairs out.

What is finished already is left alone, and no painting that fails stops the others.
"""

from .plan import Job as Job
from .plan import plan as plan_batch
from .run import run as run_batch

__all__ = ["Job", "plan_batch", "run_batch"]
