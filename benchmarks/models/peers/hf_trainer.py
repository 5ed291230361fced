"""The Hugging Face Trainer over in-memory tensors."""

import tempfile

import common
import torch
import transformers
from torch import nn
from transformers import Trainer, TrainerCallback, TrainingArguments

torch.set_num_threads(1)
x, y, vx, vy, batch, epochs = common.arguments()
watch = common.Stopwatch()


class Rows(torch.utils.data.Dataset):
    def __init__(self, x, y):
        self.x, self.y = torch.from_numpy(x), torch.from_numpy(y).long()

    def __len__(self):
        return len(self.y)

    def __getitem__(self, index):
        return {"x": self.x[index], "labels": self.y[index]}


class Perceptron(nn.Module):
    def __init__(self):
        super().__init__()
        layers = (nn.Linear(x.shape[1], 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, int(y.max()) + 1))
        self.layers = nn.Sequential(*layers)

    def forward(self, x, labels=None):
        logits = self.layers(x)
        return {"loss": nn.functional.cross_entropy(logits, labels), "logits": logits}


class Laps(TrainerCallback):
    def on_evaluate(self, _arguments, _state, _control, **_named):
        watch.lap()


with tempfile.TemporaryDirectory() as folder:
    arguments = TrainingArguments(
        folder,
        num_train_epochs=epochs,
        per_device_train_batch_size=batch,
        per_device_eval_batch_size=1000,
        learning_rate=1e-3,
        lr_scheduler_type="constant",
        optim="adamw_torch_fused",
        eval_strategy="epoch",
        save_strategy="no",
        logging_strategy="no",
        report_to=[],
        disable_tqdm=True,
        use_cpu=True,
        dataloader_pin_memory=False,
    )
    trainer = Trainer(
        Perceptron(),
        arguments,
        train_dataset=Rows(x, y),
        eval_dataset=Rows(vx, vy),
        callbacks=[Laps()],
        compute_metrics=lambda p: {"accuracy": float((p.predictions.argmax(1) == p.label_ids).mean())},
    )
    trainer.remove_callback(transformers.PrinterCallback)
    trainer.train()
    right = next(entry["eval_accuracy"] for entry in reversed(trainer.state.log_history) if "eval_accuracy" in entry)
common.report(f"transformers {transformers.__version__}", watch.seconds, right)
