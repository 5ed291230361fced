"""The pool of free places: agrees with the plain search, adds up, forgets trials and keeps to cordons."""

import dataclasses
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datahall.foundation.errors import Conflict, Missing, Refused
from datahall.platform.events import Placement
from datahall.platform.placement import beside_services, gang_placement, most_workers
from datahall.platform.pool import Order, Pool
from datahall.platform.pool_nodes import PoolNode
from datahall.platform.resources import Resources
from datahall.platform.spec import JobSpec
from datahall.platform.state import Job, Node

Held = list[tuple[tuple[Placement, ...], Resources]]
Asks = list[tuple[Resources, int, Order]]
Use = tuple[Asks, list[int]]


def node(name: str, accelerators: int = 8, cpu_milli: int = 64_000, memory_bytes: int = 512, **more: object) -> PoolNode:
    ids = tuple(range(accelerators))
    return PoolNode(name, Resources(cpu_milli, memory_bytes, accelerators), ids, **more)  # type: ignore[arg-type]


def whole(accelerators: int) -> Resources:
    return Resources(1000 * accelerators, accelerators, accelerators)


def racks(count: int, size: int, accelerators: int = 8) -> Pool:
    """Racks of nodes, two racks to a leaf."""
    at = [(r, i) for r in range(count) for i in range(size)]
    return Pool(node(f"r{r}n{i}", accelerators, groups={"rack": f"r{r}", "leaf": f"l{r // 2}"}) for r, i in at)


def names(places: tuple[Placement, ...] | None) -> list[str]:
    return [place.node for place in places or ()]


def plain(pool: Pool, nodes: list[PoolNode], held: Held) -> list[Node]:
    """The same hall as the plain search sees it, worked out from what is held."""
    found = {n.name: Node(n.name, n.capacity, n.capacity, list(n.accelerators)) for n in nodes}
    for places, need in held:
        for place in places:
            at = found[place.node]
            at.free = at.free - need
            at.free_accelerators = [a for a in at.free_accelerators if a not in place.accelerators]
    return list(found.values())


NEEDS = st.builds(Resources, st.integers(0, 40).map(lambda c: c * 1000), st.integers(0, 300), st.integers(0, 9))
HALLS = st.lists(
    st.tuples(st.sampled_from([0, 1, 4, 8]), st.integers(1, 64).map(lambda c: c * 1000), st.integers(1, 512)),
    min_size=1,
    max_size=7,
).map(lambda rows: [node(f"n{i}", *row) for i, row in enumerate(rows)])
ORDERS = st.sampled_from(["packed", "spread", "first"])
ASKS = st.lists(st.tuples(NEEDS, st.integers(1, 9), ORDERS), max_size=12)
ENDS = st.lists(st.integers(0, 100), max_size=12)
SMALL_USES = st.tuples(
    st.lists(st.tuples(st.integers(1, 3).map(whole), st.integers(1, 9), ORDERS), min_size=3, max_size=12), ENDS
)
USES = st.tuples(ASKS, ENDS)
"""Gangs that ask in turn, and which of the held ones ends after each."""


def play(pool: Pool, use: Use, look: Callable[[Held], None] = lambda _: None) -> Held:
    """Take what fits, end some jobs between, and let `look` see each stage before the next ask."""
    asks, ends = use
    held: Held = []
    for i, (need, workers, order) in enumerate(asks):
        look(held)
        places = pool.fit(need, workers, order=order)
        if places is not None:
            pool.take(places, need)
            held.append((places, need))
        if held and i < len(ends):
            pool.give(*held.pop(ends[i] % len(held)))
    look(held)
    return held


@settings(max_examples=60, deadline=None)
@given(HALLS, USES, NEEDS, st.integers(1, 20), ORDERS)
def test_a_gang_fits_where_the_plain_search_finds_room(
    nodes: list[PoolNode], use: Use, need: Resources, workers: int, order: Order
) -> None:
    """Given any use of any hall, when a gang asks in any order, then it fits exactly when the plain search says so."""
    pool = Pool(nodes)

    def look(held: Held) -> None:
        expected = gang_placement(plain(pool, nodes, held), need, workers)
        places = pool.fit(need, workers, order=order)
        assert (places is None) == (expected is None)
        if places is not None:
            assert len(places) == workers
            with pool.trial():
                pool.take(places, need)  # refuses what is not free

    play(pool, use, look)


