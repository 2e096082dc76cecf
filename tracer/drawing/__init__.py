"""Drawing: a folded view becomes DOT text, and DOT becomes SVG or PNG by a layout engine."""
