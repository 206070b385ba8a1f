"""Learning rates against torch's own schedulers."""

import pytest
import torch

from tagsearch.training.schedules import Constant, Cosine, OneCycle, Plateau, Schedule

N_STEPS = 50


def optimizer() -> torch.optim.Optimizer:
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)


def rates(schedule: Schedule) -> list[float]:
    """The learning rate of every step, then the one after the last."""
    schedule.begin(optimizer(), n_steps=N_STEPS)
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
    schedule.begin(optimizer(), n_steps=N_STEPS)
    for loss in losses:
        reference.step(loss)
        schedule.on_epoch(loss)
        assert schedule.lr == pytest.approx(reference_optimizer.param_groups[0]["lr"])
    assert schedule.lr < 0.1
