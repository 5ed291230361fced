"""Named random streams: each part of the house draws from its own, so that adding a draw in one leaves the others alone."""

import hashlib
import random


def stream_seed(seed: int, name: str) -> int:
    """A 63-bit seed of the stream `name` under the run's `seed`."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:8], "big") >> 1


def stream(seed: int, name: str) -> random.Random:
    """Python's generator for the stream `name` under the run's `seed`."""
    return random.Random(stream_seed(seed, name))
