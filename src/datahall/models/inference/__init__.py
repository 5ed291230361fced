"""Time, memory, throughput and latency of serving a large model on a cluster. No framework is needed."""

from datahall.models.inference.checks import problems_of as problems_of
from datahall.models.inference.engines import engine_named as engine_named
from datahall.models.inference.engines import engines as engines
from datahall.models.inference.latency import latency_of as latency_of
from datahall.models.inference.memory import kv_capacity_tokens as kv_capacity_tokens
from datahall.models.inference.memory import memory_of as memory_of
from datahall.models.inference.phases import decode_s as decode_s
from datahall.models.inference.phases import prefill_s as prefill_s
from datahall.models.inference.result import Latency as Latency
from datahall.models.inference.result import ServingMemory as ServingMemory
from datahall.models.inference.result import StepTime as StepTime
from datahall.models.inference.result import Throughput as Throughput
from datahall.models.inference.spec import Engine as Engine
from datahall.models.inference.spec import InferencePlan as InferencePlan
from datahall.models.inference.spec import Load as Load
from datahall.models.inference.spec import PrefillPool as PrefillPool
from datahall.models.inference.spec import Speculation as Speculation
from datahall.models.inference.throughput import throughput_of as throughput_of
