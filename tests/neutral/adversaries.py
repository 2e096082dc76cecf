"""Programs that a tracer may stumble over: odd tensors, odd modules, and whatever else may be switched on."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only

from tests.neutral.programs import train

ADVERSARIES: dict[str, Callable[[], Any]] = {}


def adversary(run: Callable[[], Any]) -> Callable[[], Any]:
    """Enter a program under its name."""
    ADVERSARIES[run.__name__] = run
    return run


# --------------------------------------------------------------------------- modules that change or misbehave


@adversary
def parameters_come_and_go() -> Any:
    net = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 1))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    losses = []
    for turn in range(5):
        optimizer.zero_grad()
        x = torch.ones(2, net[0].in_features, dtype=net[0].weight.dtype)
        loss = net(x).square().sum()
        loss.backward()
        optimizer.step()
        losses.append(loss)
        if turn == 0:
            net[0].weight.data = torch.randn(3, 3)
            net[1].register_parameter("extra", nn.Parameter(torch.ones(2)))
        elif turn == 1:
            net[0] = nn.Linear(5, 3)
            del net[1].extra
        elif turn == 2:
            net.double()
            optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        else:
            net[1].weight.data.set_(torch.randn(1, 3, dtype=torch.float64))
            net[1].bias.requires_grad_(False)
    return [losses, net.state_dict()]


@adversary
def forward_raises_half_way() -> Any:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b, self.fail = nn.Linear(2, 2), nn.Linear(2, 1), True

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.a(x)
            if self.fail:
                raise ValueError("half-way")
            return self.b(x)

    net = Net()
    told = [_told(net), _told(net)]
    net.fail = False
    return [told, train(net, lambda: net(torch.ones(1, 2)).sum())]


def _told(net: nn.Module) -> str:
    try:
        return str(net(torch.ones(1, 2)))
    except ValueError as error:
        return str(error)


class Awkward:
    """Raises at whatever is asked of it."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(f"do not ask for {name}")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("do not compare")

    def __hash__(self) -> int:
        raise RuntimeError("do not hash")

    def __bool__(self) -> bool:
        raise RuntimeError("do not judge")

    def __len__(self) -> int:
        raise RuntimeError("do not count")

    def __repr__(self) -> str:
        raise RuntimeError("do not print")


@adversary
def attributes_that_raise() -> Any:
    class Net(nn.Linear):
        awkward = property(lambda self: 1 / 0)

        def __getattr__(self, name: str) -> Any:
            if name.startswith("_saved") or name == "to_local":
                raise RuntimeError(name)
            return super().__getattr__(name)

    net = Net(2, 1)
    net.thing, net.things = Awkward(), [Awkward(), {"x": Awkward()}]
    net.loop = net.things
    net.things.append(net.loop)
    awkward = Awkward()
    seen = train(net, lambda: net(torch.ones(1, 2)).sum())
    return [seen, type(awkward).__name__]


@adversary
def one_module_within_itself_and_a_deep_stack() -> Any:
    net: nn.Module = nn.Linear(2, 2)
    for _ in range(60):
        net = nn.Sequential(net, nn.Tanh())
    net.itself = [net]
    return train(net, lambda: net(torch.ones(1, 2)).sum(), steps=2)


@adversary
def two_thousand_parameters() -> Any:
    net = nn.ParameterList([nn.Parameter(torch.tensor(float(i))) for i in range(2_000)])
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    loss = torch.stack(list(net)).square().sum()
    loss.backward()
    optimizer.step()
    return [loss, torch.stack(list(net))]


# --------------------------------------------------------------------------- odd tensors


class Logged(torch.Tensor):
    """A subclass that sees every function, and does not take kindly to some."""

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        SEEN.append(getattr(func, "__name__", str(func)))
        return super().__torch_function__(func, types, args, kwargs or {})


SEEN: list[str] = []


@adversary
def a_subclass_with_torch_function() -> Any:
    SEEN.clear()
    weight = nn.Parameter(torch.randn(3, 2).as_subclass(Logged))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        (torch.ones(1, 3) @ weight).square().sum().backward()
        optimizer.step()
    return [weight.as_subclass(torch.Tensor), list(SEEN)]


class Wrapped(torch.Tensor):
    """A wrapper subclass: the numbers are in ``inner``."""

    inner: torch.Tensor

    @staticmethod
    def __new__(cls, inner: torch.Tensor) -> Any:
        return torch.Tensor._make_wrapper_subclass(
            cls, inner.shape, dtype=inner.dtype, device=inner.device, requires_grad=inner.requires_grad
        )

    def __init__(self, inner: torch.Tensor) -> None:
        self.inner = inner

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        SEEN.append(str(func))
        plain = tree_map_only(Wrapped, lambda t: t.inner, (args, kwargs or {}))
        return tree_map_only(torch.Tensor, Wrapped, func(*plain[0], **plain[1]))


@adversary
def a_subclass_with_torch_dispatch() -> Any:
    SEEN.clear()
    weight = Wrapped(torch.randn(3, 2)).requires_grad_()
    for _ in range(2):
        (weight * 2).tanh().sum().backward()
    assert weight.grad is not None
    return [weight.inner, weight.grad.inner, list(SEEN)]


@adversary
def meta_tensors() -> Any:
    net = nn.Linear(3, 2, device="meta")
    return train(net, lambda: net(torch.ones(4, 3, device="meta")).square().mean())


@adversary
def fake_tensors() -> Any:
    with FakeTensorMode():
        net = nn.Linear(3, 2)
        optimizer = torch.optim.Adam(net.parameters())
        loss = net(torch.ones(4, 3)).square().mean()
        loss.backward()
        optimizer.step()
        return [tuple(net.weight.grad.shape), str(loss.device)]


