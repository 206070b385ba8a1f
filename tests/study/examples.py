"""Study files that several tests read."""

LOSSES = """\
study: x
base: {epochs: 40}
factors: {loss: [bce, focal, bce_triplet]}
tune:
  trials_per_arm: 8
  tunables: {lr: {loguniform: [1e-4, 1e-1]}}
  asha: {grace_period: 4, reduction_factor: 3}
confirm: {seeds: 5}
"""
SEARCH = """\
study: x
tune:
  trials_per_arm: 8
  tunables: {lr: {choice: [0.1, 0.2, 0.3, 0.4]}, epochs: {choice: [10, 20]}}
  asha: {grace_period: 4}
confirm: {top: 2, seeds: 2}
"""
