"""Learning-rate schedules behind one interface.

`begin` is told the optimizer, whose learning rate is the trial's `lr`, the model and the number of steps of the whole
budget; `on_batch` follows every step, `on_epoch` every validation. The learning rate moves, never momentum, and never
above the trial's `lr`. Steps are taken with the schedule's `optimizer`: a plan of several stages may put another one
in its place, and other weights into the model, in `on_epoch`. What a schedule remembers is `state_dict`, to be loaded
before the state of its optimizer, where the learning rate is.
"""

import math
from abc import ABC, abstractmethod
from typing import Any

import torch


class Schedule:
    def begin(self, optimizer: torch.optim.Optimizer, *, model: torch.nn.Module, n_steps: int) -> None:
        self.optimizer = optimizer
        self.model = model
        self.n_steps = n_steps
        self.peak = self.lr

    @property
    def lr(self) -> float:
        return float(self.optimizer.param_groups[0]["lr"])

    def set_lr(self, lr: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = lr

    def on_batch(self) -> None:
        """After an optimizer step."""

    def on_epoch(self, valid_loss: float) -> None:
        """After the epoch's validation; `valid_loss` is finite."""

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        assert not state


class Constant(Schedule):
    """The learning rate stays."""


class Plateau(Schedule):
    """Multiply the learning rate by `factor` after more than `patience` epochs without a clearly lower validation loss.

    As torch's ReduceLROnPlateau at its defaults: lower means by more than one part in 10,000; the count starts anew
    after a reduction."""

    THRESHOLD = 1e-4

    def __init__(self, *, factor: float, patience: int) -> None:
        self.factor = factor
        self.patience = patience
        self.best = math.inf
        self.n_bad = 0

    def on_epoch(self, valid_loss: float) -> None:
        if valid_loss < self.best * (1 - self.THRESHOLD):
            self.best, self.n_bad = valid_loss, 0
        else:
            self.n_bad += 1
        if self.n_bad > self.patience:
            self.set_lr(self.lr * self.factor)
            self.n_bad = 0

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best, "n_bad": self.n_bad}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.best, self.n_bad = state["best"], state["n_bad"]


class _Curve(Schedule, ABC):
    """A learning rate that is a function of the share of the budget that is done."""

    def begin(self, optimizer: torch.optim.Optimizer, *, model: torch.nn.Module, n_steps: int) -> None:
        super().begin(optimizer, model=model, n_steps=n_steps)
        self.step = 0
        self.set_lr(self.at(0.0))

    @abstractmethod
    def at(self, done: float) -> float: ...

    def on_batch(self) -> None:
        self.step += 1
        self.set_lr(self.at(self.step / self.n_steps))

    def state_dict(self) -> dict[str, Any]:
        return {"step": self.step}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.step = state["step"]


class Cosine(_Curve):
    """Half a cosine from the learning rate to zero. Loshchilov & Hutter 2017, arXiv:1608.03983, without restarts."""

    def at(self, done: float) -> float:
        return _cosine(self.peak, 0.0, done)


class OneCycle(_Curve):
    """Up from a 25th of the learning rate during the `warmup` share of the budget, then down to a 10,000th of where it
    began, both along half a cosine. Smith & Topin 2018, arXiv:1708.07120, with torch's OneCycleLR's numbers."""

    START, END = 1 / 25, 1 / 25 / 10_000

    def __init__(self, *, warmup: float) -> None:
        self.warmup = warmup

    def at(self, done: float) -> float:
        if done < self.warmup:
            return _cosine(self.peak * self.START, self.peak, done / self.warmup)
        return _cosine(self.peak, self.peak * self.END, (done - self.warmup) / (1 - self.warmup))


def _cosine(start: float, end: float, share: float) -> float:
    """From start (share 0) to end (share 1) along half a cosine."""
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
