"""The parts of ``report.html``: each turns a diagnosis into what one part of the templates shows."""
