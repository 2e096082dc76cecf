"""From events to graphs: the full networkx graph, and the folded view that is drawn. No torch, no drawing."""
