"""An embedding with sparse gradients: only the rows that were looked up get one.

With ``sparse=True`` the gradient of a large table is a sparse tensor with a row per word of the batch. Backward and
step then cost as much as the batch, not as the vocabulary. Only some optimizers accept it: SGD, SparseAdam, Adagrad.

The lesson: most rows of an embedding do not move in a step. That is no fault of theirs.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Embedding.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Other ways to run autograd"
PLACE = 10
STEPS = 3
EXPECTED = {
    "table.weight": "updated",
    "head.weight": "updated",
    "head.bias": "updated",
}
FINDINGS: set[str] = set()


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    class Net(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.table = torch.nn.Embedding(50, 6, sparse=True)
            self.head = torch.nn.Linear(6, 3)

        def forward(self, words: Any) -> Any:
            return self.head(self.table(words).mean(1))

    torch.manual_seed(seed)
    net = Net().to(device)
    sparse = torch.optim.SparseAdam(net.table.parameters(), lr=1e-2)
    dense = torch.optim.Adam(net.head.parameters(), lr=1e-2)
    words, labels = torch.randint(50, (8, 3), device=device), torch.randint(3, (8,), device=device)
    for _ in range(steps):
        sparse.zero_grad()
        dense.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(words), labels)
        loss.backward()
        sparse.step()
        dense.step()
