"""Time, memory, throughput and latency of serving a large model on a cluster. No framework is needed."""
