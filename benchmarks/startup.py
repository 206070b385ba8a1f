"""Start-up of the command line: python benchmarks/startup.py

Median wall seconds of `tagsearch --help` and `tagsearch plan`, beside `python -c pass` and `import torch` in the same
round. Aim: --help <= 0.3 s, plan <= 0.6 s.
"""

import json
import statistics
import subprocess
import sys
import time

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "import torch": ["-c", "import torch"],
    "tagsearch --help": ["-m", "tagsearch", "--help"],
    "tagsearch plan losses.yaml": ["-m", "tagsearch", "plan", "losses.yaml"],
}
ROUNDS = 7


def seconds(arguments: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for round_number in range(ROUNDS + 1):  # the first fills the disk cache
        for name, arguments in COMMANDS.items():
            measured = seconds(arguments)
            if round_number:
                taken[name].append(measured)
    print(json.dumps({name: round(statistics.median(values), 3) for name, values in taken.items()}, indent=1))


if __name__ == "__main__":
    main()
