"""Of boxes that overlap, which stay: greedy NMS, soft-NMS, fusion, and who suppressed whom."""
