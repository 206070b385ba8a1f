"""Scores of whole clips from a network that hears chunks.

A clip's probability is the mean of its chunks' probabilities over evenly spaced chunks that cover it (the field's
practice, see Won et al. 2020, arXiv:2006.00751). It is kept as its logit, float32 (n_clips, n_tags), computed without
leaving the log domain, so that confident scores neither saturate nor tie. Its embedding is the mean of its chunks'.
Evaluation computes in float32, whatever precision the network was trained in: see training.arithmetic.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch.nn.functional import logsigmoid

from tagsearch.data.batches import Chunks, covering_chunks

# Chunks: on a CPU larger batches leave the cache (16 took 0.19 ms a chunk, 64 took 0.28), a GPU wants more to do.
_BATCH = {"cpu": 16, "cuda": 256}


@dataclass(frozen=True, kw_only=True)
class ClipOutputs:
    """What a network says of clips: logits (n_clips, n_tags), embeddings (n_clips, D)."""

    logits: npt.NDArray[np.float32]
    embeddings: npt.NDArray[np.float32]


def clip_logits(model: torch.nn.Module, chunks: Chunks, clips: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """(n_clips, n_tags), rows as in `clips`. The model is left in evaluation mode."""
    return clip_outputs(model, chunks, clips).logits


def clip_outputs(model: torch.nn.Module, chunks: Chunks, clips: npt.NDArray[np.int64]) -> ClipOutputs:
    """Rows as in `clips`. The model is left in evaluation mode."""
    size = _BATCH[chunks.device.type]
    chunk_clips, starts, firsts = covering_chunks(chunks.features, clips, chunks.n_frames)
    model.eval()
    with torch.inference_mode():
        batches = [
            model(chunks.gather(chunk_clips[i : i + size], starts[i : i + size])) for i in range(0, len(starts), size)
        ]
        logits, embeddings = (torch.cat(parts).double() for parts in zip(*batches, strict=True))
        yes, no = logsigmoid(logits).cpu().numpy(), logsigmoid(-logits).cpu().numpy()
    # log of the mean probability minus log of the mean counter-probability; the number of chunks cancels
    clip: npt.NDArray[np.float64] = np.logaddexp.reduceat(yes, firsts) - np.logaddexp.reduceat(no, firsts)
    n_chunks = np.diff(firsts, append=len(starts))
    mean = np.add.reduceat(embeddings.cpu().numpy(), firsts) / n_chunks[:, None]
    return ClipOutputs(logits=clip.astype(np.float32), embeddings=mean.astype(np.float32))


def cross_entropy(logits: npt.NDArray[np.float32], labels: npt.NDArray[np.uint8]) -> float:
    """Mean binary cross-entropy over clips and tags: the yardstick of validation, whatever loss trains the network."""
    wrong = logits.astype(np.float64) * (1 - 2 * labels.astype(np.float64))
    return float(np.logaddexp(0.0, wrong).mean())
