"""One loss a file. The contract:

`begin(train_counts, n_clips)` tells the positives per tag (n_tags,) and the size of the training split; `on_epoch` the
epoch, counted from 1. A call takes logits (B, n_tags), embedding (B, D) and labels (B, n_tags), all float32 and outside
autocast, and gives a scalar: a mean over clips and tags, never a sum, so that one range of learning rates serves every
loss and batch size. Labels are 0 or 1, or anything between where an augmentation has mixed clips; a formula written for
0 and 1 is interpolated linearly, y times the term of a positive plus (1 - y) times that of a negative.
"""
