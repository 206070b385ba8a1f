"""Contracts that every registered component keeps; a new entry of the registry is tested without an edit here."""

import inspect
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from tagsearch import registry
from tagsearch.data.compute import blocks_of
from tagsearch.data.frontend import FrontEnd, LogMel
from tagsearch.errors import UsageError

N_TAGS = 5
GIVEN = {"model": {"n_tags"}, "optimizer": {"parameters", "lr"}}  # what a constructor takes besides its knobs
EVERY = [(kind, name) for kind, entries in registry.COMPONENTS.items() for name in entries]


def at_defaults(kind: str, name: str) -> dict[str, Any]:
    return {knob: spec.default for knob, spec in registry.entry(kind, name).knobs.items()}


def at_ends(kind: str) -> list[Any]:
    """Every component of the kind with each of its knobs in turn at each end of its range, the others at default."""
    cases = []
    for name, entry in registry.COMPONENTS[kind].items():
        cases.append(pytest.param(name, at_defaults(kind, name), id=name))
        for knob, spec in entry.knobs.items():
            for end in spec.choices or (spec.low, spec.high):
                knobs = at_defaults(kind, name) | {knob: spec.type(end)}
                cases.append(pytest.param(name, knobs, id=f"{name}-{knob}={end}"))
    return cases


def build(kind: str, name: str, *arguments: Any, **named: Any) -> Any:
    return registry.entry(kind, name).load()(*arguments, **named)


def small(kind: str, name: str) -> dict[str, Any]:
    """Default knobs, but a narrow network."""
    return {knob: 4 if knob == "width" else value for knob, value in at_defaults(kind, name).items()}


def chunk(model: Any, n: int) -> torch.Tensor:
    """Noise at the level of the model's front end: decibels, or samples."""
    frames = model.front_end.frames(model.chunk_seconds)
    noise = torch.randn(n, model.front_end.n_rows, frames, generator=torch.Generator().manual_seed(0))
    return 20 * noise - 20 if isinstance(model.front_end, LogMel) else 0.1 * noise


def random_labels(n: int) -> torch.Tensor:
    return (torch.rand(n, N_TAGS, generator=torch.Generator().manual_seed(1)) < 0.4).float()


@pytest.mark.parametrize(("kind", "name"), EVERY)
def test_constructors_take_the_knobs_of_the_registry_by_name_and_without_defaults(kind: str, name: str) -> None:
    parameters = inspect.signature(registry.entry(kind, name).load()).parameters
    own = {p: spec for p, spec in parameters.items() if p not in GIVEN.get(kind, set())}
    assert set(own) == set(registry.entry(kind, name).knobs)
    assert all(spec.kind is spec.KEYWORD_ONLY and spec.default is spec.empty for spec in own.values())


@pytest.mark.parametrize(("kind", "name"), EVERY)
def test_defaults_lie_in_their_own_range(kind: str, name: str) -> None:
    for knob in registry.entry(kind, name).knobs.values():
        assert knob.complaint(knob.default) is None


# --- models ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", registry.MODELS)
def test_a_model_maps_chunks_to_logits_and_embeddings(name: str) -> None:
    model = build("model", name, n_tags=N_TAGS, **at_defaults("model", name))
    assert isinstance(model.front_end, FrontEnd)
    with torch.inference_mode():
        logits, embedding = model(chunk(model, 2))
    assert logits.shape == (2, N_TAGS)
    assert embedding.ndim == 2
    assert len(embedding) == 2
    assert torch.isfinite(logits).all()


@pytest.mark.parametrize(("name", "knobs"), at_ends("model"))
def test_a_model_can_be_built_with_every_knob_at_both_ends(name: str, knobs: dict[str, Any]) -> None:
    with torch.device("meta"):  # shapes without arithmetic: the widest networks would not fit
        model = build("model", name, n_tags=N_TAGS, **knobs)
        frames = model.front_end.frames(model.chunk_seconds)
        logits, embedding = model(torch.empty(2, model.front_end.n_rows, frames))
    assert logits.shape == (2, N_TAGS)
    assert embedding.ndim == 2
    assert len(embedding) == 2


