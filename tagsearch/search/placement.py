"""Which machines there are and how many trials they hold. Arithmetic; what Ray knows of machines is in ray_session.

A trial takes one CPU and its share of the GPUs, all on one machine: two GPUs on two machines are no place for a trial
that wants both. Ray gives a fraction of a GPU from one GPU, and more than one only in whole ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tagsearch.errors import UsageError

_EPSILON = 1e-9  # 1 / 0.2 must be 5


@dataclass(frozen=True, kw_only=True)
class Machine:
    """`n`: machines of this kind. `node_id`: Ray's, of one that is up; "" of those that a cluster would start when
    trials wait."""

    name: str
    n_cpus: float
    n_gpus: float
    memory_bytes: int = 0  # 0: not known
    n: int = 1
    node_id: str = ""

    def __str__(self) -> str:
        gpus = f"{self.n_gpus:g} GPU{'s' * (self.n_gpus != 1)}" if self.n_gpus else "no GPU"
        memory = f", {self.memory_bytes / 1e9:.0f} GB of memory" if self.memory_bytes else ""
        return f"{self.n_cpus:g} CPU{'s' * (self.n_cpus != 1)}, {gpus}{memory}"

    def trials(self, gpus_per_trial: float) -> int:
        """How many one of them holds at once."""
        n_cpus = int(self.n_cpus)
        if not gpus_per_trial:
            return n_cpus
        if gpus_per_trial > 1:
            return min(n_cpus, int(self.n_gpus / gpus_per_trial + _EPSILON))
        return min(n_cpus, int(self.n_gpus) * int(1 / gpus_per_trial + _EPSILON))


def has_gpus(machines: Sequence[Machine]) -> bool:
    return any(machine.n_gpus for machine in machines)


def room(machines: Sequence[Machine], *, gpus_per_trial: float) -> int:
    """How many trials run at once; 0 if not one can ever be placed."""
    return sum(machine.n * machine.trials(gpus_per_trial) for machine in machines)


def n_slots(machines: Sequence[Machine], *, gpus_per_trial: float) -> int:
    """`room`. Raises UsageError if there is none."""
    if gpus_per_trial > 1 and gpus_per_trial != int(gpus_per_trial):
        raise UsageError(
            f"--gpus-per-trial above 1 must be whole, not {gpus_per_trial:g}; a trial may have a fraction of one GPU"
        )
    total = room(machines, gpus_per_trial=gpus_per_trial)
    if not total:
        wanted = f"1 CPU and {gpus_per_trial:g} GPU{'s' * (gpus_per_trial > 1)}" if gpus_per_trial else "1 CPU"
        way_on = "lower --gpus-per-trial, or add such a machine" if gpus_per_trial else "add a machine with CPUs"
        raise UsageError(f"a trial needs {wanted} of one machine, and there is {_largest(machines)}; {way_on}")
    return total


def _largest(machines: Sequence[Machine]) -> str:
    if not machines:
        return "no machine"
    best = max(machines, key=lambda machine: (machine.n_gpus, machine.n_cpus))
    others = f"at best {best.name} of {sum(machine.n for machine in machines)}" if len(machines) > 1 else best.name
    return f"{others} with {best}"
