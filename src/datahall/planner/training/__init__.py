"""A training run on a hall: how long, how much, how many kWh, in which memory, with which parallelism, and how sure."""