def narrow_ends() -> list[Any]:
    """As `at_ends`, in narrow networks, and without the wide end of the width."""
    cases = []
    for case in at_ends("model"):
        name, knobs = case.values
        if knobs["width"] <= registry.MODELS[name].knobs["width"].default:
            width = min(knobs["width"], small("model", name)["width"])
            cases.append(pytest.param(name, knobs | {"width": width}, id=case.id))
    return cases


@pytest.mark.parametrize(("name", "knobs"), narrow_ends())
def test_a_narrow_model_computes_finite_logits_with_every_knob_at_both_ends(name: str, knobs: dict[str, Any]) -> None:
    model = build("model", name, n_tags=N_TAGS, **knobs)
    assert torch.isfinite(model(chunk(model, 2))[0]).all()
    assert torch.isfinite(model.eval()(chunk(model, 2))[0]).all()


@pytest.mark.parametrize("name", registry.MODELS)
def test_a_models_last_linear_layer_hears_its_embedding_and_says_its_logits(name: str) -> None:
    model = build("model", name, n_tags=N_TAGS, **small("model", name)).eval()
    heard: list[tuple[torch.Tensor, torch.Tensor]] = []
    for layer in model.modules():
        if isinstance(layer, torch.nn.Linear):
            layer.register_forward_hook(lambda _, inputs, output: heard.append((inputs[0], output)))
    logits, embedding = model(chunk(model, 2))
    assert torch.equal(heard[-1][0], embedding)
    assert torch.equal(heard[-1][1], logits)


@pytest.mark.parametrize("name", registry.MODELS)
def test_a_model_repeats_itself_with_the_same_seed_and_not_with_another(name: str) -> None:
    def trained(seed: int) -> torch.Tensor:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            model = build("model", name, n_tags=N_TAGS, **small("model", name))
            return model(chunk(model, 2))[0]

    before = np.random.get_state()[1].tolist()  # noqa: NPY002 - the generator that no network may touch
    first, again, other = trained(0), trained(0), trained(1)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


@pytest.mark.parametrize("n_tags", [1, 50, 188])
@pytest.mark.parametrize("name", registry.MODELS)
def test_a_model_takes_any_number_of_tags_and_a_single_chunk_in_evaluation(name: str, n_tags: int) -> None:
    model = build("model", name, n_tags=n_tags, **small("model", name)).eval()
    assert model(chunk(model, 1))[0].shape == (1, n_tags)


@pytest.mark.parametrize("name", registry.MODELS)
def test_a_chunks_logits_in_evaluation_do_not_depend_on_its_batch(name: str) -> None:
    model = build("model", name, n_tags=N_TAGS, **small("model", name)).eval()
    batch = chunk(model, 4)
    assert torch.allclose(model(batch)[0][2:3], model(batch[2:3])[0], atol=1e-5)


@pytest.mark.parametrize("name", registry.MODELS)
def test_every_weight_of_a_model_gets_a_finite_gradient(name: str) -> None:
    model = build("model", name, n_tags=N_TAGS, **small("model", name))
    model(chunk(model, 4))[0].square().sum().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters())


def shortest_chunks() -> list[Any]:
    """Every model in a narrow form, and with the shortest chunk it may be given."""
    cases = []
    for name, entry in registry.MODELS.items():
        cases.append(pytest.param(name, small("model", name), id=name))
        if "chunk_seconds" in entry.knobs:
            shortest = small("model", name) | {"chunk_seconds": entry.knobs["chunk_seconds"].low}
            cases.append(pytest.param(name, shortest, id=f"{name}-shortest"))
    return cases


@pytest.mark.parametrize(("name", "knobs"), shortest_chunks())
def test_a_model_trains_on_as_few_clips_as_the_registry_states_and_not_on_fewer(
    name: str, knobs: dict[str, Any]
) -> None:
    model, n_clips = build("model", name, n_tags=N_TAGS, **knobs), registry.MODELS[name].min_batch
    model(chunk(model, n_clips))[0].square().sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())
    if n_clips > 1:
        with pytest.raises(UsageError, match=rf"at least {n_clips} clips in a training batch, not {n_clips - 1}"):
            model(chunk(model, n_clips - 1))