@settings(max_examples=60, deadline=None)
@given(HALLS, USES, NEEDS, st.integers(1, 9), st.booleans())
def test_a_demanded_rack_is_found_when_one_alone_has_room(
    nodes: list[PoolNode], use: Use, need: Resources, workers: int, demand: bool
) -> None:
    """Given any use, when a gang asks for one rack, then it sits in one exactly when some rack's own nodes would hold it."""
    placed = [dataclasses.replace(n, groups={"rack": f"r{i % 3}"}) for i, n in enumerate(nodes)]
    pool, rack = Pool(placed), {n.name: n.groups["rack"] for n in placed}

    def look(held: Held) -> None:
        left = plain(pool, nodes, held)
        one = any(gang_placement([n for n in left if rack[n.name] == r], need, workers) for r in rack.values())
        places = pool.fit(need, workers, together="rack", demand=demand)
        used = {rack[place.node] for place in places or ()}
        assert (len(used) == 1) == one if demand or one else len(used) != 1
        assert demand or (places is None) == (gang_placement(left, need, workers) is None)

    play(pool, use, look)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 12), st.lists(st.tuples(st.integers(1, 8), st.integers(0, 99)), max_size=40))
def test_one_node_jobs_sit_where_the_plain_search_puts_them(count: int, jobs: list[tuple[int, int]]) -> None:
    """Given jobs with CPUs in step with accelerators, when each asks, then it gets the plain search's places."""
    nodes = [node(f"n{i:02}", cpu_milli=8000, memory_bytes=8) for i in range(count)]
    pool, held = Pool(nodes), Held()
    for size, end in jobs:
        need = whole(size)
        assert pool.fit(need) == gang_placement(plain(pool, nodes, held), need, 1)
        if places := pool.fit(need):
            pool.take(places, need)
            held.append((places, need))
        if end % 3 == 0 and held:
            pool.give(*held.pop(end % len(held)))


@settings(max_examples=60, deadline=None)
@given(HALLS, USES)
def test_free_and_held_add_up_to_capacity(nodes: list[PoolNode], use: Use) -> None:
    """Given any history, when what jobs hold is added to what is free, then it is what the hall has."""
    pool = Pool(nodes)

    def look(held: Held) -> None:
        used = sum((need for places, need in held for _ in places), Resources())
        assert pool.free + used == pool.capacity
        assert pool.free_accelerators == pool.free.accelerators

    for places, need in play(pool, use, look):
        pool.give(places, need)
    assert pool.free == pool.capacity


def seen(pool: Pool) -> object:
    """All that a pool keeps."""
    index = pool._index
    rows = [(row.saved(), row.level, row.listed) for row in index.rows]
    return rows, list(index.levels), dict(pool._refused), len(pool._trials)


@settings(max_examples=60, deadline=None)
@given(HALLS, USES, USES, st.integers(0, 6))
def test_a_trial_leaves_no_trace(nodes: list[PoolNode], before: Use, inside: Use, cordoned: int) -> None:
    """Given any use, when anything is done within a trial, also within a second one, then afterwards all is as it was."""
    pool = Pool(nodes)
    held = play(pool, before)
    was = seen(pool)
    with pool.trial():
        for places, need in held:
            pool.give(places, need)
        pool.cordon(nodes[cordoned % len(nodes)].name)
        play(pool, inside)
        midway = seen(pool)
        with pool.trial():
            pool.down(nodes[0].name)
            pool.uncordon(nodes[cordoned % len(nodes)].name)
            play(pool, inside)
        assert seen(pool) == midway
    assert seen(pool) == was


@settings(max_examples=60, deadline=None)
@given(SMALL_USES, st.sets(st.integers(0, 3), max_size=2), st.sets(st.tuples(st.integers(0, 3), st.integers(0, 7)), min_size=4))
def test_cordoned_places_get_nothing(use: Use, shut: set[int], devices: set[tuple[int, int]]) -> None:
    """Given cordoned nodes and accelerators, when jobs come and go, then none of them ever sits there."""
    pool = Pool(node(f"n{i}") for i in range(4))
    closed = {f"n{i}" for i in shut}
    blocked = {(f"n{i}", device) for i, device in devices}
    for name in closed:
        pool.cordon(name)
    for name, device in blocked:
        pool.cordon(name, device)

    def look(held: Held) -> None:
        places = [place for job, _ in held for place in job]
        assert not {place.node for place in places} & closed
        assert not {(place.node, device) for place in places for device in place.accelerators} & blocked

    play(pool, use, look)


