"""Data-parallel training with PyTorch on the CPU: each worker sees its half of the rows, gradients are averaged.

It asks its environment who it is (RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT), as under torchrun, and writes a checkpoint
after every epoch into $DATAHALL_STATE, which outlives an attempt: started again, it goes on where it stopped.
"""

import argparse
import gc
import os
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

ROWS, FEATURES, BATCH = 1024, 20, 64


def rows_of(rank: int, world: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A linear rule with noise; worker `rank` takes every `world`-th row."""
    dice = torch.Generator().manual_seed(0)
    x = torch.randn(ROWS, FEATURES, generator=dice)
    rule = torch.randn(FEATURES, generator=dice)
    y = (x @ rule + 0.1 * torch.randn(ROWS, generator=dice) > 0).float()
    return x[rank::world], y[rank::world]


def same_everywhere(model: nn.Module) -> bool:
    """Whether this worker's weights equal the first one's, to the last bit."""
    ours = torch.cat([p.detach().flatten() for p in model.parameters()])
    first = ours.clone()
    dist.broadcast(first, src=0)
    return torch.equal(ours, first)


def save(path: Path, state: dict) -> None:
    temporary = path.with_suffix(".tmp")
    torch.save(state, temporary)
    os.replace(temporary, path)


def train(epochs: int) -> None:
    rank, world = dist.get_rank(), dist.get_world_size()
    torch.manual_seed(rank)  # different on purpose: DDP sends the first worker's weights to all
    model = DistributedDataParallel(nn.Sequential(nn.Linear(FEATURES, 16), nn.ReLU(), nn.Linear(16, 1)))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)

    checkpoint = Path(os.environ.get("DATAHALL_STATE", ".")) / "checkpoint.pt"
    first = 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        model.module.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        first = state["epoch"] + 1
        print(f"worker {rank} of {world} goes on at epoch {first}")

    x, y = rows_of(rank, world)
    for epoch in range(first, epochs):
        for start in range(0, len(x), BATCH):
            optimizer.zero_grad()
            logits = model(x[start : start + BATCH]).squeeze(1)
            nn.functional.binary_cross_entropy_with_logits(logits, y[start : start + BATCH]).backward()
            optimizer.step()
        if rank == 0:
            save(checkpoint, {"model": model.module.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch})
        dist.barrier()  # nobody begins the next epoch before the checkpoint of this one is whole

    with torch.no_grad():
        right = ((model(x).squeeze(1) > 0) == (y > 0.5)).sum()
    dist.all_reduce(right)
    same = same_everywhere(model)
    print(f"worker {rank} of {world}: accuracy {right.item() / ROWS:.3f}, weights as the first worker's: {same}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=5)
    epochs = parser.parse_args().epochs
    dist.init_process_group("gloo")
    train(epochs)
    gc.collect()  # the model holds the group: without this, gloo's threads may outlive Python and abort it
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
