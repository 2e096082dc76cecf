"""Encoded data set."""
import torch
from torch import nn
from torch.utils.data import Dataset, DataLoader
class Encoded(Dataset):
    def __init__(self, enc, n=32):
        self.enc, self.x = enc, torch.randn(n, 4)
        self.y = (self.x[:, 0] > 0).long()
    def __len__(self): return len(self.x)
    def __getitem__(self, i):
        with torch.no_grad():
            return self.enc(self.x[i]), self.y[i]
torch.manual_seed(0)
enc, clf = nn.Sequential(nn.Linear(4, 8), nn.ReLU()), nn.Linear(8, 2)
opt = torch.optim.Adam([*enc.parameters(), *clf.parameters()], 1e-2)
for ep in range(2):
    for z, y in DataLoader(Encoded(enc), 8, shuffle=True):
        loss = nn.functional.cross_entropy(clf(z), y)
        opt.zero_grad(); loss.backward(); opt.step()
    print(loss.item())
