"""The classical R-CNN: features of boxes, one classifier and one box regressor a class, training and detection."""
