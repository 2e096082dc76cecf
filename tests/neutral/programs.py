"""Small training programs, one per way of using autograd. Each returns all that it computed."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from tests.neutral.observing import structure

PROGRAMS: dict[str, Callable[[], Any]] = {}


def program(run: Callable[[], Any]) -> Callable[[], Any]:
    """Enter a program under its name."""
    PROGRAMS[run.__name__] = run
    return run


def train(model: nn.Module, loss_of: Callable[[], torch.Tensor], optimizer: Any = None, steps: int = 3) -> list[Any]:
    """Train for some steps; return losses, graphs, gradients and values of every step."""
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01) if optimizer is None else optimizer
    seen: list[Any] = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = loss_of()
        graph = repr(structure(loss))
        loss.backward()
        grads = [p.grad if p.grad is None else p.grad.clone() for p in model.parameters()]
        optimizer.step()
        seen.append([loss.detach(), graph, grads, copy.deepcopy(model.state_dict())])
    return seen


# --------------------------------------------------------------------------- models


@program
def cnn_with_batchnorm_and_dropout() -> Any:
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Dropout2d(0.3), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.5), nn.Linear(36, 3),
    )  # fmt: skip
    x, y = torch.randn(5, 1, 8, 8), torch.randint(0, 3, (5,))
    return train(net, lambda: F.cross_entropy(net(x), y))


@program
def lstm() -> Any:
    net = nn.LSTM(3, 5, num_layers=2, dropout=0.2, bidirectional=True)
    x = torch.randn(7, 2, 3)
    return train(net, lambda: net(x)[0].square().mean())


@program
def packed_gru() -> Any:
    net = nn.GRU(3, 4)
    x = nn.utils.rnn.pack_padded_sequence(torch.randn(5, 2, 3), torch.tensor([5, 3]))
    return train(net, lambda: net(x)[0].data.square().mean())


@program
def transformer() -> Any:
    layer = nn.TransformerEncoderLayer(8, 2, dim_feedforward=16, dropout=0.1, batch_first=True)
    net = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
    x = torch.randn(2, 5, 8)
    return train(net, lambda: net(x).square().mean(), torch.optim.AdamW(net.parameters(), lr=0.01))


@program
def tied_weights() -> Any:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.head = nn.Embedding(9, 4), nn.Linear(4, 9, bias=False)
            self.head.weight = self.embed.weight

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(torch.tanh(self.embed(x)))

    net, x = Net(), torch.randint(0, 9, (6,))
    return train(net, lambda: F.cross_entropy(net(x), x))


@program
def parametrized_modules() -> Any:
    net = nn.Sequential(
        nn.utils.parametrizations.weight_norm(nn.Linear(3, 4)),
        nn.utils.parametrizations.spectral_norm(nn.Linear(4, 4)),
        nn.utils.parametrizations.orthogonal(nn.Linear(4, 2)),
    )
    x = torch.randn(5, 3)
    return train(net, lambda: net(x).square().mean())


@program
def lazy_modules() -> Any:
    net = nn.Sequential(nn.LazyConv1d(3, 2), nn.LazyBatchNorm1d(), nn.Flatten(), nn.LazyLinear(2))
    net(torch.randn(2, 2, 6))
    x = torch.randn(4, 2, 6)
    return train(net, lambda: net(x).square().mean())


# --------------------------------------------------------------------------- ways to run backward


@program
def double_backward() -> Any:
    net = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
    x = torch.randn(4, 3, requires_grad=True)

    def loss() -> torch.Tensor:
        (grad,) = torch.autograd.grad(net(x).sum(), x, create_graph=True)
        return net(x).square().mean() + (grad.norm(dim=1) - 1).square().mean()

    return [train(net, loss), x.grad]


@program
def several_backwards_on_one_graph() -> Any:
    net, x = nn.Linear(3, 2), torch.randn(4, 3)
    out = net(x)
    out[:, 0].sum().backward(retain_graph=True)
    out[:, 1].square().sum().backward(retain_graph=True)
    torch.autograd.backward([out, out.exp()], [torch.ones_like(out), torch.ones_like(out)], retain_graph=True)
    out.sum().backward()
    try:
        out.sum().backward()
    except RuntimeError as error:
        return [str(error), [p.grad for p in net.parameters()]]
    return None


@program
def backward_with_create_graph() -> Any:
    w = torch.randn(3, requires_grad=True)
    w.pow(3).sum().backward(create_graph=True)
    first = w.grad
    assert first is not None
    graph = repr(structure(first))
    w.grad = None
    first.sum().backward()
    return [graph, first, w.grad]


@program
def gradients_without_accumulation() -> Any:
    net, x = nn.Linear(3, 2), torch.randn(4, 3, requires_grad=True)
    unused = torch.ones(2, requires_grad=True)
    given = [x, *net.parameters(), unused]
    grads = torch.autograd.grad(net(x).square().sum(), given, allow_unused=True)
    many = torch.autograd.grad(net(x), x, torch.eye(2).repeat(4, 1, 1).permute(1, 0, 2), is_grads_batched=True)
    jacobian = torch.autograd.functional.jacobian(net, x.detach())
    return [grads, many, jacobian, x.grad, [p.grad for p in net.parameters()]]


@program
def backward_into_some_inputs() -> Any:
    net = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    hidden = net[0](torch.randn(4, 3))
    hidden.retain_grad()
    net[1](hidden).sum().backward(inputs=[net[0].weight, hidden])
    return [hidden.grad, [p.grad for p in net.parameters()]]


@program
def gradient_accumulation() -> Any:
    net, data = nn.Linear(3, 1), torch.randn(6, 2, 3)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    for i, x in enumerate(data):
        (net(x).square().mean() / 3).backward()
        if i % 3 == 2:
            nn.utils.clip_grad_norm_(net.parameters(), 0.5)
            optimizer.step()
            optimizer.zero_grad(set_to_none=False)
    return [list(net.parameters()), [p.grad for p in net.parameters()], optimizer.state_dict()]


@program
def two_models_and_two_optimizers() -> Any:
    maker, critic = nn.Linear(2, 3), nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
    of_maker, of_critic = torch.optim.Adam(maker.parameters()), torch.optim.RMSprop(critic.parameters())
    losses = []
    for _ in range(3):
        fake = maker(torch.randn(4, 2))
        of_critic.zero_grad()
        loss = critic(fake.detach()).mean() - critic(torch.randn(4, 3)).mean()
        loss.backward()
        of_critic.step()
        of_maker.zero_grad()
        wanted = -critic(fake).mean()
        wanted.backward()
        of_maker.step()
        losses += [loss, wanted]
    return [losses, list(maker.parameters()), list(critic.parameters())]


@program
def optimizer_in_backward() -> Any:
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
    optimizers = {p: torch.optim.SGD([p], lr=0.1) for p in net.parameters()}

    def step(parameter: torch.Tensor) -> None:
        optimizers[parameter].step()
        optimizers[parameter].zero_grad()

    for parameter in net.parameters():
        parameter.register_post_accumulate_grad_hook(step)
    losses = []
    for _ in range(3):
        losses.append(net(torch.ones(2, 3)).square().mean())
        losses[-1].backward()
    return [losses, list(net.parameters()), [p.grad for p in net.parameters()]]


@program
def lbfgs_with_a_closure() -> Any:
    net, x = nn.Linear(3, 1), torch.randn(5, 3)
    optimizer = torch.optim.LBFGS(net.parameters(), max_iter=4)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = net(x).square().mean()
        loss.backward()
        return loss

    return [[optimizer.step(closure) for _ in range(2)], list(net.parameters())]


class Halve(torch.autograd.Function):
    """A custom Function with an input that has no gradient and one that it changes in place."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, y: torch.Tensor, scale: float) -> Any:
        ctx.save_for_backward(x)
        ctx.scale = scale
        y.mul_(2)
        ctx.mark_dirty(y)
        return x * scale, y, (x > 0)

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor, other: torch.Tensor, mask: Any) -> Any:
        (x,) = ctx.saved_tensors
        return grad * ctx.scale * (x > 0), other * 2, None


