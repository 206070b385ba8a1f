"""Losses."""

from tagsearch.registry.entries import Entry, Knob
from tagsearch.registry.sources import HOMEWORK

LOSSES: dict[str, Entry] = {
    "bce": Entry(
        target="tagsearch.losses.bce:BCE",
        summary="binary cross-entropy, mean over clips and tags",
        source=f"{HOMEWORK}; label smoothing: Szegedy et al. 2016, arXiv:1512.00567",
        knobs={"smoothing": Knob(default=0.0, low=0.0, high=0.5, reason="the homework's; 0.05 to 0.1 is usual")},
    ),
    "weighted_bce": Entry(
        target="tagsearch.losses.weighted_bce:WeightedBCE",
        summary="cross-entropy whose positives count more, the rarer their tag",
        source="common practice (pos_weight)",
        knobs={
            "power": Knob(default=0.5, low=0.0, high=1.0, reason="half way to equal weight of positives and negatives"),
            "cap": Knob(default=20.0, low=1.0, high=1e4, reason="a tag in one clip of 400 at power 0.5"),
        },
        corrects_frequency=True,
    ),
    "focal": Entry(
        target="tagsearch.losses.focal:Focal",
        summary="focal loss: easy clips count less",
        source="Lin et al. 2017, arXiv:1708.02002",
        knobs={
            "gamma": Knob(default=2.0, low=0.0, high=10.0, reason="Lin et al. 2017; 0 is plain cross-entropy"),
            "alpha": Knob(default=0.25, low=0.01, high=0.99, reason="Lin et al. 2017; weight of the positives"),
        },
    ),
    "asymmetric": Entry(
        target="tagsearch.losses.asymmetric:Asymmetric",
        summary="asymmetric loss: easy negatives count less than easy positives, very easy ones not at all",
        source="Ridnik et al. 2021, arXiv:2009.14119",
        knobs={
            "gamma_neg": Knob(default=4.0, low=0.0, high=10.0, reason="Ridnik et al. 2021"),
            "gamma_pos": Knob(default=0.0, low=0.0, high=10.0, reason="Ridnik et al. 2021; their code's default is 1"),
            "clip": Knob(default=0.05, low=0.0, high=0.5, reason="Ridnik et al. 2021; shift of a negative's score"),
        },
    ),
    "class_balanced": Entry(
        target="tagsearch.losses.class_balanced:ClassBalanced",
        summary="cross-entropy in which a tag counts by the inverse of its effective number of clips",
        source="Cui et al. 2019, arXiv:1901.05555",
        knobs={"beta": Knob(default=0.999, low=0.0, high=0.999999, reason="the middle of the paper's 0.9 to 0.9999")},
        corrects_frequency=True,
    ),
    "logit_adjusted": Entry(
        target="tagsearch.losses.logit_adjusted:LogitAdjusted",
        summary="cross-entropy on logits shifted by the tags' prior log-odds, in training only",
        source="Menon et al. 2021, arXiv:2007.07314",
        knobs={"tau": Knob(default=1.0, low=0.0, high=10.0, reason="the paper's: the prior itself")},
        corrects_frequency=True,
    ),
    "bce_triplet": Entry(
        target="tagsearch.losses.bce_triplet:BCETriplet",
        summary="cross-entropy plus a cosine triplet loss on the embedding, similarity of label sets by Jaccard",
        source="Schroff et al. 2015, arXiv:1503.03832; Lee et al. 2020, arXiv:2008.03729",
        knobs={
            "weight": Knob(default=0.5, low=0.0, high=100.0, reason="auxiliary: half the weight of the cross-entropy"),
            "margin": Knob(default=0.4, low=0.0, high=2.0, reason="the homework's cosine margin (2021 edition)"),
            "mining": Knob(
                default="all", choices=("all", "semi_hard", "hard"), reason="no triplet left out; batches are small"
            ),
        },
    ),
    "bce_supcon": Entry(
        target="tagsearch.losses.bce_supcon:BCESupCon",
        summary="cross-entropy plus a supervised contrastive loss on the embedding, weighted by Jaccard similarity",
        source="Khosla et al. 2020, arXiv:2004.11362; Lin et al. 2023, arXiv:2212.00552",
        knobs={
            "weight": Knob(
                default=0.02,
                low=0.0,
                high=100.0,
                reason="gradients as large as the cross-entropy's (50 tags); 0.1 and more lowered PR AUC (benchmarks/)",
            ),
            "temperature": Knob(default=0.1, low=0.01, high=10.0, reason="Khosla et al. 2020"),
        },
    ),
}
