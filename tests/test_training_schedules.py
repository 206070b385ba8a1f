"""Learning rates against torch's own schedulers."""

import pytest
import torch

from tagsearch.training.adam_then_sgd import AdamThenSGD
from tagsearch.training.schedules import Constant, Cosine, OneCycle, Plateau, Schedule

N_STEPS = 50


def optimizer() -> torch.optim.Optimizer:
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)


MODEL = torch.nn.Linear(1, 1)


def rates(schedule: Schedule) -> list[float]:
    """The learning rate of every step, then the one after the last."""
    schedule.begin(optimizer(), model=MODEL, n_steps=N_STEPS)
    found = [schedule.lr]
    for _ in range(N_STEPS):
        schedule.on_batch()
        found.append(schedule.lr)
    return found


def torchs_rates(make: type, n: int, **named: float) -> list[float]:
    own = optimizer()
    scheduler = make(own, **named)
    found = [own.param_groups[0]["lr"]]
    for _ in range(n):
        own.step()
        scheduler.step()
        found.append(own.param_groups[0]["lr"])
    return found


def test_constant_stays() -> None:
    assert set(rates(Constant())) == {0.1}


def test_cosine_is_torchs_cosine_annealing() -> None:
    expected = torchs_rates(torch.optim.lr_scheduler.CosineAnnealingLR, N_STEPS, T_max=N_STEPS)
    assert rates(Cosine()) == pytest.approx(expected, abs=1e-9)


def test_one_cycle_is_torchs_one_cycle_up_to_where_the_peak_falls_between_steps() -> None:
    # torch's peak is at step 0.3 * 51 - 1 of 51 for its 50 intervals; ours at 0.3 of the same intervals
    share = 0.3
    total = N_STEPS + 1
    expected = torchs_rates(
        torch.optim.lr_scheduler.OneCycleLR,
        N_STEPS,
        max_lr=0.1,
        total_steps=total,
        pct_start=(share * N_STEPS + 1) / total,
        cycle_momentum=False,
    )
    assert rates(OneCycle(warmup=share)) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("patience", [0, 2, 5])
def test_plateau_is_torchs_reduce_on_plateau(patience: int) -> None:
    losses = [1.0, 0.9, 0.89999, 0.9, 0.9, 0.9, 0.9, 0.9, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8]
    reference_optimizer = optimizer()
    reference = torch.optim.lr_scheduler.ReduceLROnPlateau(reference_optimizer, factor=0.2, patience=patience, eps=0)
    schedule = Plateau(factor=0.2, patience=patience)
    schedule.begin(optimizer(), model=MODEL, n_steps=N_STEPS)
    for loss in losses:
        reference.step(loss)
        schedule.on_epoch(loss)
        assert schedule.lr == pytest.approx(reference_optimizer.param_groups[0]["lr"])
    assert schedule.lr < 0.1


# --- Adam, then SGD --------------------------------------------------------------------------------------------------


def won(model: torch.nn.Module, *, n_epochs: int, steps: int = 3) -> AdamThenSGD:
    """The plan of Won et al. at its defaults, begun."""
    schedule = AdamThenSGD(adam_share=0.4, step_share=0.1, adam_factor=0.1, drop=0.1, momentum=0.9)
    adam = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-4)
    schedule.begin(adam, model=model, n_steps=n_epochs * steps)
    return schedule


def epoch(schedule: AdamThenSGD, valid_loss: float, *, steps: int = 3) -> None:
    for _ in range(steps):
        schedule.on_batch()
    schedule.on_epoch(valid_loss)


def test_adam_then_sgd_is_the_plan_of_won_et_al_epoch_by_epoch() -> None:
    schedule, seen = won(torch.nn.Linear(2, 1), n_epochs=200), []
    for _ in range(200):
        seen.append((type(schedule.optimizer).__name__, schedule.lr))
        epoch(schedule, 1.0)
    names, lrs = zip(*seen, strict=True)
    assert names == ("Adam",) * 80 + ("SGD",) * 120
    assert lrs == pytest.approx([1e-4] * 80 + [1e-3] * 20 + [1e-4] * 20 + [1e-5] * 80)
    group = schedule.optimizer.param_groups[0]
    assert (group["momentum"], group["nesterov"], group["weight_decay"]) == (0.9, True, 1e-4)


def test_each_stage_of_adam_then_sgd_begins_from_the_best_weights_so_far() -> None:
    model = torch.nn.Linear(1, 1, bias=False)
    schedule, after = won(model, n_epochs=10), []
    for number, loss in enumerate([0.9, 0.7, 0.8, 0.75, 0.6, 0.65, 0.5], start=1):
        with torch.no_grad():
            model.weight.fill_(number)
        epoch(schedule, loss)
        after.append(model.weight.item())
    # stages end after epochs 4, 5 and 6; the lowest losses until then are of epochs 2, 5 and 5
    assert after == [1, 2, 3, 2, 5, 5, 7]


def test_adam_then_sgd_moves_the_weights_with_the_optimizer_of_its_stage() -> None:
    model = torch.nn.Linear(1, 1, bias=False)
    schedule = won(model, n_epochs=5)
    epoch(schedule, 1.0)
    epoch(schedule, 1.0)
    before = model.weight.item()
    schedule.optimizer.zero_grad()
    (3 * model.weight.sum()).backward()
    schedule.optimizer.step()
    # the first Nesterov step is lr (1 + momentum) (gradient + weight decay)
    assert model.weight.item() == pytest.approx(before - 1e-3 * 1.9 * (3 + 1e-4 * before), rel=1e-6)
