"""What watching costs: one training step untraced, traced, and watched by other tools, in the same process."""
