"""Reports: one format per file, each a pure function of a trace and its diagnosis."""
