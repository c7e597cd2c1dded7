"""Keep freed memory in the process: fresh pages are zero-filled by the kernel at every training step otherwise."""

from __future__ import annotations

import ctypes

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
_ROOM = 1 << 30


def keep_freed_memory() -> bool:
    """Raise glibc's thresholds (``mallopt(3)``); False where the C library has no such call."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    settings = ((_MMAP_THRESHOLD, _ROOM), (_TRIM_THRESHOLD, _ROOM), (_TOP_PAD, _ROOM >> 3))
    return bool(sum(mallopt(name, value) for name, value in settings) == len(settings))
