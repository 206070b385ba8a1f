"""Everything random in a trial, from its seed alone.

Three independent streams: `order` (which clips are drawn), `crops` (where in them) and torch's generator (initial
weights, dropout). Arms that share a sampler see the same clips and crops at the same seed, whatever their networks
draw, so that seeds are pairs in the statistics. The process's own generators are left as they were found.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch


class TrialRandom:
    def __init__(self, seed: int, device: torch.device) -> None:
        order, crops, network = np.random.SeedSequence(seed).spawn(3)
        self.order = np.random.default_rng(order)
        self.crops = np.random.default_rng(crops)
        self.device = device
        with self._forked():
            torch.manual_seed(int(network.generate_state(1, np.uint64)[0] >> np.uint64(1)))
            self._read()

    @contextmanager
    def active(self) -> Iterator[None]:
        """Within it torch draws from this trial's stream and computes reproducibly: on a CPU with one thread (sums of
        several threads depend on their number), on a GPU without cuDNN's search for the fastest algorithm. The other
        operations have one order each: the networks' max-pools do not overlap."""
        n_threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            with self._forked(), torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True):
                torch.set_rng_state(self._cpu)
                if self._cuda is not None:
                    torch.cuda.set_rng_state(self._cuda, self.device)
                yield
                self._read()
        finally:
            torch.set_num_threads(n_threads)

    def _forked(self) -> Any:
        devices = [torch.cuda.current_device()] if self.device.type == "cuda" else []
        return torch.random.fork_rng(devices)

    def _read(self) -> None:
        self._cpu = torch.get_rng_state()
        self._cuda = torch.cuda.get_rng_state(self.device) if self.device.type == "cuda" else None

    def state_dict(self) -> dict[str, Any]:
        numpy_states = [generator.bit_generator.state for generator in (self.order, self.crops)]
        return {"numpy": json.dumps(numpy_states), "cpu": self._cpu, "cuda": self._cuda}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.order.bit_generator.state, self.crops.bit_generator.state = json.loads(state["numpy"])
        self._cpu, self._cuda = state["cpu"], state["cuda"]
