"""From a network's raw output to detections on the photograph: candidates, decoding, suppression, the way back."""
