"""PyTorch Ignite: watch before the engine runs. Needs: pip install pytorch-ignite"""

import torch
from ignite.engine import Events, create_supervised_trainer

import tracer

if __name__ == "__main__":
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    trainer = create_supervised_trainer(model, optimizer, torch.nn.functional.mse_loss)

    @trainer.on(Events.STARTED)
    def kill_the_relu(engine):  # the bug: no input gets through any more
        torch.nn.init.constant_(model[0].bias, -100.0)

    data = [(torch.randn(32, 8), torch.randn(32, 1)) for _ in range(5)]
    with tracer.watch(model, optimizer, every=2, sink=lambda sample: [print(told.text) for told in sample.started]):
        trainer.run(data, max_epochs=2)
