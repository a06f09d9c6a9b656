"""Many images at once: over processes or a cluster, and into files that survive an interruption."""
