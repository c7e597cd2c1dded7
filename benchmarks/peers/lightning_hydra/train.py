"""Lightning with Hydra: ``python train.py --multirun replicate=range(12) data=… out=…``."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

import hydra
import lightning
import numpy as np
import torch
from hydra.core.hydra_config import HydraConfig
from lightning.pytorch.callbacks import ModelCheckpoint
from omegaconf import DictConfig
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import plain

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)


class Data(lightning.LightningDataModule):
    """The three parts of a replicate."""

    def __init__(self, config: DictConfig) -> None:
        super().__init__()
        self.config = config

    def setup(self, stage: str) -> None:
        data = dict(np.load(self.config.data, allow_pickle=False))
        self.parts = plain.parts(data, self.config.replicate, self.config.model == "cnn")

    def train_dataloader(self) -> DataLoader:
        return DataLoader(self.parts["train"], self.config.batch, shuffle=True)

    def val_dataloader(self) -> DataLoader:
        return DataLoader(self.parts["validation"], self.config.batch)

    def test_dataloader(self) -> DataLoader:
        return DataLoader(self.parts["test"], self.config.batch)


class Model(lightning.LightningModule):
    """One network and how it is trained."""

    def __init__(self, config: DictConfig) -> None:
        super().__init__()
        self.config, self.images = config, config.model == "cnn"
        self.network = plain.cnn(config.kernel) if self.images else plain.fnn(config.depth)

    def loss(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        x, y = batch
        return (
            F.cross_entropy(self.network(x), y) if self.images else F.mse_loss(self.network(x), y)
        )

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        return self.loss(batch)

    def validation_step(self, batch: tuple[Tensor, Tensor], index: int) -> None:
        self.log("val_loss", self.loss(batch), on_epoch=True)

    def test_step(self, batch: tuple[Tensor, Tensor], index: int) -> None:
        x, y = batch
        right = (self.network(x).argmax(1) == y).float().mean() if self.images else self.loss(batch)
        self.log("metric", right, on_epoch=True, batch_size=len(y))

    def configure_optimizers(self) -> dict:
        kind = torch.optim.Adam if self.images else torch.optim.SGD
        optimizer = kind(self.parameters(), lr=self.config.rate)
        if self.images:
            return {"optimizer": optimizer}
        scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.1, patience=10)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "monitor": "val_loss"},
        }


@hydra.main(version_base=None, config_path=".", config_name="config")
def main(config: DictConfig) -> None:
    """Train and test one replicate."""
    torch.set_num_threads(1)
    lightning.seed_everything(config.replicate, verbose=False)
    folder = Path(HydraConfig.get().runtime.output_dir)
    trainer = lightning.Trainer(
        max_epochs=config.epochs,
        callbacks=[ModelCheckpoint(folder, monitor="val_loss")],
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        accelerator="cpu",
    )
    model, data = Model(config), Data(config)
    trainer.fit(model, data)
    metric = trainer.test(datamodule=data, ckpt_path="best", verbose=False)[0]["metric"]
    document = {"replicates": [config.replicate], "metric": [metric]}
    (folder / "metric.json").write_text(json.dumps(document))


if __name__ == "__main__":
    main()
