"""Optimizers, learning-rate schedules and the settings of a trial that belong to no component."""

from tagsearch.registry.entries import Entry, Knob
from tagsearch.registry.sources import HOMEWORK

_WEIGHT_DECAY = Knob(default=0.0, low=0.0, high=1.0, reason="the homework baseline uses none")
_BETA1 = Knob(default=0.9, low=0.0, high=0.9999, reason="Kingma & Ba 2015")
_BETA2 = Knob(default=0.999, low=0.0, high=0.99999, reason="Kingma & Ba 2015")
OPTIMIZERS: dict[str, Entry] = {
    "sgd": Entry(
        target="tagsearch.training.optimizers:sgd",
        summary="stochastic gradient descent with Nesterov momentum",
        source=HOMEWORK,
        knobs={
            "momentum": Knob(default=0.9, low=0.0, high=0.9999, reason="the homework baseline"),
            "weight_decay": _WEIGHT_DECAY,
        },
    ),
    "adam": Entry(
        target="tagsearch.training.optimizers:adam",
        summary="Adam",
        source="Kingma & Ba 2015, arXiv:1412.6980",
        knobs={"beta1": _BETA1, "beta2": _BETA2, "weight_decay": _WEIGHT_DECAY},
    ),
    "adamw": Entry(
        target="tagsearch.training.optimizers:adamw",
        summary="Adam with decoupled weight decay",
        source="Loshchilov & Hutter 2019, arXiv:1711.05101",
        knobs={
            "beta1": _BETA1,
            "beta2": _BETA2,
            "weight_decay": Knob(default=0.01, low=0.0, high=1.0, reason="torch's default, from the paper's range"),
        },
    ),
}

SCHEDULES: dict[str, Entry] = {
    "constant": Entry(
        target="tagsearch.training.schedules:Constant", summary="the learning rate stays", source="common practice"
    ),
    "plateau": Entry(
        target="tagsearch.training.schedules:Plateau",
        summary="divide the learning rate when the validation loss stalls",
        source=HOMEWORK,
        knobs={
            "factor": Knob(default=0.2, low=0.01, high=0.99, reason="the homework baseline"),
            "patience": Knob(default=5, low=0, high=1000, reason="epochs without progress; the homework baseline"),
        },
    ),
    "cosine": Entry(
        target="tagsearch.training.schedules:Cosine",
        summary="half a cosine from the learning rate down to zero over the epoch budget",
        source="Loshchilov & Hutter 2017, arXiv:1608.03983",
    ),
    "one_cycle": Entry(
        target="tagsearch.training.schedules:OneCycle",
        summary="warm up to the learning rate, then anneal, once over the epoch budget",
        source="Smith & Topin 2018, arXiv:1708.07120",
        knobs={"warmup": Knob(default=0.3, low=0.01, high=0.9, reason="share of the budget; torch's default")},
    ),
    "adam_then_sgd": Entry(
        target="tagsearch.training.adam_then_sgd:AdamThenSGD",
        summary="Adam, then SGD in three steps of learning rate, each from the best weights so far",
        source="Won et al. 2020, arXiv:2006.00751, training code",
        knobs={
            "adam_share": Knob(default=0.4, low=0.01, high=0.9, reason="80 of 200 epochs"),
            "step_share": Knob(default=0.1, low=0.01, high=0.5, reason="20 of 200 epochs"),
            "adam_factor": Knob(default=0.1, low=1e-4, high=1.0, reason="Adam's 1e-4 to SGD's first 1e-3"),
            "drop": Knob(default=0.1, low=0.01, high=1.0, reason="SGD's 1e-3, 1e-4, 1e-5"),
            "momentum": Knob(default=0.9, low=0.0, high=0.9999, reason="Won et al. 2020, with Nesterov"),
        },
        needs_optimizer=("adam",),
    ),
}

# Settings of a trial that belong to no component.
TRAINING: dict[str, Knob] = {
    "lr": Knob(default=1e-3, low=1e-8, high=100.0, reason="the homework baseline"),
    "epochs": Knob(default=10, low=1, high=100_000, reason="the homework baseline (2025)"),
    "batch_size": Knob(default=16, low=1, high=65_536, reason="the homework baseline"),
    "clip_grad_norm": Knob(
        default=0.0, low=0.0, high=1e6, reason="0: gradients are not clipped; the homework baseline"
    ),
    "precision": Knob(
        default="float32",
        choices=("float32", "bf16"),
        reason="bf16 trains 2-D networks up to 3 times as fast, but cost cnn2d 0.01 of validation PR AUC; "
        "no loss is shown for cnn1d and short_chunk_res",
    ),
    "channels_last": Knob(
        default=True,
        reason="2-D networks train 1.4 times as fast on a CPU, 1-D ones are not touched",
    ),
}