@program
def custom_function() -> Any:
    net, x = nn.Linear(3, 2), torch.randn(4, 3)

    def loss() -> torch.Tensor:
        a, b, mask = Halve.apply(net(x), net(x) + 1, 0.5)
        return (a * mask).sum() + b.square().sum()

    return train(net, loss)


@program
def rnn_loop_truncated() -> Any:
    cell, head = nn.RNNCell(2, 3), nn.Linear(3, 1)
    optimizer = torch.optim.SGD([*cell.parameters(), *head.parameters()], lr=0.1)
    h, losses = torch.zeros(4, 3), []
    for _ in range(3):
        h = h.detach()
        for _ in range(4):
            h = cell(torch.randn(4, 2), h)
        loss = head(h).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss)
    return [losses, h, list(cell.parameters())]


# --------------------------------------------------------------------------- kinds of tensors


@program
def in_place_writes_and_views() -> Any:
    w = torch.randn(4, 3, requires_grad=True)
    x = w * 2
    x[:, 0] = 1.0
    x[1].mul_(3)
    x.t()[2].add_(w[:, 1])
    y = x.view(-1)[2:].relu_()
    y.sum().backward()
    with torch.no_grad():
        w.sub_(0.1 * w.grad)  # type: ignore[operator]
        w[0, 0].clamp_(-0.1, 0.1)
    w.data[1] = 0
    saved = w.exp()
    try:
        loss = saved.sum()
        saved.add_(1)
        loss.backward()
        saved.exp_().add_(1).sum().backward()
    except RuntimeError as error:
        return [w, w.grad, x, y, str(error)]
    return None


