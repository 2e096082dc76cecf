"""Small training runs, one per file, that go right or wrong in one named way."""
