"""How a training step is spread over accelerators."""

from typing import Literal

from pydantic import Field

from datahall.foundation.spec import Spec

Precision = Literal["fp32", "bf16", "fp16", "fp8", "nvfp4"]
Recompute = Literal["none", "selective", "operators", "full"]


class TrainPlan(Spec):
    """One way to run a training step. Accelerators = tensor x pipeline x context x data."""

    global_batch: int = Field(ge=1)
    """Sequences in one step."""
    sequence: int = Field(ge=1)
    """Tokens of one."""
    micro_batch: int = Field(default=1, ge=1)
    """Sequences that one pipeline takes at once."""
    tensor: int = Field(default=1, ge=1)
    pipeline: int = Field(default=1, ge=1)
    chunks: int = Field(default=1, ge=1)
    """Model chunks on each pipeline stage (interleaved schedule, virtual stages)."""
    context: int = Field(default=1, ge=1)
    """Ranks that share one sequence."""
    expert: int = Field(default=1, ge=1)
    """Ranks that share the experts: carved out of data x context, never multiplied."""
    expert_tensor: int | None = Field(default=None, ge=1)
    """Ranks that split each expert; without it, the tensor ranks. With fewer, the expert ranks are carved out of tensor x data
    x context. Source: Liu et al., arXiv:2504.14960 (parallel folding); --expert-tensor-parallel-size of Megatron Core."""
    data: int = Field(default=1, ge=1)
    zero: Literal[0, 1, 2, 3] = 0
    """Data ranks shard: 1 optimiser, 2 gradients too, 3 weights too (FSDP). Source: Rajbhandari et al., arXiv:1910.02054."""
    shard: int | None = Field(default=None, ge=1)
    """Ranks over which `zero` shards, where fewer than all data ranks (HSDP)."""
    sequence_parallel: bool = True
    """Norms and dropouts sharded over the tensor ranks. Source: Korthikanti et al., arXiv:2205.05198."""
    recompute: Recompute = "none"
    """What is computed again in the backward pass: `selective` the scores of attention (Korthikanti et al.), `operators` all
    but attention's output and every other matrix product (torchtitan's selective `op`), `full` each layer."""
    flash_attention: bool = True
    """Attention whose scores are never written. Source: Dao et al., arXiv:2205.14135."""
    schedule: Literal["1f1b", "interleaved", "zero_bubble", "dualpipe"] = "1f1b"
    precision: Precision = "bf16"
    gradient_bytes: Literal[2, 4] = 4
    """Bytes of a gradient while it is kept and reduced."""
    optimiser_bytes: int = Field(default=12, ge=0, le=16)
    """Of each parameter: fp32 copy and two moments are 12."""
    offload_optimiser: bool = False
    dropout: bool = False
    """Whether masks of dropout are kept, as GPT-3's training did."""
    logit_bytes: int = Field(default=6, ge=2, le=16)
    """Of each logit while the loss is differentiated: 6 where softmax is done in place (Megatron-LM), 12 where PyTorch's
    cross_entropy keeps log_softmax, its gradient and that of the loss, in fp32."""
    bucket_elements: int = Field(default=0, ge=0)
    """Of a buffer through which gradients are reduced and one through which weights are gathered, where the stack copies
    them: 5e8 in DeepSpeed unless configured."""
    narrow_inputs: bool = False
    """Whether products keep their inputs for backward in the 8 or 4 bits in which they were multiplied, and weights are held
    in 8 bits, so that no copies lie beside them: Transformer Engine under NVIDIA's recipes (transformer_engine/pytorch/module,
    save_for_backward; fp8_param_gather). torchtitan's float8 keeps 16 bits. Without effect in 16 bits or more."""
    keeps_outputs: bool = False
    """Whether a stage keeps its output until backward, as DeepSpeed's pipeline does and Megatron-LM does not."""

    @property
    def accelerators(self) -> int:
        return self.tensor * self.pipeline * self.context * self.data

    @property
    def expert_split(self) -> int:
        """Ranks that split each expert."""
        return self.expert_tensor or self.tensor

    @property
    def micro_batches(self) -> int:
        """Micro-batches that each pipeline runs in one step; the batch must divide."""
        return self.global_batch // (self.data * self.micro_batch)
