"""Accelerate: watch what prepare() returned. Needs: pip install accelerate"""

import torch
from accelerate import Accelerator

import tracer

if __name__ == "__main__":
    torch.manual_seed(0)
    accelerator = Accelerator(cpu=True)
    model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
    optimizer = torch.optim.SGD(model[2].parameters(), lr=0.1)  # the bug: model[0] is left out
    model, optimizer = accelerator.prepare(model, optimizer)
    x, y = torch.randn(32, 8), torch.randn(32, 1)
    with tracer.watch(model, optimizer, every=5, sink=lambda sample: [print(told.text) for told in sample.started]):
        for _ in range(10):
            optimizer.zero_grad()
            loss = torch.nn.functional.mse_loss(model(x), y)
            accelerator.backward(loss)
            optimizer.step()
