"""The train step: `inputs/data` in; the trained network, its history and how it was made out."""

import copy
from collections.abc import Callable
from typing import NoReturn

from torch import nn

from datahall.models.families.trained import TrainedCard, save_trained
from datahall.models.steps import Step, Stopped
from datahall.models.train.checkpoint import Checkpoints
from datahall.models.train.energy import RunMeter
from datahall.models.train.job import Job, load_job
from datahall.models.train.outputs import save_records
from datahall.models.train.progress import EpochRecord, Progress
from datahall.models.train.threads import fastest_threads, use_threads
from datahall.models.train.training import Outside, Training


def run(step: Step) -> None:
    """Train as the step's configuration says, from its newest checkpoint if there is one.

    Raises Stopped after a requested stop, Refused for bad input, Unprocessable when the loss stops being a number,
    Unavailable when the disk is full.
    """
    job = load_job(step)
    checkpoints = Checkpoints(step.state, fingerprint=job.fingerprint, say=step.say)
    training = resumed(job, checkpoints, step.say) or started(job, cpus=step.cpus)
    meter = RunMeter(training.progress.energy, threads=training.progress.threads, device=job.device)
    ties = outside(step, checkpoints, meter)
    training.run(ties)
    ties.checkpoint(training)
    save_trained(step.outputs, training.network, _card(job))
    save_records(step.outputs, training, seed=job.seed)
    step.say(f"Training ended: {training.progress.stopped_because}.")


def started(job: Job, *, cpus: int) -> Training:
    """A run at its beginning, with the threads that the spec asks for or that measure fastest."""
    network = job.network()

    def trial() -> Callable[[], None]:
        return _one_update(_training(job, Progress(), network=copy.deepcopy(network)))

    wanted = job.train.threads
    threads = use_threads(wanted) if isinstance(wanted, int) else fastest_threads(cpus, trial)
    return _training(job, Progress(threads=threads), network=network)


def resumed(job: Job, checkpoints: Checkpoints, say: Callable[[str], None]) -> Training | None:
    """The run as its newest checkpoint left it; None when there is none."""
    saved = checkpoints.newest()
    if saved is None:
        return None
    use_threads(saved.progress.threads)
    training = _training(job, saved.progress)
    training.restore(saved.tensors)
    say(f"Going on from the checkpoint at update {saved.progress.updates}, epoch {saved.progress.epoch + 1}.")
    return training


def outside(step: Step, checkpoints: Checkpoints, meter: RunMeter) -> Outside:
    """The loop's ties to the step: when to stop, where to save, whom to tell."""

    def checkpoint(training: Training) -> None:
        training.progress.energy = meter.total()
        checkpoints.write(training.progress, training.state())

    def stop(training: Training) -> NoReturn:
        checkpoint(training)
        step.say(f"Stopped on request at update {training.progress.updates}; the next attempt goes on from there.")
        raise Stopped

    def epoch_done(record: EpochRecord) -> None:
        step.metrics.log(record.metrics(), step=record.epoch)
        step.say(record.line())

    return Outside(stop_requested=lambda: step.stop_requested, checkpoint=checkpoint, stop=stop, epoch_done=epoch_done)


def _training(job: Job, progress: Progress, *, network: nn.Module | None = None) -> Training:
    return Training(
        network or job.network(),
        job.train,
        batches=job.batches,
        validation=job.validation,
        autocast=job.autocast,
        progress=progress,
    )


def _one_update(training: Training) -> Callable[[], None]:
    """A function that trains `training` by its first batch."""
    training.batches.deal(0)

    def update() -> None:
        x, y_B = training.batches[0]
        training.step(x, y_B, learning_rate=training.rate(0), loss=training.losses[0])

    return update


def _card(job: Job) -> TrainedCard:
    data = job.dataset
    return TrainedCard(
        model=job.model,
        row_shape=data.row_shape,
        labels=data.labels,
        kind=data.kind,
        normaliser=data.normaliser.as_dict(),
    )
