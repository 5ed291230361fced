"""JAX: an epoch is one compiled scan over batches on the device."""

import itertools

import common
import jax
import jax.numpy as jnp
import numpy as np

x, y, vx, vy, batch, epochs = common.arguments()
x, vx = jnp.asarray(x), jnp.asarray(vx)
y, vy = jnp.asarray(y), jnp.asarray(vy)
sizes = (x.shape[1], 128, 64, int(y.max()) + 1)
rng = np.random.default_rng(0)
weights = [
    (jnp.asarray(rng.uniform(-1, 1, (a, b)) * np.sqrt(6 / (a + b)), jnp.float32), jnp.zeros(b))
    for a, b in itertools.pairwise(sizes)
]


def logits(weights, x):
    for w, b in weights[:-1]:
        x = jax.nn.relu(x @ w + b)
    return x @ weights[-1][0] + weights[-1][1]


def loss(weights, x, y):
    return -jnp.take_along_axis(jax.nn.log_softmax(logits(weights, x)), y[:, None], 1).mean()


def adam(state, rows):
    weights, mean, square, t = state
    gradient = jax.grad(loss)(weights, x[rows], y[rows])
    t = t + 1
    mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, mean, gradient)
    square = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, square, gradient)
    rate = 1e-3 * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    weights = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v) + 1e-8), weights, mean, square)
    return (weights, mean, square, t), None


@jax.jit
def epoch(state, rows):
    return jax.lax.scan(adam, state, rows)[0]


@jax.jit
def accuracy(weights):
    return (logits(weights, vx).argmax(1) == vy).mean()


zeros = jax.tree.map(jnp.zeros_like, weights)
state = (weights, zeros, zeros, jnp.float32(0))
watch = common.Stopwatch()
for _ in range(epochs):
    rows = rng.permutation(len(y))[: len(y) // batch * batch].reshape(-1, batch)
    state = epoch(state, jnp.asarray(rows))
    right = float(accuracy(state[0]))
    watch.lap()
common.report(f"jax {jax.__version__}", watch.seconds, right)
