"""Architectures."""

from tagsearch.registry.entries import Knob, ModelEntry
from tagsearch.registry.front_ends import LOG_MEL, LOG_MEL_128, WAVEFORM
from tagsearch.registry.sources import HOMEWORK

_WON = "the setting of Won et al. 2020"
_DROPOUT = Knob(default=0.5, low=0.0, high=0.9, reason=_WON)
_SAMPLE_CHUNK = 59_049 / 16_000  # s; 3^10 samples, ten times a third


def _chunk(seconds: float, *, low: float) -> Knob:
    """Of a network that pools over whatever time there is; `low` is what its layers need, a minute is plenty."""
    return Knob(default=seconds, low=low, high=60.0, reason=_WON)


MODELS: dict[str, ModelEntry] = {
    "cnn1d": ModelEntry(
        target="tagsearch.models.cnn1d:CNN1D",
        summary="1D CNN over time, mel bands as channels; the report's baseline (17,300 parameters)",
        source=HOMEWORK,
        knobs={"width": Knob(default=32, low=1, high=1024, reason="the baseline's 32 filters")},
        front_end=LOG_MEL,
        chunk_seconds=3.0,
        mega_macs=2.06,
        core_ms=0.6,
        macs_knob="width",
    ),
    "cnn2d": ModelEntry(
        target="tagsearch.models.cnn2d:CNN2D",
        summary="2D CNN over the log-mel picture, four blocks (299,892 parameters)",
        source=HOMEWORK,
        knobs={"width": Knob(default=64, low=1, high=512, reason="the homework's 64-128-128-64 channels")},
        front_end=LOG_MEL,
        chunk_seconds=3.0,
        mega_macs=112.0,
        core_ms=38,
        macs_knob="width",
    ),
    "fcn": ModelEntry(
        target="tagsearch.models.fcn:FCN",
        summary="fully convolutional network over 29 s of log-mel (447,732 parameters)",
        source="Choi, Fazekas & Sandler 2016, arXiv:1606.00298",
        knobs={"width": Knob(default=64, low=1, high=512, reason=_WON), "dropout": _DROPOUT},
        front_end=LOG_MEL,
        chunk_seconds=29.0,
        mega_macs=2154.0,
        core_ms=555,
        macs_knob="width",
    ),
    "musicnn": ModelEntry(
        target="tagsearch.models.musicnn:Musicnn",
        summary="filters shaped for timbre and rhythm, convolutional back end (784,300 parameters)",
        source="Pons & Serra 2019, arXiv:1909.06654",
        knobs={
            "chunk_seconds": _chunk(3.0, low=0.1),
            "width": Knob(default=51, low=1, high=512, reason=_WON),
            "back_end": Knob(default=64, low=1, high=1024, reason=f"{_WON} on MTAT; 512 on the Million Song Dataset"),
            "hidden": Knob(default=200, low=1, high=2048, reason=f"{_WON} on MTAT; 500 on the Million Song Dataset"),
            "dropout": _DROPOUT,
        },
        front_end=LOG_MEL,
        mega_macs=1202.0,
        core_ms=455,
        macs_knob="width",
        min_batch=2,
    ),
    "crnn": ModelEntry(
        target="tagsearch.models.crnn:CRNN",
        summary="2D CNN summarised over 29 s by a GRU (394,100 parameters)",
        source="Choi et al. 2017, arXiv:1609.04243",
        knobs={
            "chunk_seconds": _chunk(29.0, low=1.52),
            "width": Knob(default=64, low=1, high=512, reason=_WON),
            "hidden": Knob(default=32, low=1, high=1024, reason=_WON),
            "dropout": _DROPOUT,
        },
        front_end=LOG_MEL,
        mega_macs=4064.0,
        core_ms=833,
        macs_knob="width",
    ),
    "sample_cnn": ModelEntry(
        target="tagsearch.models.sample_cnn:SampleCNN",
        summary="filters of three samples on the waveform (1,869,874 parameters)",
        source="Lee et al. 2017, arXiv:1703.01789",
        knobs={"width": Knob(default=128, low=1, high=512, reason=_WON), "dropout": _DROPOUT},
        front_end=WAVEFORM,
        chunk_seconds=_SAMPLE_CHUNK,
        mega_macs=1728.0,
        core_ms=233,
        macs_knob="width",
        min_batch=2,
    ),
    "sample_cnn_se": ModelEntry(
        target="tagsearch.models.sample_cnn_se:SampleCNNSE",
        summary="sample_cnn with shortcuts and squeeze-and-excitation (6,951,858 parameters)",
        source="Kim et al. 2018, arXiv:1710.10451",
        knobs={"width": Knob(default=128, low=1, high=512, reason=_WON), "dropout": _DROPOUT},
        front_end=WAVEFORM,
        chunk_seconds=_SAMPLE_CHUNK,
        mega_macs=4858.0,
        core_ms=526,
        macs_knob="width",
        min_batch=2,
    ),
    "short_chunk": ModelEntry(
        target="tagsearch.models.short_chunk:ShortChunk",
        summary="seven 2D blocks on 3.7 s of log-mel (3,687,348 parameters)",
        source="Won et al. 2020, arXiv:2006.00751",
        knobs={
            "chunk_seconds": _chunk(_SAMPLE_CHUNK, low=2.04),
            "width": Knob(default=128, low=1, high=512, reason=_WON),
            "dropout": _DROPOUT,
        },
        front_end=LOG_MEL_128,
        mega_macs=2011.0,
        core_ms=200,
        macs_knob="width",
        min_batch=2,
    ),
    "short_chunk_res": ModelEntry(
        target="tagsearch.models.short_chunk_res:ShortChunkRes",
        summary="seven 2D residual blocks on 3.7 s of log-mel (12,104,244 parameters)",
        source="Won et al. 2020, arXiv:2006.00751",
        knobs={
            "chunk_seconds": _chunk(_SAMPLE_CHUNK, low=0.1),
            "width": Knob(default=128, low=1, high=512, reason=_WON),
            "dropout": _DROPOUT,
        },
        front_end=LOG_MEL_128,
        mega_macs=2773.0,
        core_ms=227,
        macs_knob="width",
        min_batch=2,
    ),
    "self_attention": ModelEntry(
        target="tagsearch.models.self_attention:SelfAttention",
        summary="2D residual blocks summarised over 15 s by a transformer encoder (10,521,652 parameters)",
        source="Won, Chun & Serra 2019, arXiv:1906.04972",
        knobs={
            "chunk_seconds": _chunk(15.0, low=0.15),  # two steps: one is nothing to attend to
            "width": Knob(
                default=128, choices=(4, 8, 16, 32, 64, 128, 256), reason=f"{_WON}; eight heads must divide twice of it"
            ),
            "cls": Knob(default="constant", choices=("constant", "learned"), reason=f"{_WON}; the usual is learned"),
            "position": Knob(default="none", choices=("none", "sinusoidal"), reason=f"{_WON}; the usual is sinusoidal"),
            "dropout": _DROPOUT,
            "hidden_dropout": Knob(default=0.4, low=0.0, high=0.9, reason=_WON),
            "attention_dropout": Knob(default=0.5, low=0.0, high=0.9, reason=_WON),
        },
        front_end=LOG_MEL_128,
        mega_macs=13383.0,
        core_ms=1050,
        macs_knob="width",
    ),
    "harmonic_cnn": ModelEntry(
        target="tagsearch.models.harmonic_cnn:HarmonicCNN",
        summary="learned harmonic filters on 5 s of waveform, 2D residual blocks (3,631,551 parameters)",
        source="Won et al. 2020 (ICASSP), Data-driven harmonic filters for audio representation learning",
        knobs={
            "chunk_seconds": _chunk(5.0, low=4.592),
            "width": Knob(default=128, low=1, high=512, reason=_WON),
            "n_harmonics": Knob(default=6, low=1, high=6, reason=f"{_WON}; a seventh would pass half the sample rate"),
            "dropout": _DROPOUT,
        },
        front_end=WAVEFORM,
        mega_macs=4298.0,
        core_ms=400,
        macs_knob="width",
        min_batch=2,
    ),
}