@settings(max_examples=60, deadline=None)
@given(HALLS, ASKS, NEEDS, st.integers(1, 20))
def test_beside_services_agrees_with_the_plain_sum(nodes: list[PoolNode], asks: Asks, need: Resources, workers: int) -> None:
    """Given services anywhere, when a gang asks to fit beside them, then the answer is the plain sum's."""
    pool = Pool(nodes)
    held = play(pool, (asks, []))
    jobs = [
        Job(i, JobSpec(command=["serve"], service=True, **_spec(held_need)), 0.0, placements=places)
        for i, (places, held_need) in enumerate(held)
        if held_need.cpu_milli
    ]
    services = [(places, held_need) for places, held_need in held if held_need.cpu_milli]
    room = beside_services(plain(pool, nodes, []), jobs)
    assert pool.fits_beside(need, workers, ((n, p) for p, n in services)) == (most_workers(room, need) >= workers)


def _spec(need: Resources) -> dict[str, object]:
    return {"cpus": need.cpu_milli / 1000, "memory": need.memory_bytes, "accelerators": need.accelerators}


def test_a_gang_keeps_to_one_rack_when_one_has_room() -> None:
    """Given racks of which one is half used, when a gang of a rack's other half asks, then it gets that half, in node order."""
    pool = racks(4, 4)
    pool.take((Placement("r2n0", tuple(range(8))), Placement("r2n1", tuple(range(8)))), whole(8))
    assert names(pool.fit(whole(8), 2, together="rack")) == ["r2n2", "r2n3"]


def test_a_gang_too_large_for_a_rack_takes_a_leaf_then_the_hall() -> None:
    """Given a leaf with five idle nodes and one with eight, when six prefer a rack, then they get it; nine sit anywhere."""
    pool = racks(4, 4)
    pool.take([Placement(name, tuple(range(8))) for name in ("r0n0", "r0n1", "r1n0")], whole(8))
    assert {name[:2] for name in names(pool.fit(whole(8), 6, together="rack"))} == {"r2", "r3"}
    assert len(set(names(pool.fit(whole(8), 9, together="rack")))) == 9


def test_a_demand_is_not_widened_and_is_remembered_apart() -> None:
    """Given racks of four nodes, when six nodes of one rack are demanded, then none fit, and six of any rack still do."""
    pool = racks(4, 4)
    assert pool.fit(whole(8), 6, together="rack", demand=True) is None
    assert pool.fit(whole(8), 6, together="leaf", demand=True) is not None
    assert pool.fit(whole(8), 6) is not None


def test_a_large_gang_takes_few_nodes_and_its_rest_fills_a_gap() -> None:
    """Given a part-used node, when ten single-accelerator workers ask, then one whole node and the fitting gap hold them."""
    pool = Pool(node(f"n{i}") for i in range(4))
    pool.take((Placement("n1", tuple(range(5))),), whole(5))
    pool.take((Placement("n2", tuple(range(6))),), whole(6))
    assert names(pool.fit(whole(1), 10)) == ["n0"] * 8 + ["n2"] * 2


def test_spread_takes_one_node_each_and_first_takes_them_in_order() -> None:
    """Given three empty nodes, when four workers ask, then spread goes round and first fills from the start."""
    pool = Pool(node(f"n{i}") for i in range(3))
    assert names(pool.fit(whole(2), 4, order="spread")) == ["n0", "n0", "n1", "n2"]
    assert names(pool.fit(whole(2), 5, order="first")) == ["n0"] * 4 + ["n1"]


def test_each_order_has_its_own_node_for_one_worker() -> None:
    """Given nodes with 5, 8 and 2 accelerators free, when one worker asks, then packed, spread and first differ."""
    pool = Pool(node(f"n{i}") for i in range(3))
    pool.take((Placement("n0", (0, 1, 2)),), whole(3))
    pool.take((Placement("n2", tuple(range(6))),), whole(6))
    found: dict[Order, list[str]] = {"packed": ["n2"], "spread": ["n1"], "first": ["n0"]}
    assert {order: names(pool.fit(whole(1), order=order)) for order in found} == found