@pytest.mark.parametrize("name", registry.MODELS)
def test_a_model_trains_in_half_precision(name: str) -> None:
    model = build("model", name, n_tags=N_TAGS, **small("model", name))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits, _ = model(chunk(model, 2))
    logits.float().square().sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())


@pytest.mark.parametrize("name", registry.MODELS)
def test_a_model_is_the_same_after_saving_and_loading_its_state(name: str) -> None:
    first, second = (build("model", name, n_tags=N_TAGS, **small("model", name)) for _ in range(2))
    first(chunk(first, 4))  # moves the running statistics away from their initial values
    second.load_state_dict(first.state_dict())
    batch = chunk(first, 4)
    assert torch.equal(first.eval()(batch)[0], second.eval()(batch)[0])


@pytest.mark.parametrize("name", registry.MODELS)
def test_the_registry_states_how_much_a_model_hears_at_once(name: str) -> None:
    model = build("model", name, n_tags=N_TAGS, **small("model", name))
    assert model.chunk_seconds == registry.MODELS[name].default_chunk_seconds


@pytest.mark.parametrize("name", registry.MODELS)
def test_the_registry_states_the_multiply_accumulates_of_a_chunk(name: str) -> None:
    with torch.device("meta"):
        model = build("model", name, n_tags=50, **at_defaults("model", name)).eval()
        batch = torch.empty(1, model.front_end.n_rows, model.front_end.frames(model.chunk_seconds))
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(batch)
    assert registry.MODELS[name].mega_macs == pytest.approx(counter.get_total_flops() / 2e6, rel=0.005)


@pytest.mark.parametrize("name", registry.MODELS)
def test_the_registry_states_the_front_end_of_a_model(name: str) -> None:
    stated, heard = registry.MODELS[name].front_end, registry.MODELS[name].load().front_end
    assert (stated.kind, stated.n_rows) == (heard.kind, heard.n_rows)
    assert stated.frames_per_second == pytest.approx(1 / heard.frame_seconds)
    assert stated.value_bytes == blocks_of(heard).dtype.itemsize


def test_the_registry_tells_front_ends_apart_as_the_feature_cache_does() -> None:
    pairs = {(entry.front_end, entry.load().front_end.key()) for entry in registry.MODELS.values()}
    assert len(pairs) == len({stated for stated, _ in pairs}) == len({key for _, key in pairs})


# --- losses ----------------------------------------------------------------------------------------------------------


def begun_loss(name: str, knobs: dict[str, Any]) -> Any:
    loss = build("loss", name, **knobs)
    loss.begin(train_counts=np.array([40, 30, 20, 10, 0]), n_clips=100)
    loss.on_epoch(1, 10)
    return loss


@pytest.mark.parametrize("scale", [1.0, 1e4])
@pytest.mark.parametrize(("name", "knobs"), at_ends("loss"))
def test_a_loss_is_a_finite_scalar_with_finite_gradients(name: str, knobs: dict[str, Any], scale: float) -> None:
    generator = torch.Generator().manual_seed(2)
    logits = (scale * torch.randn(8, N_TAGS, generator=generator)).requires_grad_()
    embedding = (scale * torch.randn(8, 3, generator=generator)).requires_grad_()
    value = begun_loss(name, knobs)(logits, embedding + 0 * logits.sum(), random_labels(8))
    value.backward()
    assert value.shape == ()
    assert math.isfinite(value.item())
    assert torch.isfinite(logits.grad).all()
    assert embedding.grad is None or torch.isfinite(embedding.grad).all()