@program
def complex_gradients() -> Any:
    net = nn.Linear(3, 2, dtype=torch.complex64)
    x = torch.randn(4, 3, dtype=torch.complex64)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    return train(net, lambda: torch.fft.fft(net(x)).abs().square().mean(), optimizer)


@program
def sparse_gradients() -> Any:
    net = nn.Sequential(nn.Embedding(20, 3, sparse=True), nn.Flatten())
    bag = nn.EmbeddingBag(20, 3, sparse=True)
    both = nn.ModuleList([net, bag])
    x = torch.randint(0, 20, (4, 2))
    optimizer = torch.optim.SparseAdam(list(both.parameters()), lr=0.1)
    return train(both, lambda: net(x).square().sum() + bag(x).sum(), optimizer)


@program
def half_precision_and_empty_tensors() -> Any:
    net = nn.Linear(3, 2, dtype=torch.bfloat16)
    none = nn.Parameter(torch.empty(0, 3))
    optimizer = torch.optim.AdamW([*net.parameters(), none, nn.Parameter(torch.tensor(2.0))], lr=0.1)
    x = torch.randn(4, 3, dtype=torch.bfloat16)
    return train(net, lambda: net(x).square().mean() + none.sum(), optimizer)


@program
def numbers_leave_and_come_back() -> Any:
    net = nn.Linear(3, 2)
    x = torch.from_numpy(torch.randn(4, 3).numpy() * 2)

    def loss() -> torch.Tensor:
        out = net(x)
        scale, best = float(out.detach().abs().max()), out.argmax(dim=1).tolist()
        array = out.detach().numpy() + 1
        again = torch.tensor(out.tolist()) + torch.from_numpy(array)
        return F.cross_entropy(out / scale, torch.tensor(best)) + out.mean() * again.mean().item()

    return train(net, loss)


# --------------------------------------------------------------------------- machinery


@program
def both_checkpoints() -> Any:
    net = nn.ModuleList([nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.4)) for _ in range(2)])
    x = torch.randn(4, 3, requires_grad=True)

    def loss() -> torch.Tensor:
        hidden = checkpoint(net[0], x, use_reentrant=True)
        return checkpoint(net[1], hidden, use_reentrant=False).square().mean()

    return [train(net, loss), x.grad]


@program
def autocast_and_a_scaler() -> Any:
    net, x = nn.Sequential(nn.Linear(3, 8), nn.LayerNorm(8), nn.Linear(8, 1)), torch.randn(4, 3)
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.01)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**8)
    seen = []
    for i in range(3):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = net(x).float().square().mean() * (float("inf") if i == 1 else 1.0)
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        scaler.step(optimizer)
        scaler.update()
        seen.append([loss, scaler.get_scale()])
    return [seen, list(net.parameters()), scaler.state_dict()]


