"""Many paintings from one command: a `Batch` in, a painting for each of its pairs out.

Finished paintings are left alone, and a painting that fails does not stop the others.
"""

from .plan import plan as plan_batch
from .run import run as run_batch

__all__ = ["plan_batch", "run_batch"]