def test_a_cordoned_accelerator_is_passed_over_until_it_is_opened() -> None:
    """Given a node whose accelerator 1 is cordoned, when jobs ask, then they get the others, seven at most."""
    pool = Pool([node("n")])
    pool.cordon("n", 1)
    assert pool.fit(whole(2)) == (Placement("n", (0, 2)),)
    assert pool.fit(whole(1), 3) == tuple(Placement("n", (i,)) for i in (0, 2, 3))
    assert pool.fit(whole(8)) is None
    assert not pool.fits_beside(whole(8), 1, ())
    with pytest.raises(Conflict, match="POOL-002"):
        pool.take((Placement("n", (1,)),), whole(1))
    pool.uncordon("n", 1)
    assert pool.fit(whole(8)) is not None


def test_a_cordoned_accelerator_of_a_service_counts_once() -> None:
    """Given a service on accelerators 0 and 1, when 1 is cordoned, then six are left beside it."""
    pool = Pool([node("n")])
    service = (whole(2), (Placement("n", (0, 1)),))
    pool.take(service[1], service[0])
    pool.cordon("n", 1)
    assert pool.fits_beside(whole(6), 1, [service])
    assert not pool.fits_beside(whole(7), 1, [service])


def test_a_kind_is_kept_to() -> None:
    """Given two kinds, when a job asks for one, then it gets it or nothing."""
    pool = Pool([node("a", kind="h100"), node("b", kind="b200")])
    assert names(pool.fit(whole(1), kind="b200")) == ["b"]
    assert pool.fit(whole(8), 2, kind="b200") is None
    assert pool.fit(whole(1), kind="tpu") is None


def test_a_refused_shape_is_tried_again_once_something_is_given_back() -> None:
    """Given a full node, when its job ends, then the shape refused before fits."""
    pool = Pool([node("n")])
    places = (Placement("n", tuple(range(8))),)
    pool.take(places, whole(8))
    assert pool.fit(whole(1)) is None
    pool.give(places, whole(8))
    assert pool.fit(whole(1)) is not None


@pytest.mark.parametrize("close, reopen", [(Pool.cordon, Pool.uncordon), (Pool.down, Pool.up)])
def test_a_closed_node_gets_its_free_places_back_when_opened(
    close: Callable[[Pool, str], None], reopen: Callable[[Pool, str], None]
) -> None:
    """Given a closed node whose job ends meanwhile, when it opens, then all of it can be given."""
    pool = Pool([node("n")])
    places = (Placement("n", (0, 1)),)
    pool.take(places, whole(2))
    close(pool, "n")
    pool.give(places, whole(2))
    assert pool.fit(whole(1)) is None
    reopen(pool, "n")
    assert names(pool.fit(whole(8))) == ["n"]


def test_a_running_job_is_taken_in_on_a_cordoned_node_only_as_adopted() -> None:
    """Given a cordoned node, when a job is put there, then it is refused unless it already runs there."""
    pool = Pool([node("n")])
    pool.cordon("n")
    with pytest.raises(Conflict, match="POOL-002 is cordoned"):
        pool.take((Placement("n", (0,)),), whole(1))
    pool.take((Placement("n", (0,)),), whole(1), adopted=True)
    assert pool.free == pool.capacity - whole(1)


def test_a_refused_take_changes_nothing() -> None:
    """Given two places of which the second is held, when both are taken, then neither is."""
    pool = Pool([node("a"), node("b")])
    pool.take((Placement("b", (0,)),), whole(1))
    was = seen(pool)
    with pytest.raises(Conflict, match="POOL-002 cannot give accelerators"):
        pool.take((Placement("a", (0,)), Placement("b", (0,))), whole(1))
    assert seen(pool) == was


def test_what_is_not_held_cannot_be_given_back() -> None:
    """Given one of two places held, when both are given back, then it is refused and that one is still held."""
    pool = Pool([node("a"), node("b")])
    pool.take((Placement("a", (0,)),), whole(1))
    was = seen(pool)
    for places in ((Placement("a", (0,)), Placement("b", (0,))), (Placement("b", (0,)),), (Placement("a", ()),)):
        with pytest.raises(Conflict, match="POOL-003"):
            pool.give(places, whole(1))
    assert seen(pool) == was


