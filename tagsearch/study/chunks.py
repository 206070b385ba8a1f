"""How much audio a study's models hear at once, and whether the clips of its corpus hold that much."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from tagsearch.errors import StudyError
from tagsearch.records import Config
from tagsearch.registry import MODELS, Scalar, corpus_entry
from tagsearch.study.data import repeats_short_clips
from tagsearch.study.schema import Study, Tunable
from tagsearch.study.settings import changed

KNOB = "chunk_seconds"  # of models that take any length


def longest_chunk(config: Config, tunables: Sequence[Tunable]) -> float:
    """Seconds of the model that `config` chooses; the longest where they are tuned."""
    model, setting = MODELS[str(config["model"])], f"model.{KNOB}"
    if KNOB not in model.knobs:
        return model.chunk_seconds
    tuned = next((t for t in tunables if t.name == setting and t.applies(config)), None)
    if tuned is None:
        return float(config[setting])
    return max(map(float, tuned.choices), default=tuned.high)


def longest_chunk_of(study: Study) -> float:
    """Seconds of the longest chunk that any of the study's trials may hear."""
    tunables = study.tune.tunables if study.tune else ()
    return max(longest_chunk(config, tunables) for config in _configs(study))


def check_chunks(study: Study, *, clip_seconds: float) -> None:
    """Raises StudyError if a model that the study may train needs longer clips than the corpus has, unless the study
    repeats short clips."""
    tunables = study.tune.tunables if study.tune else ()
    for config in _configs(study):
        chunk, model = longest_chunk(config, tunables), str(config["model"])
        shorter = f"set model.{KNOB} to at most {clip_seconds:g}" if KNOB in MODELS[model].knobs else _ANOTHER
        _check_chunk(chunk, model, study.data, clip_seconds=clip_seconds, way_on=shorter)


def check_known_clips(study: Study) -> None:
    """check_chunks by the length that the corpus is known to have; how long others' clips are shows later."""
    corpus = corpus_entry(str(study.data["corpus"]))
    if corpus.sizes:
        size = corpus.size({name: study.data[name] for name in corpus.knobs})
        check_chunks(study, clip_seconds=size.clip_seconds)


def check_models(models: Iterable[str], data: Mapping[str, Scalar]) -> None:
    """Raises StudyError if a model at its default knobs needs longer clips than a corpus is known to have, unless
    `data` (see read_data) repeats short clips. How long the clips of a corpus of unknown size are shows later."""
    corpus = corpus_entry(str(data["corpus"]))
    if not corpus.sizes:
        return
    size = corpus.size({name: data[name] for name in corpus.knobs})
    for model in models:
        chunk = MODELS[model].default_chunk_seconds
        _check_chunk(chunk, model, data, clip_seconds=size.clip_seconds, way_on=_ANOTHER)


_ANOTHER = "choose a model with shorter chunks"


def _check_chunk(chunk: float, model: str, data: Mapping[str, Scalar], *, clip_seconds: float, way_on: str) -> None:
    if chunk > clip_seconds and not repeats_short_clips(data):
        raise StudyError(
            f"model {model} hears chunks of {chunk:.4g} s, and the clips of corpus {data['corpus']} last "
            f"{clip_seconds:g} s; {way_on}, take a corpus with longer clips, or repeat them to fill the chunk: "
            "data.pad: repeat"
        )


def models_of(study: Study) -> tuple[str, ...]:
    """Names of all models that the study may train, sorted."""
    return tuple(sorted({str(config["model"]) for config in _configs(study)}))


def configs_of(study: Study) -> Iterator[tuple[str, Config]]:
    """Every arm's configuration, with every model that may be drawn in it, and the arm's name, with that model's."""
    tunables = study.tune.tunables if study.tune else ()
    drawn = next((t.choices for t in tunables if t.name == "model"), ())
    for arm in study.arms:
        yield arm.name, arm.config
        for model in drawn:
            yield f"{arm.name} with {model}", changed(arm.config, {"model": model})


def _configs(study: Study) -> Iterator[Config]:
    yield from (config for _, config in configs_of(study))
