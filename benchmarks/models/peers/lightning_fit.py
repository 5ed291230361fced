"""Lightning's Trainer over a DataLoader of in-memory tensors."""

import logging
import warnings

import common
import lightning
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
torch.set_num_threads(1)
x, y, vx, vy, batch, epochs = common.arguments()
watch = common.Stopwatch()


class Perceptron(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        layers = (nn.Linear(x.shape[1], 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, int(y.max()) + 1))
        self.layers, self.right, self.accuracy = nn.Sequential(*layers), 0, 0.0

    def training_step(self, batch, _index):
        return nn.functional.cross_entropy(self.layers(batch[0]), batch[1])

    def on_validation_epoch_start(self):
        self.right = 0

    def validation_step(self, batch, _index):
        self.right += (self.layers(batch[0]).argmax(1) == batch[1]).sum()

    def on_validation_epoch_end(self):
        self.accuracy = float(self.right) / len(vy)

    def on_train_epoch_end(self):
        watch.lap()

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=1e-3, fused=True)


lightning.seed_everything(0, verbose=False)
rows = TensorDataset(torch.from_numpy(x), torch.from_numpy(y).long())
checks = TensorDataset(torch.from_numpy(vx), torch.from_numpy(vy).long())
module = Perceptron()
trainer = lightning.Trainer(
    max_epochs=epochs,
    accelerator="cpu",
    logger=False,
    enable_checkpointing=False,
    enable_progress_bar=False,
    enable_model_summary=False,
    num_sanity_val_steps=0,
)
trainer.fit(module, DataLoader(rows, batch_size=batch, shuffle=True), DataLoader(checks, batch_size=1000))
common.report(f"lightning {lightning.__version__}", watch.seconds, module.accuracy)