@program
def functional_transforms() -> Any:
    net, x = nn.Linear(3, 2), torch.randn(4, 3)
    values = dict(net.named_parameters())

    def loss(values: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(net, values, (x,)).square().sum()

    per_sample = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0))(values, x)
    jacobian = torch.func.jacrev(lambda v: loss(values, v))(x)
    tangent = torch.func.jvp(lambda v: loss(values, v), (x,), (torch.ones_like(x),))
    hessian = torch.func.hessian(lambda v: (v**3).sum())(x[0])
    return [per_sample, jacobian, tangent, hessian, train(net, lambda: loss(values, x))]


@program
def hooks_of_the_user() -> Any:
    net, told = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 1)), []
    net[0].weight.register_hook(lambda grad: grad * 0.5)
    net[0].weight.register_hook(lambda grad: told.append(grad.norm().item()))
    net[2].register_full_backward_hook(lambda m, i, o: told.append(o[0].sum().item()))
    net[0].register_forward_hook(lambda m, a, out: out * 1.5)
    net[1].register_forward_pre_hook(lambda m, a: (a[0] + 1,))
    net[2].bias.register_post_accumulate_grad_hook(lambda p: told.append(float(p.grad.mul_(2))))
    x = torch.randn(4, 3)

    def loss() -> torch.Tensor:
        out = net(x)
        out.register_hook(lambda grad: grad.clamp(-1, 1))
        out.grad_fn.register_prehook(lambda grads: told.append(grads[0].sum().item()))  # type: ignore[union-attr]
        return out.square().mean()

    return [train(net, loss), told]


@program
def copies_and_checkpoint_files() -> Any:
    net = nn.Linear(3, 2)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.1)
    target, x = copy.deepcopy(net).requires_grad_(False), torch.ones(2, 3)
    seen = train(net, lambda: (net(x) - target(x)).square().mean() + net.bias.sum(), optimizer)
    file = io.BytesIO()
    torch.save({"net": net, "optimizer": optimizer, "state": optimizer.state_dict()}, file)
    file.seek(0)
    back = torch.load(file, weights_only=False)
    other = copy.deepcopy(optimizer)
    with torch.no_grad():
        for slow, fast in zip(target.parameters(), net.parameters(), strict=True):
            slow.lerp_(fast, 0.1)
    return [seen, back["net"].state_dict(), back["state"], list(target.parameters()), other.state_dict()]


@program
def warnings_and_errors() -> Any:
    net = nn.Linear(3, 2)
    F.softmax(net(torch.ones(1, 3)))  # warns: no dim
    F.mse_loss(net(torch.ones(1, 3)), torch.ones(1))  # warns: sizes differ
    net(torch.ones(1, 3)).sum().grad  # warns: not a leaf
    wrong = (
        lambda: net(torch.ones(1, 4)),
        lambda: torch.ones(1).backward(),
        lambda: net(torch.ones(2, 3)).backward(),
        lambda: torch.optim.SGD([], lr=0.1),
        lambda: torch.optim.SGD(net.parameters(), lr=-1.0),
        lambda: net.weight.add_(1),
    )
    return [_told(each) for each in wrong]


def _told(run: Callable[[], Any]) -> str:
    try:
        return f"no error: {run()}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"


@program
def anomaly_mode() -> Any:
    w = torch.tensor([0.0, 4.0], requires_grad=True)
    with torch.autograd.detect_anomaly(check_nan=True):
        try:
            (w.sqrt() * 0).sum().backward()
        except RuntimeError as error:
            return [str(error), w.grad]
    return w.grad


@program
def compiled_model() -> Any:
    torch._dynamo.reset()
    net = nn.Sequential(nn.Linear(3, 4), nn.GELU(), nn.Linear(4, 1))
    fast = torch.compile(net, backend="aot_eager", fullgraph=True)
    x = torch.randn(5, 3)
    seen = train(net, lambda: fast(x).square().mean())
    # dynamo numbers a graph's inputs as it meets them, which a function mode changes: no edges are compared
    return [[loss, sorted(name for name, _ in eval(graph)), *rest] for loss, graph, *rest in seen]


@program
def scripted_and_traced_models() -> Any:
    net, x = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1)), torch.randn(5, 3)
    traced, fx = torch.jit.trace(net, x), torch.fx.symbolic_trace(net)
    exported = torch.export.export(net, (x,)).module()
    return [train(net, lambda: traced(x).mean() + fx(x).square().mean()), exported(x), fx.code]
