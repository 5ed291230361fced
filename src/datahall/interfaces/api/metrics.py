"""The platform's figures in Prometheus text format."""

from collections.abc import Iterator

import psutil
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from datahall.interfaces.bootstrap import Platform
from datahall.platform.lifecycle import JobState
from datahall.platform.store.queries import counts_by_state


def exposition(platform: Platform) -> bytes:
    """All figures, gathered now."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(platform))
    return generate_latest(registry)


class _Collector:
    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        yield from self._jobs()
        yield from self._nodes()
        yield from self._process()
        yield from self._platform.samples()

    def _jobs(self) -> Iterator[Metric]:
        counts = counts_by_state(self._platform.database)
        family = GaugeMetricFamily("datahall_jobs", "Jobs by state", labels=["state"])
        for state in JobState:
            family.add_metric([str(state)], counts.get(str(state), 0))
        yield family

    def _nodes(self) -> Iterator[Metric]:
        cpus = GaugeMetricFamily("datahall_node_cpus", "CPUs of each node", labels=["node", "part"])
        memory = GaugeMetricFamily("datahall_node_memory_bytes", "Memory of each node", labels=["node", "part"])
        for node in list(self._platform.scheduler.state.nodes.values()):
            for part, amount in (("capacity", node.capacity), ("free", node.free)):
                cpus.add_metric([node.name, part], amount.cpu_milli / 1000)
                memory.add_metric([node.name, part], amount.memory_bytes)
        yield from (cpus, memory)

    def _process(self) -> Iterator[Metric]:
        process = psutil.Process()
        with process.oneshot():
            resident = process.memory_info().rss
            times = process.cpu_times()
        yield GaugeMetricFamily("datahall_resident_memory_bytes", "Memory of the control plane", value=resident)
        yield GaugeMetricFamily("datahall_cpu_seconds", "CPU time of the control plane", value=times.user + times.system)
        failing = 1.0 if self._platform.scheduler.trouble else 0.0
        yield GaugeMetricFamily("datahall_trouble", "1 while the database or the scheduler is in trouble", value=failing)
