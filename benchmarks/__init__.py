"""How fast detutils is, beside its naive definitions and whatever peers are installed: ``python -m benchmarks``."""
