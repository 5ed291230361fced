"""One endpoint as it runs: its pools, its shares of traffic, its limits and its meters."""

from collections import defaultdict
from collections.abc import Callable, Sequence

from datahall.foundation.errors import Busy, Missing, Problem
from datahall.platform.gateway.limits import TokenBucket
from datahall.platform.gateway.link import Call
from datahall.platform.gateway.meter import Meter
from datahall.platform.gateway.pool import Pool
from datahall.platform.gateway.ports import Caller, ReplicaPlan
from datahall.platform.gateway.spec import EndpointSpec, VersionSpec
from datahall.platform.gateway.split import WeightedSplit

NO_VERSION = 0
"""The meter of requests that were answered before a version was chosen."""
_HELD_BODIES = 64
_MIN_HELD_BYTES = 64 * 1024 * 1024


class LiveEndpoint:
    """Takes calls in, or says why not."""

    def __init__(self, spec: EndpointSpec, *, on_change: Callable[[], None]) -> None:
        """on_change: called when a replica joined or left."""
        self.spec, self._on_change = spec, on_change
        self.pools: dict[int, Pool] = {}
        self.meters: dict[int, Meter] = defaultdict(Meter)
        self.under_way = self.held_bytes = 0
        self.routed: tuple[VersionSpec, ...] = ()
        """The versions that get traffic now; they follow the spec once they are ready."""
        self.shadow: Pool | None = None
        self._buckets: dict[str, TokenBucket] = {}
        self._only: Pool | None = None
        self.reload(spec)
        self.route(spec.versions)

    def reload(self, spec: EndpointSpec) -> None:
        """Take over new limits. Traffic moves later, by `route`."""
        self.spec = spec
        self._buckets.clear()
        self._max_held_bytes = max(_MIN_HELD_BYTES, _HELD_BODIES * spec.max_body_bytes)
        for pool in self.pools.values():
            pool.capacity = 2 * spec.max_batch

    def pool(self, version: int) -> Pool:
        """The pool of a version, made when it is new."""
        if version not in self.pools:
            self.pools[version] = Pool(self.spec.name, version, capacity=2 * self.spec.max_batch, on_change=self._on_change)
        return self.pools[version]

    def route(self, versions: Sequence[VersionSpec]) -> None:
        """Send traffic to these versions from now on; what waits for others waits for these."""
        self.routed = tuple(versions)
        shares = [(self.pool(row.version), row.weight) for row in versions if row.weight > 0]
        self._split = WeightedSplit(shares)
        self._only = shares[0][0] if len(shares) == 1 else None
        self.shadow = None if self.spec.shadow is None else self.pool(self.spec.shadow)
        numbers = {row.version for row in versions}
        stranded = [call for number, pool in self.pools.items() if number not in numbers for call in pool.drain_waiting()]
        for call in stranded:
            self.choose().resubmit(call)

    def drop_pool(self, version: int) -> None:
        """Forget a version without replicas; who asked for it by name is told."""
        pool = self.pools.pop(version, None)
        for call in pool.drain_waiting() if pool is not None else ():
            call.fail(self._served_no_longer(version))

    def serves(self, plan: ReplicaPlan) -> bool:
        """Whether a replica's version is its bundle here, or is none of ours and only being drained."""
        rows = (*self.routed, *self.spec.versions)
        return plan.tenant == self.spec.tenant and all(row.bundle == plan.bundle for row in rows if row.version == plan.version)

    def is_followed_by(self, spec: EndpointSpec) -> bool:
        """Whether `spec` is this endpoint after a change; otherwise it was removed, and another has its name now."""
        known = {row.version: row.bundle for row in (*self.spec.previous, *self.spec.versions)}
        rows = (*spec.previous, *spec.versions)
        return spec.tenant == self.spec.tenant and all(known.get(row.version, row.bundle) == row.bundle for row in rows)

    def choose(self) -> Pool:
        """The pool for a request that names no version: by weight, among those that have a replica."""
        if self._only is not None:
            return self._only
        pool = self._split.pick()
        if pool.links:
            return pool
        ready = (self.pools[row.version] for row in self.routed if row.weight > 0 and self.pools[row.version].links)
        return next(ready, pool)

    def pool_named(self, version: int) -> Pool:
        """The pool for a request that names its version. Raises Missing when that has gone since."""
        if version in self.pools:
            return self.pools[version]
        raise self._served_no_longer(version)

    def admit(self, caller: Caller, now_s: float) -> None:
        """Raises Busy when the queue is full or the caller's tenant sends too fast."""
        spec = self.spec
        if self.under_way >= spec.max_queue:
            what = f"{self.under_way} requests are under way, and {spec.max_queue} are allowed"
            raise Busy(Problem("GATE-040", spec.name, what, "try again in a second, or raise `max_queue` or `max_replicas`"))
        if self.held_bytes > self._max_held_bytes:
            what = f"bodies of {self.held_bytes} bytes are under way, and {self._max_held_bytes} are allowed"
            raise Busy(Problem("GATE-041", spec.name, what, "try again in a second, or send smaller bodies"))
        if spec.rate_per_s is not None:
            self._take_token(caller, spec.rate_per_s, now_s)

    def mirror(self, call: Call, twin: Call) -> None:
        """Send a copy of the call to the shadow version when that has room; its answer is only metered."""
        shadow = self.shadow
        if shadow is None or not any(len(link.calls) < shadow.capacity for link in shadow.links):
            return
        twin.body, twin.headers = call.body, call.headers
        shadow.submit(twin)

    @property
    def is_ready(self) -> bool:
        """A request that names no version would be answered now."""
        return any(self.pools[row.version].links for row in self.routed if row.weight > 0)

    @property
    def in_flight(self) -> int:
        return self.under_way

    def busy_s(self) -> float:
        """Seconds that answered requests spent here, added up: its growth per second is the mean number under way."""
        return sum(meter.sum_s for version, meter in self.meters.items() if version != NO_VERSION)

    def _served_no_longer(self, version: int) -> Missing:
        what = f"version {version} is served no longer"
        return Missing(Problem("GATE-011", self.spec.name, what, "ask without a version, or list /v2/models"))

    def _take_token(self, caller: Caller, rate_per_s: float, now_s: float) -> None:
        bucket = self._buckets.get(caller.tenant)
        if bucket is None:
            bucket = self._buckets[caller.tenant] = TokenBucket(rate_per_s, burst=self.spec.rate_burst, now_s=now_s)
        if wait_s := bucket.wait_s(now_s):
            what = f"tenant {caller.tenant} sends more than {rate_per_s:g} requests per second"
            raise Busy(Problem("GATE-042", self.spec.name, what, f"wait {wait_s:.2f} s, or raise `rate_per_s`"))
