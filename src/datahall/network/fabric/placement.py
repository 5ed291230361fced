"""Which leaf each port of each server is on."""

from math import ceil

import numpy as np
from numpy.typing import NDArray

from datahall.network.fabric.build import FabricBuild
from datahall.network.fabric.clos import Clos
from datahall.network.fabric.direct import DragonflySize
from datahall.network.fabric.wiring import Wiring


def leaves_of(build: FabricBuild) -> NDArray[np.int64]:
    """[servers, ports] number of the leaf (router, grid place), counted over all planes and pods.

    Servers fill leaf after leaf; a scalable unit starts on leaves of its own, and places for servers to come stay free.
    """
    wiring, shape = build.wiring, build.wiring.shape
    server = np.arange(build.servers, dtype=np.int64)[:, None]
    port = np.arange(build.endpoints_per_server, dtype=np.int64)[None, :]
    if isinstance(shape, Clos) and wiring.rails > 1:
        return _by_rail(wiring, shape, server, port, ports=build.endpoints_per_server)
    endpoint = server * build.endpoints_per_server + port
    if isinstance(shape, Clos):
        return _in_order(wiring, shape, server, endpoint, ports=build.endpoints_per_server)
    return endpoint // shape.endpoints_per_router if isinstance(shape, DragonflySize) else endpoint


def _by_rail(
    wiring: Wiring, shape: Clos, server: NDArray[np.int64], port: NDArray[np.int64], *, ports: int
) -> NDArray[np.int64]:
    """Rail r has its own leaves, or shares one with whole other rails."""
    on_leaf = shape.down // (ports // wiring.rails) // wiring.rails_per_leaf
    group = (port % wiring.rails) // wiring.rails_per_leaf
    leaves_of_group = shape.leaf_count * wiring.rails_per_leaf // wiring.rails
    if (unit := wiring.servers_per_unit) is None:
        return group * leaves_of_group + server // on_leaf
    leaves_of_unit = ceil(unit / on_leaf)
    return group * leaves_of_group + server // unit * leaves_of_unit + server % unit // on_leaf


def _in_order(
    wiring: Wiring, shape: Clos, server: NDArray[np.int64], endpoint: NDArray[np.int64], *, ports: int
) -> NDArray[np.int64]:
    if (unit := wiring.servers_per_unit) is None:
        return endpoint // shape.down
    leaves_of_unit = ceil(unit * ports / shape.down)
    return server // unit * leaves_of_unit + endpoint % (unit * ports) // shape.down
