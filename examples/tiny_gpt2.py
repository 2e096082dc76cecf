"""Trains a tiny GPT-2 of the transformers library on a repeating text, without the network or any file.

    tracer run examples/tiny_gpt2.py

Input and output embedding are one tensor: the report lists it once, as transformer.wte.weight, with its second
name. The position embedding is frozen on purpose and left out of the optimizer: the report is quiet about it.
"""

import torch
from transformers import GPT2Config, GPT2LMHeadModel


def main():
    torch.manual_seed(0)
    config = GPT2Config(n_layer=2, n_head=2, n_embd=16, n_positions=32, vocab_size=64, bos_token_id=0, eos_token_id=0)
    model = GPT2LMHeadModel(config)
    model.transformer.wpe.requires_grad_(False)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-3)
    text = torch.tensor([list(b"to be, or not to be?")]) % 64
    for step in range(3):
        loss = model(input_ids=text, labels=text).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        print(f"step {step}  loss {loss.item():.3f}")


if __name__ == "__main__":
    main()
