"""Recording: hooks that write raw facts while the user's program runs. The only core package that imports torch."""
