"""One policy a file; none of them looks at a clock, at dice or at an engine."""

from datahall.foundation.registry import Registry

POLICIES = Registry("policy", {"fifo": "datahall.platform.policies.fifo:Fifo"}, group="datahall.policies")
