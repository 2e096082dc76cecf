"""From events to findings: facts per parameter, rules that read them, one verdict for each."""
