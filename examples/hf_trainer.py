"""Hugging Face Trainer: one callback. Needs: pip install transformers accelerate"""

import tempfile

import torch
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments

from tracer.integrations.transformers import TracerCallback


class Tokens(torch.utils.data.Dataset):
    def __len__(self):
        return 32

    def __getitem__(self, index):
        tokens = (torch.arange(16) * (index + 1)) % 100
        return {"input_ids": tokens, "labels": tokens}


if __name__ == "__main__":
    torch.manual_seed(0)
    model = GPT2LMHeadModel(GPT2Config(n_layer=2, n_embd=32, n_head=2, vocab_size=100, n_positions=32))
    model.transformer.h[0].requires_grad_(False)
    model.transformer.h[1].mlp.c_fc.weight.register_hook(torch.zeros_like)  # the bug: this layer never learns
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(folder, num_train_epochs=3, per_device_train_batch_size=8, use_cpu=True,
                                      report_to=[], save_strategy="no", disable_tqdm=True)
        callback = TracerCallback(every=2, sink=lambda sample: [print(told.text) for told in sample.started])
        Trainer(model, arguments, train_dataset=Tokens(), callbacks=[callback]).train()
    print(callback.watcher.report.parameters[0].verdict)
