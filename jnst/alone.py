"""What concerns the whole process, one thread at a time.

Where paintings are made side by side, their threads share the filters of warnings, the limits of
Pillow and the standard streams: whoever changes one of them for a moment, or writes to a stream
that may be changed, holds `ALONE`.
"""

import threading

ALONE = threading.RLock()
