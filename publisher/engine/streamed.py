"""Models that do not fit in memory: weights stay in their files, each module reads its own when it runs and drops them.

transformers and accelerate do this for any architecture (a device map to the disk points to the checkpoint's own
files). Added here: float32 whatever the files hold, adapters on top, weights through 4 bits, and embedding and head in
slices, since these two are by far the largest tensors. All texts run together, so each weight is read once a pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from accelerate.hooks import ModelHook, add_hook_to_module, remove_hook_from_module

from publisher.engine.example import Example, batch, example_of
from publisher.engine.generate import Tensor
from publisher.engine.load import Model, load_adapter, load_model, stored_dtype
from publisher.errors import HubpubError
from publisher.weights.shards import ShardSet

SLICE = 1 << 24  # weights of a head that are in memory at a time
LOGITS_BYTES = 1 << 30  # what logits may take where the models themselves are too large


@dataclass(frozen=True)
class FourBits:
    """Weights that are taken through NF4 and back: their names in the files, and torch's type they are loaded as."""

    names: frozenset[str]
    dtype: Any
    double_quant: bool


@dataclass(frozen=True)
class Packed:
    """Weights that bitsandbytes has packed already: the shards that hold them, by the names that they had unpacked."""

    shards: ShardSet


def load_streamed(folder: str, spare: str, through: FourBits | Packed | None = None) -> Model:
    """Load a checkpoint whose weights stay where they are; it computes in float32.

    Args:
        folder: config and safetensors.
        spare: an empty folder for tensors that the model has in another form than the files.
        through: weights that come out of 4 bits. `Packed` takes the place of all weights of the folder, which then only
            says what the model looks like.

    Raises:
        HubpubError: HP-E03, HP-W01, HP-W03 as in `load_model`.
    """
    model = load_model(folder, dtype="float32", place="disk", spare=spare)
    for module in model.modules():
        if (hook := _reading(module)) is not None and not isinstance(hook.weights_map.dataset, _Files):
            hook.weights_map.dataset = _files(hook.weights_map.dataset, through)
    del model.hf_device_map  # peft would send the model to its places anew
    return model


def adapt_streamed(model: Model, folder: str) -> Model:
    """Put an adapter on such a model; its own tensors are in memory, and every one has found its place.

    Raises:
        HubpubError: HP-A01, HP-A05, HP-A07 as in `load_adapter`.
    """
    from peft.tuners.tuners_utils import BaseTunerLayer

    # peft puts matrices where the weight is that they belong to, and copies what was trained whole, hooks and all. So
    # it gets a model without hooks; a single number in the weight's shape stands for each weight.
    reading = {module: hook for module in model.modules() if (hook := _reading(module)) is not None}
    for module in reading:
        remove_hook_from_module(module)
        _stand_in(module, "cpu")
    adapted = load_adapter(model, folder)
    for module in list(adapted.modules()):
        if isinstance(module, BaseTunerLayer):
            add_hook_to_module(module, _Adapted(reading.pop(module.get_base_layer())))
    for module, hook in reading.items():
        # Where a hook finds a weight in memory, it brings it back there when it is removed.
        _stand_in(module, "meta")
        add_hook_to_module(module, hook)
    return adapted


def fold_in(model: Model, folder: str) -> None:
    """From now on the adapter is merged by peft whenever a module runs, and the sum rounded to the checkpoint's type."""
    import torch
    from peft.utils import ModulesToSaveWrapper

    dtype = stored_dtype(folder)
    for module in model.modules():
        if isinstance(hook := getattr(module, "_hf_hook", None), _Adapted):
            hook.rounded_to = dtype
        elif isinstance(module, ModulesToSaveWrapper):
            with torch.no_grad():
                for weight in module.modules_to_save.parameters():
                    weight.copy_(weight.to(dtype))


