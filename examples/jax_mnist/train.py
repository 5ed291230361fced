"""Handwritten digits with JAX alone: two hidden layers, Adam by hand, one epoch a scan.

python train.py FOLDER    the folder holds MNIST's four IDX files, gzipped
"""

import gzip
import sys
from functools import partial
from itertools import pairwise
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

SIZES, BATCH, EPOCHS, RATE = (784, 128, 64, 10), 128, 5, 1e-3


def idx(path: Path) -> np.ndarray:
    data = gzip.decompress(path.read_bytes())
    shape = [int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big") for i in range(data[3])]
    return np.frombuffer(data, np.uint8, offset=4 + 4 * len(shape)).reshape(shape)


def initial(key):
    keys = jax.random.split(key, len(SIZES) - 1)
    shapes = pairwise(SIZES)
    return [(jax.random.normal(k, (m, n)) * jnp.sqrt(2 / m), jnp.zeros(n)) for k, (m, n) in zip(keys, shapes, strict=True)]


def logits_of(weights, x):
    for w, b in weights[:-1]:
        x = jax.nn.relu(x @ w + b)
    w, b = weights[-1]
    return x @ w + b


def loss_of(weights, x, y):
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(logits_of(weights, x)), y[:, None], axis=1))


def adam(state, gradient):
    weights, mean, square, step = state
    step += 1
    mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, mean, gradient)
    square = jax.tree.map(lambda s, g: 0.999 * s + 0.001 * g * g, square, gradient)
    rate = RATE * jnp.sqrt(1 - 0.999**step) / (1 - 0.9**step)
    return jax.tree.map(lambda w, m, s: w - rate * m / (jnp.sqrt(s) + 1e-8), weights, mean, square), mean, square, step


@partial(jax.jit, donate_argnums=0)
def epoch(state, key, x, y):
    order = jax.random.permutation(key, len(x))[: len(x) // BATCH * BATCH].reshape(-1, BATCH)

    def update(state, rows):
        loss, gradient = jax.value_and_grad(loss_of)(state[0], x[rows], y[rows])
        return adam(state, gradient), loss

    state, losses = jax.lax.scan(update, state, order)
    return state, losses.mean()


def main() -> None:
    folder = Path(sys.argv[1])
    x, y = idx(folder / "train-images-idx3-ubyte.gz"), idx(folder / "train-labels-idx1-ubyte.gz")
    x_test, y_test = idx(folder / "t10k-images-idx3-ubyte.gz"), idx(folder / "t10k-labels-idx1-ubyte.gz")
    x, x_test = (jnp.asarray(part.reshape(len(part), -1) / 255, jnp.float32) for part in (x, x_test))
    y, y_test = jnp.asarray(y, jnp.int32), jnp.asarray(y_test, jnp.int32)

    weights = initial(jax.random.key(0))
    zeros = jax.tree.map(jnp.zeros_like, weights)
    state = (weights, zeros, jax.tree.map(jnp.copy, zeros), jnp.zeros((), jnp.int32))
    for number in range(EPOCHS):
        state, loss = epoch(state, jax.random.key(number + 1), x, y)
        print(f"epoch {number}: loss {loss:.4f}")
    accuracy = jnp.mean(jnp.argmax(logits_of(state[0], x_test), axis=1) == y_test)
    print(f"test accuracy: {accuracy:.4f}")


if __name__ == "__main__":
    main()
