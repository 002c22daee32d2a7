"""Art packs: from a folder of sprite sheets to the neutral pack that training reads."""
