"""Events to files and back, and the traces of one job's ranks. Standard library only."""
