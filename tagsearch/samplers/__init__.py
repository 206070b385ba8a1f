"""One sampler a file: which training clips an epoch draws. The contract:

`begin(labels)` tells the training split's labels, uint8 (n_train, n_tags); `on_epoch` the epoch, counted from 1.
`draw(n, generator)` gives int64 (n,) rows of the training split in the order of training. An epoch is n_train draws
under every sampler, so that arms compare at the same number of steps; only `generator` is random.
"""
