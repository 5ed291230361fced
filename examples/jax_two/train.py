"""Two JAX processes that train one linear model: each holds half of the rows, XLA adds the gradients up.

`jax.distributed.initialize()` is called without arguments, as on any cluster that JAX knows.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

ROWS, FEATURES, STEPS, RATE = 512, 8, 200, 0.1

jax.distributed.initialize()
rank, world = jax.process_index(), jax.process_count()

mesh = Mesh(np.array(jax.devices()), ("workers",))
split, whole = NamedSharding(mesh, PartitionSpec("workers")), NamedSharding(mesh, PartitionSpec())

dice = np.random.default_rng(0)
rule = dice.normal(size=FEATURES).astype(np.float32)
x_all = dice.normal(size=(ROWS, FEATURES)).astype(np.float32)
mine = slice(rank * ROWS // world, (rank + 1) * ROWS // world)
x = jax.make_array_from_process_local_data(split, x_all[mine])
y = jax.make_array_from_process_local_data(split, (x_all @ rule)[mine])


@jax.jit
def step(weights, x, y):
    gradient = jax.grad(lambda w: jnp.mean((x @ w - y) ** 2))(weights)
    return weights - RATE * gradient


weights = jax.device_put(np.zeros(FEATURES, np.float32), whole)
for _ in range(STEPS):
    weights = step(weights, x, y)

error = float(np.abs(np.asarray(weights) - rule).max())
print(f"process {rank} of {world}: {len(jax.local_devices())} of {len(jax.devices())} devices, rule found: {error < 1e-3}")
jax.distributed.shutdown()