@adversary
def quantised_tensors() -> Any:
    net = nn.Linear(3, 2)

    def loss() -> torch.Tensor:
        quantised = torch.quantize_per_tensor(net(torch.ones(4, 3)).detach(), 0.1, 0, torch.qint8)
        return (net(torch.ones(4, 3)) * quantised.dequantize()).sum() + torch.fake_quantize_per_tensor_affine(
            net.weight, 0.1, 0, -128, 127
        ).sum()

    return train(net, loss)


@adversary
def nested_tensors() -> Any:
    net = nn.Linear(3, 2)
    jagged = torch.nested.nested_tensor([torch.ones(2, 3), torch.ones(4, 3)], layout=torch.jagged)
    return train(net, lambda: net(jagged).values().square().sum())


@adversary
def sparse_parameters() -> Any:
    weight = torch.eye(3).to_sparse().requires_grad_()
    optimizer = torch.optim.SGD([weight], lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        torch.sparse.mm(weight, torch.ones(3, 2)).square().sum().backward()
        optimizer.step()
    return [weight.detach().to_dense(), weight.grad.to_dense()]


@adversary
def empty_scalar_and_huge_tensors() -> Any:
    empty, scalar = nn.Parameter(torch.empty(0, 4)), nn.Parameter(torch.tensor(2.0))
    huge = torch.zeros(1, requires_grad=True).expand(2**40).detach()  # no memory stands behind it
    optimizer = torch.optim.AdamW([empty, scalar], lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        (empty.sum() + scalar**2 + huge[2**39]).backward()
        optimizer.step()
    dark = scalar.detach().reshape(1).expand(2**40)
    return [empty, scalar, dark[:2] + scalar]


@adversary
def views_of_one_storage_and_odd_strides() -> Any:
    base = torch.zeros(6, 4)
    a, b = nn.Parameter(base[:3].t()), nn.Parameter(base[::2])
    optimizer = torch.optim.SGD([a, b], lr=0.1, foreach=True)
    for _ in range(3):
        optimizer.zero_grad()
        (a.exp().sum() * b.cos().sum()).backward()
        optimizer.step()
    return [base, a, b, a.grad, b.grad]


# --------------------------------------------------------------------------- what else is switched on


class Counted(TorchDispatchMode):
    """A dispatch mode of the user's: every operation that it sees is part of what the program computes."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.seen.append(str(func))
        return func(*args, **(kwargs or {}))


class Named(torch.overrides.TorchFunctionMode):
    """A function mode of the user's."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.seen.append(getattr(func, "__name__", str(func)))
        return func(*args, **(kwargs or {}))


@adversary
def a_dispatch_mode_of_the_user() -> Any:
    net = nn.Linear(3, 2)
    net.weight.register_hook(lambda grad: grad * 2)
    with Counted() as mode:
        seen = train(net, lambda: net(torch.ones(4, 3)).square().mean() * net.bias.detach().sum().item())
    return [seen, mode.seen]


@adversary
def a_function_mode_of_the_user() -> Any:
    net = nn.Linear(3, 2)
    with Named() as mode:
        seen = train(net, lambda: net(torch.ones(4, 3)).square().mean() * net.bias.detach().sum().item())
    return [seen, mode.seen]


@adversary
def both_kinds_of_modes_at_once_and_one_within_the_other() -> Any:
    net = nn.Linear(3, 2)
    with torch.device("cpu"), Named() as outer, Counted() as inner, Named() as within:
        seen = train(net, lambda: net(torch.ones(4, 3)).square().mean() * net.bias.detach().sum().item())
    return [seen, outer.seen, inner.seen, within.seen]


@adversary
def a_module_called_from_several_threads() -> Any:
    net = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 1))

    def loss() -> torch.Tensor:
        with ThreadPoolExecutor(1) as pool:  # one after the other: sums of floats hang on the order
            parts = [pool.submit(net, torch.full((2, 3), float(i))).result() for i in range(3)]
        return torch.stack(parts).square().mean()

    return train(net, loss)


@adversary
def torch_function_switched_off() -> Any:
    net = nn.Linear(3, 2)
    with torch._C.DisableTorchFunction():
        return train(net, lambda: net(torch.ones(4, 3)).square().mean())


@adversary
def deterministic_algorithms() -> Any:
    torch.use_deterministic_algorithms(True)
    try:
        net = nn.EmbeddingBag(9, 4, mode="sum")
        return train(net, lambda: net(torch.randint(0, 9, (3, 2))).square().mean())
    finally:
        torch.use_deterministic_algorithms(False)


@adversary
def default_device_and_dtype() -> Any:
    torch.set_default_device("meta")
    torch.set_default_dtype(torch.float64)
    try:
        net = nn.Linear(3, 2, device="cpu")
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)  # Adam of torch 2.6 counts its steps on that device
        seen = train(net, lambda: net(torch.ones(4, 3, device="cpu")).square().mean(), optimizer)
        return seen, nn.Linear(2, 2).weight
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_default_device(None)


@adversary
def a_profiler() -> Any:
    net = nn.Linear(3, 2)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]):
        return train(net, lambda: net(torch.ones(4, 3)).square().mean())


@adversary
def saved_tensor_hooks_and_inference() -> Any:
    net, packed = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 1)), []

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        packed.append(tuple(tensor.shape))
        return tensor.double()

    def loss() -> torch.Tensor:
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t.float()):
            out = net(torch.ones(2, 3))
        with torch.inference_mode():
            still = net(torch.ones(2, 3)) * 2
        return out.square().sum() + still.sum().item()

    return [train(net, loss), packed]
