"""Check every entry of truth.json with plain torch facts; knows nothing of the tracer.

usage: verify.py [GLOB]    (exit status 1 when an entry is wrong)

Each script runs in a fresh interpreter with light instrumentation: a snapshot of every root's parameters after
each backward, before and after each optimizer step. A verdict of truth.json must then follow from those facts.
Whether a parameter "took part" is tested by perturbation: what the script prints must change with it, or not.
"""
from __future__ import annotations

import concurrent.futures
import fnmatch
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
#: faults whose parameters never hold a gradient
NO_GRADIENT = {"cut", "non_differentiable", "unused", "none_from_backward", "checkpoint_cut", "detached_loss", "no_backward"}


def watch(case: dict, out: str, perturb: str | None) -> None:
    """Run the script of ``case`` and write its facts to ``out``; runs in a child process."""
    import runpy

    import torch
    from torch import nn
    from torch.optim import optimizer as optim

    classes = {r["class"] for r in case["roots"]}
    roots: list[nn.Module] = []  # in the order they were built or first called
    facts: dict[str, dict] = {}  # "Class#i.name" -> facts
    first: dict[str, torch.Tensor] = {}
    optimizers: list[torch.optim.Optimizer] = []
    stepped: set[int] = set()
    before_step: dict[str, torch.Tensor] = {}
    last: dict[str, torch.Tensor] = {}
    counts = {"backwards": 0, "steps": 0, "tensor_hooks": 0}
    busy = [False]

    def loose(value: object, path: str, seen: set[int]):
        """Leaf tensors reachable through plain attributes, lists and dicts, by attribute path."""
        if id(value) in seen:
            return
        seen.add(id(value))
        if isinstance(value, torch.Tensor):
            if value.requires_grad or value.grad_fn is not None:
                yield path, value
        elif isinstance(value, nn.Module):
            for key, inner in value.__dict__.items():
                if key != "_modules" and not (key.startswith("_") and key.endswith("hooks")):
                    if key in ("_parameters", "_buffers"):
                        for name, p in inner.items():
                            yield from loose(p, f"{path}.{name}" if path else name, seen)
                    else:
                        yield from loose(inner, f"{path}.{key}" if path else key, seen)
            for key, inner in value._modules.items():
                yield from loose(inner, f"{path}.{key}" if path else key, seen)
        elif isinstance(value, dict):
            for key, inner in value.items():
                yield from loose(inner, f"{path}['{key}']", seen)
        elif type(value).__module__ == "__main__" and hasattr(value, "__dict__"):  # an object of the script's own
            for key, inner in vars(value).items():
                yield from loose(inner, f"{path}.{key}", seen)
        elif isinstance(value, (list, tuple)):
            for key, inner in enumerate(value):
                yield from loose(inner, f"{path}[{key}]", seen)

    def tensors():
        """(key, tensor) of every parameter and every unregistered leaf of every root."""
        for i, root in enumerate(roots):
            seen: set[int] = set()
            for name, p in root.named_parameters():
                seen.add(id(p))
                yield f"{type(root).__name__}#{i}.{name}", p, True
            for name, t in loose(root, "", set()):
                if id(t) not in seen:
                    seen.add(id(t))
                    yield f"{type(root).__name__}#{i}.{name}", t, False

    def fact(key: str, t: torch.Tensor, registered: bool) -> dict:
        f = facts.setdefault(key, dict(some=0, none=0, zero=0, nonfinite=0, nonzero=0, step_nonzero=0, step_nonfinite=0, step_changed=0, step_same=0,
                                       left_over=0, reset=0, touched=0, outside=0, owners=[], lrs=[], ids=[]))
        f.update(requires_grad=t.requires_grad, leaf=t.is_leaf, registered=registered, shape=list(t.shape))
        if id(t) not in f["ids"]:
            f["ids"].append(id(t))
        first.setdefault(key, t.detach().clone())
        return f

    def grad_of(t: torch.Tensor):
        return t.grad if t.is_leaf else None

    def same(a: torch.Tensor, b: torch.Tensor) -> bool:
        return a.shape == b.shape and torch.equal(a.detach().contiguous().view(torch.uint8) if a.dim() else a.detach().reshape(1).view(torch.uint8),
                                                  b.detach().contiguous().view(torch.uint8) if b.dim() else b.detach().reshape(1).view(torch.uint8))

    pending: dict[str, torch.Tensor] = {}  # gradient right after the last backward
    stepped_since: dict[str, bool] = {}

    def around_backward(real):
        def run(*args, **kwargs):
            if busy[0]:
                return real(*args, **kwargs)
            busy[0] = True
            try:
                for key, t, reg in tensors():
                    f, g = fact(key, t, reg), grad_of(t)
                    if key in last and not same(last[key], t):
                        f["outside"] += 1
                    last.pop(key, None)
                    if g is not None and stepped_since.get(key) and g.ne(0).any():
                        f["left_over"] += 1
                    stepped_since[key] = False
            finally:
                busy[0] = False
            result = real(*args, **kwargs)
            counts["backwards"] += 1
            for key, t, reg in tensors():
                f, g = fact(key, t, reg), grad_of(t)
                if g is None:
                    f["none"] += 1
                    continue
                f["some"] += 1
                g = g.coalesce().values() if g.is_sparse else g
                f["nonfinite"] += not bool(g.isfinite().all())
                f["zero"] += not bool(g.ne(0).any())
                f["nonzero"] += bool(g.ne(0).any())
                pending[key] = g.detach().clone()
            return result
        return run

    def pre_step(opt, args, kwargs):
        stepped.add(id(opt))
        counts["steps"] += 1
        for key, t, reg in tensors():
            f, g = fact(key, t, reg), grad_of(t)
            if key in last and not same(last[key], t):
                f["outside"] += 1
            before_step[key] = t.detach().clone()
            owned = any(t is p for group in opt.param_groups for p in group["params"])
            if owned:
                for group in opt.param_groups:
                    if any(t is p for p in group["params"]):
                        f["lrs"].append(float(group["lr"]))
                if key in pending:
                    if g is None or (not g.is_sparse and not g.ne(0).any() and pending[key].ne(0).any()):
                        f["reset"] += 1
                    elif not g.is_sparse and g.shape == pending[key].shape and not same(g, pending[key]):
                        f["touched"] += 1
                if g is not None:
                    g = g.coalesce().values() if g.is_sparse else g
                    f["step_nonzero"] += bool(g.ne(0).any())
                    f["step_nonfinite"] += not bool(g.isfinite().all())

    def post_step(opt, args, kwargs):
        for key, t, reg in tensors():
            if key in before_step:
                f = fact(key, t, reg)
                owned = any(t is p for group in opt.param_groups for p in group["params"])
                if owned:
                    f["step_same" if same(before_step[key], t) else "step_changed"] += 1
                    stepped_since[key] = True
                last[key] = t.detach().clone()

    real_hook = torch.Tensor.register_hook

    def register_hook(self, hook):
        counts["tensor_hooks"] += 1
        return real_hook(self, hook)

    torch.Tensor.register_hook = register_hook

    def counted(real):
        def register(self, *args, **kwargs):
            counts["tensor_hooks"] += 1  # a module's backward hook is one on its tensors
            return real(self, *args, **kwargs)
        return register

    nn.Module.register_full_backward_hook = counted(nn.Module.register_full_backward_hook)
    nn.Module.register_full_backward_pre_hook = counted(nn.Module.register_full_backward_pre_hook)
    real_init = nn.Module.__init__

    def init(self, *args, **kwargs):
        real_init(self, *args, **kwargs)
        if type(self).__name__ in classes:
            roots.append(self)

    disturbed: set[int] = set()
    called: set[int] = set()

    def on_call(module, args):
        if type(module).__name__ in classes and not any(module is r for r in roots):
            roots.append(module)
        called.add(id(module))
        if perturb is not None:
            for key, t, _ in list(tensors()):
                if glob_of([perturb], key.split(".", 1)[1], root_of(case, key)) and t.is_leaf and id(t) not in disturbed:
                    disturbed.add(id(t))
                    with torch.no_grad():
                        g = torch.Generator().manual_seed(5)
                        t.add_((torch.randn(t.shape, generator=g) * 2).to(t.dtype))

    real_opt_init = torch.optim.Optimizer.__init__

    def opt_init(self, *args, **kwargs):
        real_opt_init(self, *args, **kwargs)
        optimizers.append(self)

    nn.Module.__init__ = init
    torch.optim.Optimizer.__init__ = opt_init
    torch.autograd.backward = around_backward(torch.autograd.backward)
    nn.modules.module.register_module_forward_pre_hook(on_call)
    optim.register_optimizer_step_pre_hook(pre_step)
    optim.register_optimizer_step_post_hook(post_step)
    sys.argv = [str(HERE / f"{case['case']}.py")]
    ended = ""
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except BaseException as error:
        ended = type(error).__name__
        print(error)
    for key, t, reg in tensors():
        f = fact(key, t, reg)
        f["changed"] = not same(first[key], t)
        if key in last and not same(last[key], t):
            f["outside"] += 1
        f["owners"] = [i for i, o in enumerate(optimizers) for group in o.param_groups for p in group["params"] if p is t]
        f["stepped_owners"] = [i for i in f["owners"] if id(optimizers[i]) in stepped]
        f["hooks"] = bool(t._backward_hooks) or bool(getattr(t, "_post_accumulate_grad_hooks", None))
        root = roots[int(key.split("#")[1].split(".")[0])]
        rivals = [r for r in roots if type(r) is type(root) and id(r) in called]
        f["idle_copy"] = bool(rivals) and not any(r is root for r in rivals)
    known = {id(t) for key, t, _ in tensors() if not facts[key]["idle_copy"]}
    strangers = [list(p.shape) for o in optimizers for group in o.param_groups for p in group["params"] if id(p) not in known]
    pathlib.Path(out).write_text(json.dumps({"facts": facts, "ended": ended, "strangers": strangers, "optimizers": len(optimizers), **counts}))


