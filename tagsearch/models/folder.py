"""A model on disk: a folder with `model.json` (name, number of tags, knobs) and `weights.pt` (its state dict)."""

import json
from dataclasses import asdict
from pathlib import Path

import torch

from tagsearch.errors import UsageError
from tagsearch.files import write_json
from tagsearch.models.published import ImportedModel, read_state

DESCRIPTION, WEIGHTS = "model.json", "weights.pt"


def save_model(model: ImportedModel, folder: Path) -> None:
    """The description comes last: with it the folder is a model. Raises UsageError if `folder` holds one already."""
    if (folder / DESCRIPTION).exists():
        raise UsageError(f"{folder} holds a model already; choose another folder or remove it")
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(dict(model.state_dict), folder / WEIGHTS)
    facts = asdict(model)
    del facts["state_dict"]
    write_json(folder / DESCRIPTION, facts)


def open_model(folder: Path) -> torch.nn.Module:
    """The network with its weights, in evaluation mode. Never runs code from the folder.

    Raises UsageError if it holds no model or a damaged one."""
    try:
        facts = json.loads((folder / DESCRIPTION).read_text())
        return ImportedModel(**facts, state_dict=read_state(folder / WEIGHTS)).build()
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        raise UsageError(f"{folder} holds no model ({error}); make one with `tagsearch models import`") from error