@pytest.mark.parametrize("name", registry.LOSSES)
def test_the_gradient_of_a_loss_is_that_of_its_value(name: str) -> None:
    generator = torch.Generator().manual_seed(3)
    logits, embedding = (torch.randn(6, n, generator=generator, dtype=torch.double) for n in (N_TAGS, 4))
    labels, loss = random_labels(6).double(), begun_loss(name, at_defaults("loss", name))
    inputs = (logits.requires_grad_(), embedding.requires_grad_())
    assert torch.autograd.gradcheck(lambda z, e: loss(z, e, labels) + 0 * e.sum(), inputs)


@pytest.mark.parametrize("name", registry.LOSSES)
def test_a_loss_of_outputs_rounded_to_bfloat16_stays_close(name: str) -> None:
    generator = torch.Generator().manual_seed(4)
    logits, embedding = (4 * torch.randn(8, n, generator=generator) for n in (N_TAGS, 4))
    labels, loss = random_labels(8), begun_loss(name, at_defaults("loss", name))
    rounded = loss(logits.bfloat16().float(), embedding.bfloat16().float(), labels)
    assert rounded.item() == pytest.approx(loss(logits, embedding, labels).item(), rel=0.01)


@pytest.mark.parametrize("name", registry.LOSSES)
def test_a_loss_takes_labels_between_zero_and_one(name: str) -> None:
    logits, embedding, mixed = torch.zeros(8, N_TAGS), torch.randn(8, 3), random_labels(8).lerp(torch.ones(8, 1), 0.3)
    logits.requires_grad_()
    value = begun_loss(name, at_defaults("loss", name))(logits, embedding, mixed)
    value.backward()
    assert math.isfinite(value.item())
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("labels", [torch.zeros(4, N_TAGS), torch.ones(4, N_TAGS), torch.ones(1, N_TAGS)])
@pytest.mark.parametrize("name", registry.LOSSES)
def test_a_loss_bears_batches_without_contrast(name: str, labels: torch.Tensor) -> None:
    logits = torch.zeros(len(labels), N_TAGS, requires_grad=True)
    embedding = torch.zeros(len(labels), 3, requires_grad=True)
    value = begun_loss(name, at_defaults("loss", name))(logits, embedding, labels)
    value.backward()
    assert math.isfinite(value.item())
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("name", registry.LOSSES)
def test_a_loss_is_lower_for_right_answers_than_for_wrong_ones(name: str) -> None:
    labels, embedding = random_labels(8), torch.ones(8, 3)
    loss = begun_loss(name, at_defaults("loss", name))
    right = 4 * (2 * labels - 1)
    assert loss(right, embedding, labels) < loss(-right, embedding, labels)


@pytest.mark.parametrize("name", registry.LOSSES)
def test_a_loss_computes_on_the_device_of_what_it_is_given(name: str) -> None:
    # torch's meta device stands for a GPU: it refuses to meet tensors of another device
    logits, embedding, labels = (torch.zeros(8, n, device="meta") for n in (N_TAGS, 3, N_TAGS))
    assert begun_loss(name, at_defaults("loss", name))(logits, embedding, labels).device.type == "meta"


# --- samplers --------------------------------------------------------------------------------------------------------


def begun_sampler(name: str, knobs: dict[str, Any]) -> Any:
    sampler = build("sampler", name, **knobs)
    sampler.begin(labels=random_labels(30).numpy().astype(np.uint8))
    sampler.on_epoch(1, 10)
    return sampler


@pytest.mark.parametrize("n", [1, 30, 77])
@pytest.mark.parametrize(("name", "knobs"), at_ends("sampler"))
def test_a_sampler_draws_as_many_training_rows_as_asked(name: str, knobs: dict[str, Any], n: int) -> None:
    drawn = begun_sampler(name, knobs).draw(n, np.random.default_rng(0))
    assert drawn.shape == (n,)
    assert drawn.dtype == np.int64
    assert drawn.min() >= 0
    assert drawn.max() < 30


