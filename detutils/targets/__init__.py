"""What detectors are trained on: anchors, their matches with objects, samples, region proposal networks."""
