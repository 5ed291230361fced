"""A cycle of continuous batching: what passes while every slot of a replica's batch serves one request, in closed form.

Prompts of B requests are read in pieces that share steps with decoding, and every sequence takes part in one step for each of
its tokens.

    steps = max(output - 1 + own prompt's steps, steps with prompts)        cycle = with x t(D, C) + without x t(D, 0)

C: tokens of prompts in a step that has some; D: sequences that decode, on average.
"""

from dataclasses import dataclass

from datahall.models.inference.replica import Replica, Work
from datahall.models.inference.result import StepTime
from datahall.models.inference.spec import Load


@dataclass(frozen=True)
class Cycle:
    """All slots served once."""

    seconds: float
    steps: float
    prompt_steps: float
    decode: float
    """Sequences decoding in a step, on average."""
    mixed: StepTime
    pure: StepTime

    @property
    def step(self) -> StepTime:
        """The average one."""
        share, mixed = min(1.0, self.prompt_steps / self.steps), self.mixed.breakdown()
        return StepTime(**{name: share * mixed[name] + (1 - share) * s for name, s in self.pure.breakdown().items()})


def cycle_of(replica: Replica, load: Load, slots: float) -> Cycle:
    """One cycle of so many slots. D and C depend on each other: three turns settle them."""
    decoding = decoding_steps(replica, load)
    decode, piece, prompts = slots, 1.0, slots * own_prompt(load)
    for _ in range(3):
        piece = prompt_piece(replica, load, decode, slots)
        with_prompts = prompts / piece
        steps = max(decoding + max(1.0, own_prompt(load) / piece), with_prompts)
        decode = slots * decoding / steps
    pure = replica.step(decoding_work(load, decode))
    mixed = replica.step(_mixed(replica, load, decode, piece))
    if replica.engine.mixed_steps:
        seconds = with_prompts * mixed.seconds + max(0.0, steps - with_prompts) * pure.seconds
    else:
        seconds = with_prompts * mixed.seconds + decoding * pure.seconds
        steps = decoding + with_prompts
    return Cycle(seconds, steps, with_prompts, decode, mixed, pure)


def filled_s(replica: Replica, load: Load, slots: float) -> float:
    """The first cycle of a finite run, s, until its first sequence ends: half of the slots decode while prompts are read."""
    piece = prompt_piece(replica, load, slots / 2, slots)
    with_prompts = slots * own_prompt(load) / piece
    mixed = replica.step(_mixed(replica, load, slots / 2, piece))
    rest = max(0.0, decoding_steps(replica, load) - with_prompts)
    return with_prompts * mixed.seconds + rest * replica.step(decoding_work(load, slots)).seconds


def own_prompt(load: Load) -> float:
    """Tokens of a prompt that must be read; the last one always is."""
    return max(1.0, load.input_tokens * (1 - load.prefix_hit_ratio))


def prompt_piece(replica: Replica, load: Load, decode: float, slots: float) -> float:
    """Tokens of prompts in a step that has any: whole prompts up to the step's limit, or as many as come due.

    In a finite run all slots begin together, so that as many as the step takes come due.
    """
    most = (replica.plan.step_tokens or replica.engine.step_tokens) - (decode if replica.engine.mixed_steps else 0.0)
    one = own_prompt(load)
    most = max(1.0, most, 0.0 if replica.engine.chunked_prefill else one)
    due = slots * one if load.requests else max(one, slots * one / load.output_tokens)
    return min(most, due, slots * one)


def _mixed(replica: Replica, load: Load, decode: float, piece: float) -> Work:
    """A step that reads prompts; sequences decode beside them where the engine mixes both."""
    seen, ended = load.input_tokens * load.prefix_hit_ratio + own_prompt(load) / 2, piece / own_prompt(load)
    return Work(decode if replica.engine.mixed_steps else 0.0, context_of(load), piece, seen, ended)


def decoding_work(load: Load, decode: float) -> Work:
    """So many sequences, half of their answers written."""
    return Work(decode, context_of(load))


def context_of(load: Load) -> float:
    return load.input_tokens + load.output_tokens / 2


def decoding_steps(replica: Replica, load: Load) -> float:
    """Steps of one sequence after its first token."""
    return (load.output_tokens - 1) / tokens_per_step(replica)


def tokens_per_step(replica: Replica) -> float:
    return replica.plan.speculation.tokens_per_step if replica.plan.speculation else 1.0