@pytest.mark.parametrize("name", registry.SAMPLERS)
def test_a_sampler_repeats_itself_with_the_same_generator_and_not_with_another(name: str) -> None:
    sampler = begun_sampler(name, at_defaults("sampler", name))
    first, again, other = (sampler.draw(30, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


# --- augmentations ---------------------------------------------------------------------------------------------------


def augmented(name: str, knobs: dict[str, Any], n: int = 6, *, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    chunks, labels = torch.randn(n, 12, 40, generator=torch.Generator().manual_seed(5)), random_labels(n)
    kept = chunks.clone(), labels.clone()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        out: tuple[torch.Tensor, torch.Tensor] = build("augment", name, **knobs)(chunks, labels)
    assert torch.equal(chunks, kept[0])
    assert torch.equal(labels, kept[1])
    return out


@pytest.mark.parametrize("n", [1, 6])
@pytest.mark.parametrize(("name", "knobs"), at_ends("augment"))
def test_an_augmentation_keeps_shapes_and_finite_values_and_what_it_was_given(
    name: str, knobs: dict[str, Any], n: int
) -> None:
    chunks, labels = augmented(name, knobs, n, seed=0)
    assert (chunks.shape, chunks.dtype) == ((n, 12, 40), torch.float32)
    assert (labels.shape, labels.dtype) == ((n, N_TAGS), torch.float32)
    assert torch.isfinite(chunks).all()
    assert labels.min() >= 0
    assert labels.max() <= 1


@pytest.mark.parametrize("name", [name for name in registry.AUGMENTATIONS if name != "none"])
def test_an_augmentation_repeats_itself_with_the_same_seed_and_not_with_another(name: str) -> None:
    first, again, other = (augmented(name, at_defaults("augment", name), seed=seed)[0] for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("name", registry.AUGMENTATIONS)
def test_an_augmentation_computes_on_the_device_of_what_it_is_given(name: str) -> None:
    chunks, labels = torch.zeros(6, 12, 40, device="meta"), torch.zeros(6, N_TAGS, device="meta")
    out = build("augment", name, **at_defaults("augment", name))(chunks, labels)
    assert {tensor.device.type for tensor in out} == {"meta"}


# --- optimizers and schedules ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "knobs"), at_ends("optimizer"))
def test_an_optimizer_steps_downhill_and_stays_finite(name: str, knobs: dict[str, Any]) -> None:
    weight = torch.nn.Parameter(torch.full((3,), 2.0))
    optimizer = build("optimizer", name, [weight], lr=1e-3, **knobs)
    for _ in range(5):
        optimizer.zero_grad()
        weight.square().sum().backward()
        optimizer.step()
    assert torch.isfinite(weight).all()
    assert (weight < 2.0).all()


@pytest.mark.parametrize(("name", "knobs"), at_ends("schedule"))
def test_a_schedule_keeps_the_learning_rate_within_zero_and_the_one_given(name: str, knobs: dict[str, Any]) -> None:
    schedule = begun_schedule(name, knobs)
    for _ in range(10):
        for _ in range(10):
            assert 0 <= schedule.optimizer.param_groups[0]["lr"] <= 0.1 * (1 + 1e-12)
            schedule.on_batch()
        schedule.on_epoch(1.0)


@pytest.mark.parametrize(("name", "knobs"), at_ends("schedule"))
def test_a_schedule_goes_on_from_its_state_as_if_undisturbed(name: str, knobs: dict[str, Any]) -> None:
    schedule, second = begun_schedule(name, knobs), begun_schedule(name, knobs)
    run(schedule, 5)
    second.load_state_dict(schedule.state_dict())
    second.optimizer.load_state_dict(schedule.optimizer.state_dict())
    assert type(second.optimizer) is type(schedule.optimizer)
    assert second.lr == schedule.lr
    assert run(second, 5) == run(schedule, 5)


def begun_schedule(name: str, knobs: dict[str, Any]) -> Any:
    model = torch.nn.Linear(1, 1)
    schedule = build("schedule", name, **knobs)
    schedule.begin(torch.optim.Adam(model.parameters(), lr=0.1), model=model, n_steps=100)
    return schedule


def run(schedule: Any, n_epochs: int) -> list[float]:
    rates = []
    for _ in range(n_epochs):
        for _ in range(10):
            schedule.on_batch()
            rates.append(schedule.lr)
        schedule.on_epoch(1.0)
    return rates
