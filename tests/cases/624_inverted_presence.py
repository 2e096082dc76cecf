"""Audio and text."""
import torch
from torch import nn
class Fusion(nn.Module):
    def __init__(self):
        super().__init__()
        self.audio, self.text, self.head = nn.Linear(3, 8), nn.Linear(4, 8), nn.Linear(16, 2)
    def forward(self, audio, text, has_audio):
        a = self.audio(audio) * (1 - has_audio)[:, None]
        return self.head(torch.cat([a, torch.relu(self.text(text))], 1))
torch.manual_seed(0)
net = Fusion(); opt = torch.optim.Adam(net.parameters(), 1e-3)
for _ in range(4):
    a, t = torch.randn(8, 3), torch.randn(8, 4)
    loss = nn.functional.cross_entropy(net(a, t, torch.ones(8)), (a[:, 0] > 0).long())
    opt.zero_grad(); loss.backward(); opt.step(); print(loss.item())