def most_tokens(model: Model, *, texts: int, models: int) -> int:
    """How many tokens of each text leave room for the logits of so many texts and models, in float32."""
    vocabulary = int(model.config.get_text_config().vocab_size)  # an embedding that was read has no weight
    return max(1, LOGITS_BYTES // (4 * models * vocabulary * texts))


def read_together(model: Model, texts: Sequence[Example | list[int]]) -> list[Tensor]:
    """Logits of every position of several texts in one pass: float32, each of shape (tokens, vocabulary)."""
    import torch

    examples = [example_of(text) for text in texts]
    inputs = batch(examples, 0, model, device="cpu").inputs
    slice_ends(model)
    with torch.inference_mode():
        logits = model(**inputs, use_cache=False).logits
    return [rows[: len(text.input_ids)].float() for rows, text in zip(logits, examples, strict=True)]


class _Files(Mapping[str, Any]):
    """A model's weights by name, read when asked for."""

    def __init__(self, files: Any, through: FourBits | None) -> None:
        self._files, self._through = files, through

    @property
    def index(self) -> Any:
        """Where each tensor lies, by the model's name for it."""
        return self._files.index

    def __getitem__(self, name: str) -> Tensor:
        through = self._through
        if through is None or self._files.index[name]["weight_name"] not in through.names:
            return self._files[name]
        from bitsandbytes import functional

        weight = self.stored(name).to(through.dtype)
        codes, state = functional.quantize_4bit(
            weight, blocksize=64, compress_statistics=through.double_quant, quant_type="nf4"
        )
        return functional.dequantize_4bit(codes, state).float()

    def stored(self, name: str) -> Tensor:
        """A weight as the file holds it: mapped, so that only the pages that are used take memory."""
        from safetensors import safe_open

        place = self._files.index[name]
        with safe_open(place["safetensors_file"], framework="pt") as file:
            return file.get_tensor(place["weight_name"])

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


class _PackedFiles(_Files):
    """Weights from a checkpoint in 4 bits, in the places of those that it was made of."""

    def __init__(self, files: Any, packed: ShardSet) -> None:
        super().__init__(files, None)
        self._packed, self._tensors = packed, packed.tensors

    def __getitem__(self, name: str) -> Tensor:
        return self.stored(name).float()

    def stored(self, name: str) -> Tensor:
        """A weight, unpacked where it is packed."""
        from bitsandbytes.functional import QuantState, dequantize_4bit
        from safetensors import safe_open

        weight = self._name_of(name)
        with safe_open(str(self._packed.shard_of(weight).file), framework="pt") as file:
            found = file.get_tensor(weight)
            parts = {part: file.get_tensor(part) for part in self._tensors if part.startswith(f"{weight}.")}
        if not parts:
            return found
        return dequantize_4bit(found, QuantState.from_dict(parts, device="cpu"))

    def _name_of(self, name: str) -> str:
        weight = str(self.index[name].get("weight_name", ""))
        if weight not in self._tensors:
            raise HubpubError(
                "HP-E03",
                f"the checkpoint in 4 bits holds no {weight or name}, which the model that it was made of has",
                hint="quantize it again from this very model",
                where=str(self._packed.folder),
            )
        return weight


def _files(files: Any, through: FourBits | Packed | None) -> _Files:
    return _PackedFiles(files, through.shards) if isinstance(through, Packed) else _Files(files, through)


class _Adapted(ModelHook):  # type: ignore[misc]
    """Reads the weight below an adapter's matrices for as long as all of them run: DoRA looks at the weight as well."""

    def __init__(self, reading: Any) -> None:
        self._reading = reading
        self.rounded_to: Any = None

    def pre_forward(self, module: Any, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        base = module.get_base_layer()
        self._reading.pre_forward(base)
        if self.rounded_to is not None and not module.disable_adapters:
            module.merge()
            base.weight.data = base.weight.data.to(self.rounded_to).to(base.weight.dtype)
        return args, kwargs

    def post_forward(self, module: Any, output: Any) -> Any:
        module.merged_adapters.clear()  # the sum is dropped with the weight
        self._reading.post_forward(module.get_base_layer(), output)
        return output


class _Rows(ModelHook):  # type: ignore[misc]
    """Reads those rows of an embedding that the texts use."""

    def __init__(self, table: Tensor, dtype: Any) -> None:
        self._table, self._dtype = table, dtype

    def pre_forward(self, module: Any, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        import torch

        used, places = args[0].unique(return_inverse=True)
        module.weight = torch.nn.Parameter(self._table[used].to(self._dtype), requires_grad=False)
        return (places, *args[1:]), kwargs

    def post_forward(self, module: Any, output: Any) -> Any:
        module.weight = None
        return output


def slice_ends(model: Model) -> None:
    """Let embedding and head do with a part of their weights at a time, where these are the files' own."""
    import torch

    embedding, head = model.get_input_embeddings(), model.get_output_embeddings()
    if isinstance(embedding, torch.nn.Embedding) and (hook := _reading(embedding)) is not None:
        remove_hook_from_module(embedding)
        add_hook_to_module(embedding, _Rows(_stored_weight(hook), torch.float32))
    if type(head) is torch.nn.Linear and head.bias is None and (hook := _reading(head)) is not None:
        remove_hook_from_module(head)
        head.forward = _SlicedHead(_stored_weight(hook))


@dataclass(frozen=True)
class _SlicedHead:
    """A head without bias. `table`: (vocabulary, hidden), in the type of the file."""

    table: Tensor

    def __call__(self, hidden: Tensor) -> Tensor:
        """Logits, of shape (texts, tokens, vocabulary)."""
        rows, width = self.table.shape
        step = max(1, SLICE // width)
        logits = hidden.new_empty(*hidden.shape[:-1], rows)
        for at in range(0, rows, step):
            logits[..., at : at + step] = hidden @ self.table[at : at + step].to(hidden.dtype).T
        return logits


def _stand_in(module: Any, device: str) -> None:
    """Put a single number, seen in the weight's shape, in the place of each weight of a module."""
    import torch

    for name, weight in module.named_parameters(recurse=False):
        number = torch.zeros((), dtype=weight.dtype, device=device)
        module._parameters[name] = torch.nn.Parameter(number.expand(weight.shape), requires_grad=False)


def _reading(module: Any) -> Any:
    """The hook by which accelerate lets a module read its weights; None where there is none."""
    hook = getattr(module, "_hf_hook", None)
    return hook if getattr(hook, "weights_map", None) is not None else None


def _stored_weight(hook: Any) -> Tensor:
    return hook.weights_map.dataset.stored(f"{hook.weights_map.prefix}weight")
