"""From a bundle and a recipe to drawn layers: design (what is worn), generator (ONNX Runtime), exact (the tie rule)."""
