"""The layer generator: one small network per view group draws G(code, view) -> slots; its data, training, figures and export."""
