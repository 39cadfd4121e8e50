"""Several processes share the frozen base, so that each holds a part of every layer and gathers a layer when it runs.

PyTorch's FSDP2. Only what is frozen is shared: the LoRA matrices are small, and stay whole in every process, as their
optimizer's state does. So steps, checkpoints and the adapter are those of a training without it.
"""

from __future__ import annotations

from publisher.engine.checkpoint import trainable
from publisher.engine.group import Group
from publisher.engine.jobs import Fsdp
from publisher.engine.load import Model, device


def share_base(model: Model, settings: Fsdp, group: Group) -> None:
    """Share each decoder layer's frozen weights, and those around the layers, in place.

    Args:
        model: with its adapter, whole in every process.
        settings: the manifest's.
        group: who shares.
    """
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import CPUOffloadPolicy, OffloadPolicy, fully_shard

    kept_whole = {weight for _, weight in trainable(model)}
    _remember_scales(model)
    mesh = init_device_mesh(device().partition(":")[0], (group.size,))
    policy = CPUOffloadPolicy() if settings.offload else OffloadPolicy()
    for layer in model.get_base_model().get_decoder().layers:
        fully_shard(
            layer,
            mesh=mesh,
            reshard_after_forward=settings.reshard_after_forward,
            offload_policy=policy,
            ignored_params=kept_whole,
        )
    fully_shard(model, mesh=mesh, offload_policy=policy, ignored_params=kept_whole)


def held_bytes(model: Model) -> int:
    """Bytes of the frozen weights that lie in this process between steps."""
    frozen = [weight for weight in model.parameters() if not weight.requires_grad]
    mine = [weight.to_local() if hasattr(weight, "to_local") else weight for weight in frozen]
    return sum(weight.numel() * weight.element_size() for weight in mine)


def _remember_scales(model: Model) -> None:
    """Leave each 4-bit weight's scales with its module too: a gathered weight is a new tensor that has none."""
    for module in model.modules():
        scales = getattr(getattr(module, "weight", None), "quant_state", None)
        if scales is not None:
            module.quant_state = scales
