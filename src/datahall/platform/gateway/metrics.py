"""The gateway's figures for Prometheus, built only when somebody asks."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from datahall.platform.gateway.app import Gateway
from datahall.platform.gateway.meter import BOUNDS_S, Meter

_KEEP_EACH = 4
"""Prometheus gets every fourth latency class, each four times the one before: percentiles here use all."""


def samples(gateway: Gateway) -> Iterator[Metric]:
    """Requests by endpoint, version and code; latencies; requests under way; ready replicas. From any thread."""
    requests = CounterMetricFamily(
        "datahall_requests", "Inference requests answered", labels=["endpoint", "tenant", "version", "code"]
    )
    latency = HistogramMetricFamily(
        "datahall_request_seconds", "From the first byte to the answer, s", labels=["endpoint", "tenant", "version"]
    )
    in_flight = GaugeMetricFamily("datahall_requests_in_flight", "Requests under way", labels=["endpoint", "tenant"])
    ready = GaugeMetricFamily(
        "datahall_replicas_ready", "Replicas that take requests", labels=["endpoint", "tenant", "version"]
    )
    for endpoint in list(gateway.endpoints.values()):
        labels = [endpoint.spec.name, endpoint.spec.tenant]
        in_flight.add_metric(labels, endpoint.under_way)
        for version, pool in list(endpoint.pools.items()):
            ready.add_metric([*labels, str(version)], len(pool.links))
        for version, meter in list(endpoint.meters.items()):
            for status, count in list(meter.codes.items()):
                requests.add_metric([*labels, str(version or ""), str(status)], count)
            latency.add_metric([*labels, str(version or "")], _buckets(meter), sum_value=meter.sum_s)
    yield from (requests, latency, in_flight, ready)


def _buckets(meter: Meter) -> list[tuple[str, float]]:
    """Cumulative counts by upper bound, the last one `+Inf`."""
    sums, total = [], 0
    classes = list(meter.classes)
    for bound_s, count in zip(BOUNDS_S, classes, strict=False):
        total += count
        sums.append((f"{bound_s:.6g}", float(total)))
    return [*sums[_KEEP_EACH - 1 :: _KEEP_EACH], ("+Inf", float(total + classes[-1]))]
