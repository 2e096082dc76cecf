"""Plain PyTorch facts about every parameter, gathered without the tracer, to hold its reports against."""
