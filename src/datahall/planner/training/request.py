"""What is asked of a training run. What is left out is chosen, and the forecast says how."""

from pydantic import Field

from datahall.foundation.spec import Spec
from datahall.models.parallel.spec import Precision
from datahall.models.parallel.stacks import DEFAULT


class TrainRequest(Spec):
    """One training run on the accelerators of a hall.

    Ranges that need the hall or the model to be judged are checked by `problems_of_request`, so that all are told at once.
    """

    tokens: float
    """Of the whole run."""
    sequence: int | None = None
    """Tokens of one sequence; without it, what the model was pre-trained with, else its context."""
    global_batch: int | None = None
    """Sequences in one step; without it, the published batch of the model, else a stated rule."""
    accelerators: int | None = None
    """Of the hall's; without it, all of the chosen kind."""
    accelerator: str | None = None
    """Which kind, where the hall has several; without it, those with the highest peak together."""
    precision: Precision = "bf16"
    stack: str = DEFAULT
    """Software, by the name of a stack or in words that hold one, such as `megatron-core, CUDA graphs`."""
    pinned: dict[str, int | str | bool | None] = Field(default_factory=dict)
    """Fields of the plan that are given, such as `tensor: 8`; the others are searched."""
    packed: bool = True
    """Whether the run's servers stand side by side on the fabric, in the order of the plan's ranks; if not, every flow between
    domains may cross its narrowest tier."""
    start_h: int | None = None
    """Hour of the year in which the run starts, 0 to 8759; without it, energy is that of the year's mean hour."""
    asynchronous_checkpoints: bool = False
    """Whether training goes on while a checkpoint is written: then it waits only for the copy into the host's memory."""
    checkpoint_every_s: float | None = None
    """Work between two checkpoints, s; without it, Daly's best."""
    host_copy_bytes_per_s: float = 20e9
    """Of one accelerator, into its host's memory, while all of the host copy at once. Assumed: about a third of a PCIe 5.0 x16
    link's 63 GB/s, since the accelerators of a host share its memory."""
    detection_s: float = 600.0
    """From a failure until it is known which machine to leave out. Assumed: ten minutes, the time after which PyTorch's NCCL
    watchdog gives up on a collective (torch.distributed.init_process_group, default timeout), and what MegaScale states for
    finding a failure and its cause (Jiang et al., NSDI 2024, arXiv:2402.15627, section 4)."""
    scheduling_s: float = 180.0
    """From there until all processes have met again on the machines that are left. Assumed: a round figure, three minutes."""
    failures_per_accelerator_year: float | None = None
    """Unexpected interruptions that one accelerator adds to its job; without it, the published counts."""
    top: int = 10
    """Plans that are kept beside the best."""
    sweep: bool = True
    """Whether parts of the hall are tried too: the trade between time, money and energy."""
    what_ifs: bool = True
    """Whether changes of the hall are tried: what the next money should buy."""