def test_a_kept_trial_stands_and_a_failed_one_does_not() -> None:
    """Given a trial that is kept, when it ends, then its takes stand; when an error ends it, they do not."""
    pool = Pool([node("n")])
    with pool.trial() as trial:
        pool.take((Placement("n", (0,)),), whole(1))
        trial.keep()
    assert pool.free_accelerators == 7
    with pytest.raises(KeyError), pool.trial() as trial:
        pool.take((Placement("n", (1,)),), whole(1))
        trial.keep()
        raise KeyError("later")
    assert pool.free_accelerators == 7


def test_what_an_inner_trial_keeps_the_outer_one_still_undoes() -> None:
    """Given a kept trial within one that is not, when both end, then nothing is held."""
    pool = Pool([node("n")])
    with pool.trial(), pool.trial() as inner:
        pool.take((Placement("n", (0,)),), whole(1))
        inner.keep()
    assert pool.free == pool.capacity


def test_ever_counts_closed_and_held_nodes_but_not_more_than_there_are() -> None:
    """Given a cordoned and a full node, when asked what could ever fit, then both count, and a rack only its own."""
    pool = racks(2, 2)
    pool.cordon("r0n0")
    pool.take((Placement("r0n1", tuple(range(8))),), whole(8))
    assert pool.could_ever_fit(whole(8), 4)
    assert not pool.could_ever_fit(whole(8), 5)
    assert not pool.could_ever_fit(whole(8), 3, together="rack")
    assert not pool.fits_beside(whole(8), 4, ())


def test_fragmentation_is_the_share_on_nodes_too_small() -> None:
    """Given 3 and 8 accelerators free on two nodes, when jobs of 4 ask, then 3 of 11 are lost, and half that in an even mix."""
    pool = Pool([node("a"), node("b")])
    pool.take((Placement("a", tuple(range(5))),), whole(5))
    assert pool.fragmentation({whole(4): 1.0}) == pytest.approx(3 / 11)
    assert pool.fragmentation({whole(4): 1.0, whole(1): 1.0}) == pytest.approx(1.5 / 11)
    with pytest.raises(ValueError, match="at least one job"):
        pool.fragmentation({})


def test_whole_nodes_counts_idle_open_ones() -> None:
    """Given one cordoned, one part used and one idle node, when whole nodes are counted, then there is one."""
    pool = Pool(node(f"n{i}") for i in range(3))
    pool.cordon("n0")
    pool.take((Placement("n1", (3,)),), whole(1))
    assert (pool.whole_nodes(8), pool.whole_nodes(7), pool.whole_nodes(9)) == (1, 1, 0)


def test_a_node_that_joins_again_is_idle_and_changed() -> None:
    """Given a node in use, when it joins again with fewer accelerators and in another rack, then that is what counts."""
    pool = Pool([node("a", groups={"rack": "r0"}), node("b", groups={"rack": "r0"})])
    pool.take((Placement("a", (0,)),), whole(1))
    pool.join(node("a", 4, groups={"rack": "r1"}))
    assert pool.free_accelerators == 12
    assert pool.fit(whole(4), 3, together="rack", demand=True) is None


def test_strange_ids_are_kept_and_bad_ones_are_refused() -> None:
    """Given a node whose accelerators are 3 and 5, when one is asked for, then it is 3; ids named twice are refused."""
    pool = Pool([PoolNode("n", Resources(8000, 8, 2), (3, 5))])
    assert pool.fit(whole(1)) == (Placement("n", (3,)),)
    with pytest.raises(Refused, match="POOL-001"):
        Pool([PoolNode("n", Resources(8000, 8, 2), (3, 3))])


def test_unknown_names_are_missing() -> None:
    """Given a pool, when another node, accelerator or nobody is named, then it says so."""
    pool = Pool([node("n")])
    with pytest.raises(Missing, match="POOL-005"):
        pool.cordon("m")
    with pytest.raises(Missing, match="POOL-006"):
        pool.cordon("n", 8)
    with pytest.raises(ValueError, match="workers=0"):
        pool.fit(whole(1), 0)
    with pytest.raises(ValueError, match="no node stands in a 'racks'; levels are rack, leaf, pod"):
        pool.fit(whole(1), 2, together="racks")
    with pool.trial(), pytest.raises(Conflict, match="POOL-004"):
        pool.join(node("m"))
