"""The processes that share a training: which examples are whose, and what they tell one another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

Item = TypeVar("Item")
Tensor = Any  # torch.Tensor; naming it would import torch


@dataclass(frozen=True)
class Group:
    """This process among `size` equal ones; every call but `share` is one that all of them make at the same moment."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this one writes files and tells of the progress."""
        return self.rank == 0

    def share(self, items: Sequence[Item]) -> Sequence[Item]:
        """What of these is this one's; each is exactly one's."""
        return items[self.rank :: self.size]

    def largest_share(self, items: Sequence[Item]) -> Sequence[Item]:
        """The first process's share; the others have as many, or one less."""
        return items[0 :: self.size]

    def add_up(self, tensors: Iterable[Tensor]) -> None:
        """Replace each tensor by its sum over all processes; they have the same shapes everywhere."""
        import torch
        from torch import distributed

        listed = list(tensors)
        if self.size == 1 or not listed:
            return
        flat = torch.cat([tensor.reshape(-1).float() for tensor in listed])
        distributed.all_reduce(flat)
        for tensor, summed in zip(listed, flat.split([tensor.numel() for tensor in listed]), strict=True):
            tensor.copy_(summed.view_as(tensor))

    def total(self, value: float, place: str = "cpu") -> float:
        """The sum of a number, in float64; `place`: the device that these processes exchange tensors on."""
        if self.size == 1:
            return value
        import torch
        from torch import distributed

        number = torch.tensor([value], dtype=torch.float64, device=place)
        distributed.all_reduce(number)
        return float(number)

    def any_of(self, flag: bool, place: str = "cpu") -> bool:
        """Whether it is true of at least one."""
        return self.total(float(flag), place) > 0

    def meet(self) -> None:
        """Wait for all."""
        if self.size > 1:
            from torch import distributed

            distributed.barrier()


ALONE = Group()
