"""The plan of Won et al.: Adam, then SGD in three steps of learning rate, each from the best weights so far.

With the defaults, a learning rate of 1e-3, `optimizer: {adam: {weight_decay: 1.0e-4}}` and 200 epochs it is the plan
of their nine models: Adam at 1e-4 for 80 epochs, then SGD with Nesterov momentum at 1e-3 and 1e-4 for 20 epochs each,
and at 1e-5 to the end. In another budget the stages keep their shares. A stage ends with the first epoch that reaches
its end; the next one begins from the weights of the lowest validation loss so far. SGD takes over Adam's weight decay,
and keeps its momentum from step to step. Source: Won et al. 2020, arXiv:2006.00751, and the authors' training code.
"""

import math
from typing import Any

import torch

from tagsearch.training.schedules import Schedule

_ROUNDING = 1e-9  # of sums of shares


class AdamThenSGD(Schedule):
    def __init__(
        self, *, adam_share: float, step_share: float, adam_factor: float, drop: float, momentum: float
    ) -> None:
        self.ends = [adam_share + k * step_share - _ROUNDING for k in range(3)]  # of all stages but the last
        self.adam_factor = adam_factor
        self.drop = drop
        self.momentum = momentum
        self.stage = 0
        self.step = 0
        self.best = math.inf
        self.best_weights: dict[str, torch.Tensor] = {}

    def begin(self, optimizer: torch.optim.Optimizer, *, model: torch.nn.Module, n_steps: int) -> None:
        super().begin(optimizer, model=model, n_steps=n_steps)
        self.set_lr(self.peak * self.adam_factor)

    def on_batch(self) -> None:
        self.step += 1

    def on_epoch(self, valid_loss: float) -> None:
        if valid_loss < self.best:
            self.best = valid_loss
            self.best_weights = {name: value.clone() for name, value in self.model.state_dict().items()}
        stage = sum(self.step / self.n_steps >= end for end in self.ends)
        if stage > self.stage:
            self.model.load_state_dict(self.best_weights)
            self._enter(stage)

    def _enter(self, stage: int) -> None:
        if self.stage == 0:
            weight_decay = self.optimizer.param_groups[0]["weight_decay"]
            self.optimizer = torch.optim.SGD(
                self.model.parameters(),
                lr=self.peak,
                momentum=self.momentum,
                weight_decay=weight_decay,
                nesterov=self.momentum > 0,
                fused=True,
            )
        self.stage = stage
        self.set_lr(self.peak * self.drop ** (stage - 1))

    def state_dict(self) -> dict[str, Any]:
        return {"stage": self.stage, "step": self.step, "best": self.best, "best_weights": self.best_weights}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.step, self.best, self.best_weights = state["step"], state["best"], state["best_weights"]
        if state["stage"] > 0:
            self._enter(state["stage"])
