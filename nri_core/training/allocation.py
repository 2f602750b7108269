"""Memory that a training process keeps, because the same large tensors come and go many times a second."""

import ctypes

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
LARGEST_BLOCK, LARGEST_REST = 32 << 20, 1 << 30  # bytes; 32 MiB is the most that glibc takes


def keep_freed_memory() -> None:
    """Hand freed blocks to the next tensor instead of back to the system, which would clear every page of them anew.

    At ten nodes those pages were a quarter of a training step. Where the C library is not glibc, nothing happens.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, TypeError):
        return
    mallopt(M_MMAP_THRESHOLD, LARGEST_BLOCK)
    mallopt(M_TRIM_THRESHOLD, LARGEST_REST)
