"""Image GANs on pictures: IDX files as MNIST's, folders of PNGs, and the drawings of a prepared pack."""
