"""What a repo's page says beside its files: what of it can be asked for by name, and what the files tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from publisher.staging import tensors
from publisher.staging.call import Call
from publisher.staging.repos import Repo
from publisher.staging.responses import bad_request
from publisher.staging.trees import Node

# As the client's own lists of them (`ExpandModelProperty_T`, `ExpandDatasetProperty_T`).
_OF_BOTH = (
    "author cardData createdAt disabled downloads downloadsAllTime gated lastModified likes private resourceGroup sha"
    " siblings tags trendingScore usedStorage"
)
_OF_MODELS = (
    "baseModels childrenModelCount config evalResults gguf inference inferenceProviderMapping library_name mask_token"
    " model-index pipeline_tag safetensors spaces transformersInfo widgetData"
)
_OF_DATASETS = "citation description mainSize paperswithcode_id"
PROPERTIES = {
    "model": sorted((*_OF_BOTH.split(), *_OF_MODELS.split())),
    "dataset": sorted((*_OF_BOTH.split(), *_OF_DATASETS.split())),
}


def asked_for(call: Call) -> list[str]:
    """The properties that were asked for, if only some were.

    Raises:
        RefusalError: 400 for one that there is not.
    """
    asked, known = call.expanded(), PROPERTIES[call.kind]
    if not set(asked) <= set(known):
        raise bad_request(f'"expand" must be one of [{", ".join(known)}]')
    return asked


def only(shown: Mapping[str, Any], asked: list[str]) -> dict[str, Any]:
    """A page with nothing but its ids and what was asked for."""
    everything = {"downloadsAllTime": 0, "evalResults": [], "inference": None, **shown}
    return {key: value for key, value in everything.items() if key in ("_id", "id", *asked)}


def of_model(call: Call, repo: Repo, files: Mapping[str, Node], card: Mapping[str, Any]) -> dict[str, Any]:
    """What a model's page says and a dataset's does not."""
    told: dict[str, Any] = {"modelId": repo.id, "spaces": []}
    told |= {key: card[key] for key in ("pipeline_tag", "library_name") if isinstance(card.get(key), str)}
    if "config.json" in files:
        config = tensors.json_object(call.git(repo).blob(files["config.json"].sha))
        if known := {key: config[key] for key in ("architectures", "model_type") if key in config}:
            told["config"] = known
    if (counted := tensors.parameters(call, repo, files)) is not None:
        told["safetensors"] = {"parameters": counted, "total": sum(counted.values())}
    if isinstance(card.get("model-index"), list):
        told["model-index"] = card["model-index"]
    if "widget" in card:
        told["widgetData"] = card["widget"]
    return told


def of_dataset(card: Mapping[str, Any]) -> dict[str, Any]:
    """What a dataset's page says and a model's does not."""
    return {key: card.get(key) for key in ("citation", "description", "paperswithcode_id")}
