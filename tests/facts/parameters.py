"""One watched parameter: gradients counted, bits compared, names noted."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch.nn.parameter import is_lazy


@dataclass(slots=True)
class Fact:
    """What plain PyTorch says of one parameter."""

    names: list[str]  #: from the roots, as last seen
    inner: list[str]  #: from the modules inside them
    walk: int  #: when it was last seen in a module: a parameter that another one replaced has a smaller number
    shape: list[int]
    requires_grad: bool  #: at the last look
    fed: bool  #: some gradient that accumulated was not all zeros
    accumulated: int
    changed: bool
    owners: list[tuple[str, int]]  #: (class, param group)


@dataclass(slots=True)
class Watched:
    """A parameter under observation, held until the end."""

    tensor: torch.nn.Parameter
    requires_grad: bool = False
    fed: bool = False
    accumulated: int = 0
    changed: bool = False
    hook: torch.utils.hooks.RemovableHandle | None = None
    first: bytes | None = None  #: bits when a module was first called after it was met
    last: bytes | None = None
    names: set[str] = field(default_factory=set)
    inner: set[str] = field(default_factory=set)
    walk: int = 0

    def count(self) -> None:
        """Count gradients from now on, if it asks for any."""
        if self.hook is None and self.tensor.requires_grad and self.tensor.is_leaf and not is_lazy(self.tensor):
            self.hook = self.tensor.register_post_accumulate_grad_hook(self._counted)

    def start(self) -> None:
        """Keep the first bits, and count from now on if that was not possible before."""
        self.count()
        if self.first is None and not is_lazy(self.tensor):
            self.first = self.last = bits(self.tensor)

    def look(self) -> None:
        """Compare the bits with those of the last look."""
        self.requires_grad = self.tensor.requires_grad
        if self.first is not None:
            now = bits(self.tensor)
            self.changed = self.changed or now != self.last
            self.last = now

    def release(self) -> None:
        """Take the hook off."""
        if self.hook is not None:
            self.hook.remove()

    def named(self, name: str, from_root: bool, walk: int) -> None:
        """Note a name; names of earlier walks are forgotten, but for those from a root that is gone by now."""
        if from_root and any(old.endswith(f".{name}") for old in self.names):
            return
        if walk != self.walk:
            self.names, self.inner, self.walk = set(), set(), walk
        (self.names if from_root else self.inner).add(name)

    def fact(self, owners: list[tuple[str, int]]) -> Fact:
        """Return what was seen, as a plain value."""
        names, inner = sorted(self.names), sorted(self.inner)
        shape = [] if is_lazy(self.tensor) else list(self.tensor.shape)
        return Fact(
            names, inner, self.walk, shape, self.requires_grad, self.fed, self.accumulated, self.changed,
            sorted(owners),
        )  # fmt: skip

    def _counted(self, tensor: torch.Tensor) -> None:
        if tensor.grad is None:  # torch 2.13 runs the hook also where a custom Function gave None
            return
        self.accumulated += 1
        if not self.fed:
            self.fed = bool((tensor.grad.detach() != 0).any()) if tensor.grad.layout == torch.strided else True


def bits(tensor: torch.Tensor) -> bytes:
    """Return every bit of a tensor's content; nothing for one without content, such as on "meta"."""
    if tensor.device.type == "meta":
        return b""
    with torch.no_grad():
        dense = tensor.detach() if tensor.layout == torch.strided else tensor.detach().to_dense()
        flat = torch.empty(dense.numel(), dtype=dense.dtype, device="cpu").copy_(dense.reshape(-1))
        return flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""
