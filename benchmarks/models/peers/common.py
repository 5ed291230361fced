"""What every peer script shares: `python PEER.py DATA.npz BATCH EPOCHS` prints {"version", "seconds": [...], "accuracy"}.

Runs in the peers' interpreter, which need not have Datahall; hence NumPy only.
"""

import json
import sys
import time

import numpy as np


def arguments():
    """(x, y, x_validation, y_validation, batch, epochs); rows are flat float32, classes int32."""
    path, batch, epochs = sys.argv[1:4]
    with np.load(path) as data:
        x, y, vx, vy = (data[name] for name in ("x", "y", "vx", "vy"))
    return x.reshape(len(x), -1), y.astype(np.int32), vx.reshape(len(vx), -1), vy.astype(np.int32), int(batch), int(epochs)


class Stopwatch:
    """Seconds of each epoch, from the end of the one before."""

    def __init__(self):
        self.seconds = []
        self.last_s = time.perf_counter()

    def lap(self):
        now_s = time.perf_counter()
        self.seconds.append(now_s - self.last_s)
        self.last_s = now_s


def report(version, seconds, accuracy):
    print(json.dumps({"version": version, "seconds": seconds, "accuracy": float(accuracy)}))
