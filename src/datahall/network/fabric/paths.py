"""How many shortest paths join two leaves, and how unevenly hashing spreads flows over them."""

from math import ceil, log, sqrt

import numpy as np
from numpy.typing import NDArray

from datahall.network.fabric.graph import FabricGraph

EXACT_FLOWS = 500


def shortest_paths(graph: FabricGraph, origin: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """[nodes] links of a shortest path from `origin` (-1: none), and how many there are, told apart by their switches."""
    distance = np.full(graph.nodes, -1, np.int64)
    paths = np.zeros(graph.nodes)
    distance[origin], paths[origin] = 0, 1.0
    tail, head = np.concatenate([graph.low, graph.high]), np.concatenate([graph.high, graph.low])
    step = 0
    while (distance == step).any():
        onward = (distance[tail] == step) & (distance[head] == -1)
        np.add.at(paths, head[onward], paths[tail[onward]])
        distance[head[onward]] = step + 1
        step += 1
    return distance, paths


def busiest_path_flows(flows: int, paths: int) -> float:
    """Flows on the busiest of the paths, expected, when each flow takes one at random, as ECMP hashing does.

    Exact while there are up to 500 flows, from the distribution of the maximum of a multinomial; above it, the Gaussian
    approximation. Raises ValueError where either is below 1.
    Source: Raab and Steger, "Balls into Bins", RANDOM 1998, doi:10.1007/3-540-49543-6_13.
    """
    if flows < 1 or paths < 1:
        raise ValueError(f"busiest_path_flows: {flows} flows on {paths} paths, but there is at least one of each")
    if paths == 1:
        return float(flows)
    if flows > EXACT_FLOWS:
        mean = flows / paths
        return mean + sqrt(2 * mean * (1 - 1 / paths) * log(paths))
    return sum(1.0 - _at_most(limit, flows, paths) for limit in range(ceil(flows / paths), flows)) + ceil(flows / paths)


def _at_most(limit: int, flows: int, paths: int) -> float:
    """Chance that no path has more than `limit` flows.

    The counts are Poisson variables that happen to add up to `flows`: power of a truncated Poisson, over its own sum's.
    """
    one = _poisson(flows / paths, limit)
    base, power, result = one, paths, np.ones(1)
    while power:
        if power & 1:
            result = np.convolve(result, base)[: flows + 1]
        base, power = np.convolve(base, base)[: flows + 1], power >> 1
    if result.size <= flows:
        return 0.0
    return float(min(1.0, result[flows] / _poisson(float(flows), flows)[flows]))


def _poisson(mean: float, last: int) -> NDArray[np.float64]:
    """[last + 1] chances of 0 … last."""
    n = np.arange(last + 1)
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(n[1:]))])
    chances: NDArray[np.float64] = np.exp(n * log(mean) - mean - log_factorial)
    return chances
