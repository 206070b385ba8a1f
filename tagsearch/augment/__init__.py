"""One augmentation a file: what is done to a batch of training chunks and their labels. The contract:

A call takes chunks (B, n_rows, n_frames) and labels (B, n_tags), float32, and gives new ones of the same shapes; what
it was given stays as it is. Labels may leave 0 and 1 for what lies between. Random numbers come from torch's
generator, as dropout's do: in a trial that is the trial's own stream. Validation and test chunks are never augmented.
"""