def dotted(name: str) -> str:
    """``first.maps['r0'].weight`` and ``first.maps.r0.weight`` are the same path."""
    return re.sub(r"\[['\"]?([^\]'\"]+)['\"]?\]", r".\1", name)


def run(case: dict, perturb: str | None = None) -> tuple[dict, str]:
    """Run a case in a child; return its facts and what it printed."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "facts.json")
        command = [sys.executable, __file__, "--watch", json.dumps(case), out] + ([perturb] if perturb else [])
        env = dict(os.environ, OMP_NUM_THREADS="1", PYTHONWARNINGS="ignore")
        child = subprocess.run(command, capture_output=True, text=True, env=env, cwd=folder, timeout=120)
        if not os.path.exists(out):
            raise RuntimeError(f"{case['case']}: {child.stderr[-600:]}")
        return json.loads(pathlib.Path(out).read_text()), child.stdout


def moved(f: dict) -> bool:
    return f["step_changed"] > 0 and f["changed"]


def holds(verdict: str, f: dict, facts: dict) -> bool:
    """Do the facts of one parameter allow ``verdict``?"""
    trains = f["nonzero"] > 0 and f["nonfinite"] == 0 and moved(f)
    match verdict:
        case "updated":
            # by backward, or by hand: gradients given to ``.grad``, or values that the program writes itself
            by_hand = f["changed"] and (f["outside"] > 0 or not facts["optimizers"])
            return trains or (f["step_nonzero"] > 0 and moved(f)) or by_hand
        case "frozen":
            return not f["requires_grad"] and not f["changed"] and f["some"] == 0
        case _ if verdict in NO_GRADIENT:
            return f["requires_grad"] and f["some"] == 0 and (verdict != "no_backward" or facts["backwards"] == 0)
        case "not_in_optimizer":
            return f["nonzero"] > 0 and not f["owners"] and not f["changed"]
        case "stale_in_optimizer":
            return f["nonzero"] > 0 and not f["owners"] and f["shape"] in facts["strangers"] or not f["owners"] and bool(facts["strangers"])
        case "duplicate_in_optimizer":
            return len(f["stepped_owners"]) > 1 and trains
        case "not_registered":
            return not f["registered"] and f["leaf"] and not f["owners"]
        case "non_leaf":
            return not f["leaf"]
        case "zero_grad":
            return f["some"] > 0 and f["nonzero"] == 0
        case "nan_grad":
            return f["nonfinite"] > 0
        case "hooked":
            return (f["hooks"] or facts["tensor_hooks"] > 0) and f["some"] > 0
        case "grad_not_cleared":
            return f["left_over"] > 0
        case "replaced_grad":
            # a post-accumulate hook acts before backward returns
            return f["touched"] + f["reset"] > 0 or (f["hooks"] and f["some"] > 0)
        case "cleared":
            return f["reset"] > 0 and f["nonzero"] > 0 and f["step_nonzero"] == 0
        case "no_step":
            by_hand = not facts["optimizers"]  # a step by hand that is not written back
            return f["nonzero"] > 0 and not f["changed"] and (by_hand or bool(f["owners"])) and not f["stepped_owners"]
        case "lr_zero":
            return f["nonzero"] > 0 and bool(f["lrs"]) and set(f["lrs"]) == {0.0} and not f["changed"]
        case "step_skipped":
            return f["nonfinite"] > 0 and bool(f["owners"]) and f["step_changed"] == 0
        case "decay_only":
            return f["step_nonzero"] == 0 and f["changed"]
        case "underflow":
            return f["step_nonzero"] > 0 and min(f["lrs"]) > 0 and f["step_changed"] == 0
        case "overwritten":
            return f["step_changed"] > 0 and f["outside"] > 0
        case "vanishing" | "exploding":
            return f["nonzero"] > 0
    raise ValueError(f"no check for {verdict}")


def glob_of(globs, name: str, root: str = "") -> str | None:
    """The first glob that matches a name, or the name with the variable of its root."""
    names = (dotted(name), f"{root}.{dotted(name)}")
    return next((g for g in globs for n in names if fnmatch.fnmatchcase(n, dotted(g))), None)


def root_of(case: dict, key: str) -> str:
    """The variable of a root: roots are listed in the order in which they are built."""
    cls, number = key.split(".", 1)[0].split("#")
    listed = case["roots"][int(number)] if int(number) < len(case["roots"]) else {}
    return listed.get("var", "") if listed.get("class") == cls else ""


def check(case: dict) -> list[str]:
    """All that is wrong with one entry."""
    wrong: list[str] = []
    source = (HERE / f"{case['case']}.py").read_text().splitlines()
    for line in [n for n in [case["line"], *case.get("also_ok_lines", [])] if n is not None]:
        if not source[line - 1].strip() or source[line - 1].strip().startswith("#"):
            wrong.append(f"line {line} is blank")
    if case["line"] is not None and case["line_text"] not in source[case["line"] - 1]:
        wrong.append(f"line {case['line']} is {source[case['line'] - 1].strip()!r}")
    facts, printed = run(case)
    if facts["ended"] != case.get("raises", ""):
        wrong.append(f"ended with {facts['ended']!r}: {printed[-200:]!r}")
    if not printed.strip():
        wrong.append("prints nothing")
    used, matched = set(), {}
    for root in case["roots"]:
        if not any(key.startswith(root["class"] + "#") for key in facts["facts"]):
            wrong.append(f"no root {root['class']}")
    for key, f in facts["facts"].items():
        name, root = key.split(".", 1)[1], root_of(case, key)
        glob = glob_of(case["params"], name, root)
        if glob is None and glob_of(case.get("unlabelled", []), name, root):
            continue
        if f.get("idle_copy", True) or (not f["leaf"] and (glob is None or case["params"][glob] != "non_leaf")):
            continue  # a copy that never ran, a tensor replaced meanwhile, or an activation kept as an attribute
        if glob is None and not glob_of(case["healthy"], name, root):
            if f["registered"] or (f["leaf"] and f["requires_grad"]):
                wrong.append(f"{key} has no label")
            continue
        used.add(glob)
        want = {case["params"][glob], *case.get("alt", {}).get(glob, [])} if glob else {"updated", "frozen"}
        matched.setdefault(glob, []).append(name)
        if not any(holds(w, f, facts) for w in ([case["params"][glob]] if glob else want)):
            small = {k: v for k, v in f.items() if k not in ("ids", "shape") and v}
            wrong.append(f"{key} is not {sorted(want)}: {small}")
    wrong += [f"{g} matches nothing" for g in case["params"] if g not in used and g not in case.get("local", [])]
    for g, verdict in case["params"].items():
        if verdict in ("cut", "non_differentiable", "none_from_backward", "checkpoint_cut", "unused") and g in used:
            took_part = run(case, g)[1] != printed
            if took_part == (verdict == "unused"):
                wrong.append(f"{g}: {verdict}, but what is printed {'depends' if took_part else 'does not depend'} on it")
    return wrong


def main(pattern: str = "*") -> int:
    cases = [c for c in json.loads((HERE / "truth.json").read_text()) if fnmatch.fnmatch(c["case"], pattern)]
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for case, wrong in zip(cases, pool.map(check, cases)):
            bad += bool(wrong)
            if wrong:
                print(case["case"], f"[{case['fault']}]", *wrong[:6], sep="\n   ")
    print(f"{len(cases) - bad}/{len(cases)} entries agree with the facts")
    return int(bad > 0)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--watch"]:
        watch(json.loads(sys.argv[2]), sys.argv[3], sys.argv[4] if len(sys.argv) > 4 else None)
    else:
        sys.exit(main(*sys.argv[1:2]))
