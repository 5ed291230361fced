"""PyTorch by hand with the same one-cycle schedule: 3 epochs, batch 128, peak 0.008, one thread, fused Adam."""

import fast_common
import torch
from torch import nn

torch.set_num_threads(1)
race = fast_common.Race()
x, y, tx, ty = (torch.from_numpy(part.copy()) for part in fast_common.mnist())
torch.manual_seed(0)
network = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))
optimiser = torch.optim.Adam(network.parameters(), fused=True)
steps = 3 * -(-len(y) // 128)
schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 0.008, total_steps=steps, pct_start=0.2, cycle_momentum=False)
for _ in range(3):
    for rows in torch.randperm(len(y)).split(128):
        loss = nn.functional.cross_entropy(network(x[rows]), y[rows])
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
    with torch.inference_mode():
        race.epoch((network(tx).argmax(1) == ty).float().mean())
race.report(f"torch {torch.__version__}")
