"""Image files, and boxes, text and panels drawn on images."""
