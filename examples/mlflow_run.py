"""MLflow: gradient norms and update ratios per parameter, findings as tags. Needs: pip install mlflow

Then: mlflow ui
"""

import mlflow
import torch

import tracer

if __name__ == "__main__":
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
    optimizer = torch.optim.Adam(model[0].parameters(), lr=1e-2)  # the last layer was forgotten
    x, y = torch.randn(32, 8), torch.randn(32, 1)
    with mlflow.start_run() as run, tracer.watch(model, optimizer, every=5, sink=run):
        for _ in range(20):
            optimizer.zero_grad()
            torch.nn.functional.mse_loss(model(x), y).backward()
            optimizer.step()
    print("run", run.info.run_id)
