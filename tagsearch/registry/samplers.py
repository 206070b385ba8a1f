"""Which clips are drawn, and what is done to a batch of them."""

from tagsearch.registry.entries import Entry, Knob
from tagsearch.registry.sources import HOMEWORK

SAMPLERS: dict[str, Entry] = {
    "shuffle": Entry(
        target="tagsearch.samplers.shuffle:Shuffle",
        summary="every clip once an epoch, in random order",
        source="common practice",
    ),
    "tag_uniform": Entry(
        target="tagsearch.samplers.tag_uniform:TagUniform",
        summary="draw a tag uniformly, then a clip that has it, with replacement",
        source="GCT634 homework 2, 2021 edition; Shen et al. 2016 (class-aware sampling)",
        corrects_frequency=True,
    ),
    "power": Entry(
        target="tagsearch.samplers.power:Power",
        summary="one exponent from drawing clips alike (1) over the square root (1/2) to drawing tags alike (0)",
        source="Mahajan et al. 2018, arXiv:1805.00932; Kang et al. 2020, arXiv:1910.09217",
        knobs={"exponent": Knob(default=0.5, low=0.0, high=1.0, reason="the square root, Mahajan et al. 2018")},
        corrects_frequency=True,
    ),
    "repeat_factor": Entry(
        target="tagsearch.samplers.repeat_factor:RepeatFactor",
        summary="repeat the clips that have a tag rarer than a threshold",
        source="Gupta et al. 2019 (LVIS), arXiv:1908.03195",
        knobs={
            "threshold": Knob(default=0.05, low=1e-4, high=1.0, reason="the rarer half of MTAT's 50 tags lie below it")
        },
        corrects_frequency=True,
    ),
}

AUGMENTATIONS: dict[str, Entry] = {
    "none": Entry(
        target="tagsearch.augment.none:NoAugmentation", summary="chunks as they were recorded", source=HOMEWORK
    ),
    "spec_augment": Entry(
        target="tagsearch.augment.spec_augment:SpecAugment",
        summary="hide a few ranges of mel bands and of frames of each log-mel chunk",
        source="Park et al. 2019, arXiv:1904.08779",
        knobs={
            "freq_masks": Knob(default=2, low=0, high=10, reason="Park et al. 2019, policy SM"),
            "freq_width": Knob(default=0.2, low=0.0, high=1.0, reason="share of the bands; policy SM's 15 of 80"),
            "time_masks": Knob(default=2, low=0, high=10, reason="policy SM"),
            "time_width": Knob(default=0.2, low=0.0, high=1.0, reason="share of the frames; policy SM's bound"),
        },
        needs_front_end=("log_mel",),
    ),
    "mixup": Entry(
        target="tagsearch.augment.mixup:Mixup",
        summary="lay each chunk over another one of its batch, and so their labels",
        source="Zhang et al. 2018, arXiv:1710.09412",
        knobs={
            "alpha": Knob(default=0.2, low=0.01, high=10.0, reason="Zhang et al. 2018 use 0.1 to 0.4"),
            "per": Knob(default="batch", choices=("batch", "clip"), reason="one lambda a batch, the authors' code"),
        },
    ),
}
