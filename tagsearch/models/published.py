"""Published weights of the field's reference implementation (Won et al. 2020) into ours.

A reference checkpoint is a state dict: tensors by the reference's names. A model that has such checkpoints declares, as
`published`, how its names read (`Published`). Nothing is skipped: names must match one to one, and entries that are no
weights but constants of the front end (STFT window, mel filters) are compared with ours and then left out.
"""

import pickle
import struct
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import torchaudio

from tagsearch import registry
from tagsearch.data.frontend import LogMel
from tagsearch.errors import UsageError
from tagsearch.registry import Scalar

# torchaudio's mel filters differ by up to 1.3e-5 between the release that trained the published weights and ours
TOLERANCE = 2e-5

# what torch.load raises for files that are damaged, no checkpoints, or hold code
_UNREADABLE = (
    *(pickle.UnpicklingError, struct.error, RuntimeError, OSError, EOFError),
    *(LookupError, ValueError, TypeError, AttributeError, AssertionError),
)

State = Mapping[str, torch.Tensor]


@dataclass(frozen=True, kw_only=True)
class Size:
    """Where a checkpoint shows a setting: the length of tensor `name` along `axis`, divided by `per`."""

    name: str
    axis: int = 0
    per: int = 1


@dataclass(frozen=True, kw_only=True)
class Published:
    """How the reference names a model's parts. `names`: its prefix of a name -> ours, one to one; `sizes`: knobs that
    the shapes tell, the others keep their defaults; `n_tags`: likewise; `constants`: entries of the front end."""

    names: Mapping[str, str]
    n_tags: Size
    sizes: Mapping[str, Size] = field(default_factory=dict)
    constants: Callable[[], State] = dict

    def reference_name(self, own: str) -> str:
        """The reference's name of our `own`."""
        return next(theirs + own.removeprefix(ours) for theirs, ours in self.names.items() if _begins(own, ours))


@dataclass(frozen=True, kw_only=True)
class ImportedModel:
    """`state_dict`: as our class of that name takes it when built with `n_tags` and `knobs`."""

    name: str
    n_tags: int
    knobs: Mapping[str, Scalar]
    state_dict: State

    def build(self) -> torch.nn.Module:
        """The network with its weights, in evaluation mode."""
        model: torch.nn.Module = registry.entry("model", self.name).load()(n_tags=self.n_tags, **self.knobs)
        model.load_state_dict(self.state_dict)
        return model.eval()


def log_mel_constants(front_end: LogMel) -> State:
    """What a reference model with that front end keeps of it: "spec.spectrogram.window", "spec.mel_scale.fb"."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*has all zero values")  # the lowest of 128 bands; so it is in the reference
        filters = torchaudio.functional.melscale_fbanks(
            front_end.n_fft // 2 + 1,
            f_min=front_end.f_min,
            f_max=front_end.f_max,
            n_mels=front_end.n_mels,
            sample_rate=front_end.sample_rate,
            norm=None,
            mel_scale="htk",
        )
    return {"spec.spectrogram.window": torch.hann_window(front_end.n_fft), "spec.mel_scale.fb": filters}


def import_checkpoint(path: Path, name: str) -> ImportedModel:
    """The reference checkpoint in `path` as model `name`.

    Raises UsageError if the file is no state dict of tensors, or if a name, a shape, a size or a constant of the front
    end is not what the model needs; UnknownNameError if there is no such model."""
    entry = registry.entry("model", name)
    model_class = entry.load()
    published: Published | None = getattr(model_class, "published", None)
    if published is None:
        known = ", ".join(sorted(n for n, e in registry.MODELS.items() if hasattr(e.load(), "published")))
        raise UsageError(f"no published weights of {name} are known; they are of {known}")
    try:
        return _import(read_state(path), published, name=name)
    except _MismatchError as mismatch:
        raise UsageError(
            f"{path} is no checkpoint of {name}: {mismatch}; check the file and the model's name"
        ) from None


class _MismatchError(Exception):
    """One sentence on what does not fit."""


def read_state(path: Path) -> State:
    """Tensors by name. Raises UsageError if the file is none of torch.save's, holds anything else, or is damaged."""
    if not path.is_file():
        raise UsageError(f"{path} is missing; give the file that holds the published weights")
    try:
        state: Any = torch.load(path, map_location="cpu", weights_only=True)  # never runs code from the file
    except _UNREADABLE as error:
        raise UsageError(
            f"{path} cannot be read as weights: it is damaged, or holds other things than tensors; give a file that "
            "torch.save made of a state dict"
        ) from error
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise UsageError(f"{path} must hold tensors by name, and holds something else; save the model's state_dict()")
    return state


def _import(state: State, published: Published, *, name: str) -> ImportedModel:
    entry = registry.entry("model", name)
    knobs = {knob: spec.default for knob, spec in entry.knobs.items()}
    for knob, size in published.sizes.items():
        knobs[knob] = _size(state, size)
        if complaint := entry.knobs[knob].complaint(knobs[knob]):
            raise _MismatchError(f"{size.name} is {_shape(state[size.name])}, but {knob} {complaint}")
    n_tags = _size(state, published.n_tags)
    with torch.device("meta"):
        needed = entry.load()(n_tags=n_tags, **knobs).state_dict()
    constants = published.constants()
    shapes = {published.reference_name(own): own for own in needed}
    _check_names(state, {*shapes, *constants})
    for theirs, value in constants.items():
        _check_constant(theirs, state[theirs], value)
    for theirs, own in shapes.items():
        _check_weight(theirs, state[theirs], needed[own])
    weights = {own: state[theirs].to(needed[own].dtype).clone() for theirs, own in shapes.items()}
    return ImportedModel(name=name, n_tags=n_tags, knobs=knobs, state_dict=weights)


def _size(state: State, size: Size) -> int:
    if size.name not in state:
        raise _MismatchError(f"{size.name} is missing")
    shape = state[size.name].shape
    if len(shape) <= size.axis or shape[size.axis] == 0 or shape[size.axis] % size.per:
        raise _MismatchError(f"{size.name} has shape {_shape(state[size.name])}")
    return shape[size.axis] // size.per


def _check_names(state: State, needed: set[str]) -> None:
    for names, what in ((needed - set(state), "missing"), (set(state) - needed, "not known")):
        if names:
            first, *others = sorted(names)
            raise _MismatchError(f"{first} {f'and {len(others)} more are' if others else 'is'} {what}")


def _check_constant(name: str, found: torch.Tensor, ours: torch.Tensor) -> None:
    if found.shape != ours.shape:
        raise _MismatchError(f"{name} has shape {_shape(found)}, and this front end's has {_shape(ours)}")
    difference = float((found - ours).abs().max())
    if not difference <= TOLERANCE:
        raise _MismatchError(f"{name} differs by {difference:.2g} from this front end's, more than {TOLERANCE:g}")


def _check_weight(name: str, found: torch.Tensor, needed: torch.Tensor) -> None:
    if found.shape != needed.shape:
        raise _MismatchError(f"{name} has shape {_shape(found)}, not {_shape(needed)}")
    if found.is_floating_point() != needed.is_floating_point() or not torch.isfinite(found).all():
        raise _MismatchError(f"{name} holds values that are no finite {needed.dtype}".replace("torch.", ""))


def _shape(tensor: torch.Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "()"


def _begins(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(f"{prefix}.")
