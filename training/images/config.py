"""Every setting of an image GAN, and the presets: recipes of the field, sized for minutes on a CPU."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field, replace
from pathlib import Path

from training.adversarial.adversary import AdversaryConfig
from training.adversarial.discriminators import DiscriminatorShape
from training.config import CONFIG_FILE
from training.errors import TrainingError
from training.files import write_text
from training.images.dataset import ImageData
from training.images.generators import GeneratorShape
from training.settings import from_json
from vcg_bridge.contract.errors import near


@dataclass(frozen=True)
class ImageGanConfig:
    """What a run does. How large the pictures are and what they show is not here: the data says that."""

    preset: str = "dcgan"  # where the settings started from
    seed: int = 0
    heldout: float = 0.1  # share of the items that are measured against and never trained on
    kimg: float = 180.0  # thousand real pictures shown to G's steps, in all
    batch: int = 64
    generator: str = "cnn"  # generators.KINDS
    z_dim: int = 64
    g_features: int = 32
    g_stages: int = 2
    g_norm: str = "batch"
    g_noise: bool = False
    discriminator: str = "global"  # discriminators.KINDS
    d_features: int = 32
    d_stages: int = 2
    d_depth: int = 0
    d_spectral: bool = False
    conditional: bool = True  # G and D are told the label, where the data has labels
    g_lr: float = 1e-3
    g_beta1: float = 0.0
    g_beta2: float = 0.99
    adversarial_weight: float = 1.0
    encoder: bool = False  # VAE-GAN: G is a decoder too, and reconstructs
    reconstruction_weight: float = 1.0
    kl_weight: float = 0.02
    ema_kimg: float = 10.0  # half-life of the averaged weights
    adversary: AdversaryConfig = field(default_factory=AdversaryConfig)

    def __post_init__(self) -> None:
        if self.batch < 2 or self.kimg <= 0:
            raise TrainingError(
                f"batch {self.batch}, kimg {self.kimg}", hint="at least 2 pictures a step, more than 0 in all"
            )

    def save(self, folder: Path) -> None:
        """Write the configuration as JSON into the run folder."""
        write_text(folder / CONFIG_FILE, json.dumps(dataclasses.asdict(self), indent=1) + "\n")


def load_gan_config(folder: Path) -> ImageGanConfig:
    """Read the configuration of a run folder. Raises TrainingError if there is none or it is another program's."""
    try:
        values = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise TrainingError(
            f"{folder} is not a run: no readable {CONFIG_FILE}", hint="`gan --out RUNS` makes one"
        ) from None
    return from_json(ImageGanConfig(), values)


def generator_shape(config: ImageGanConfig, data: ImageData) -> GeneratorShape:
    """The generator of a configuration for pictures like these."""
    return GeneratorShape(
        kind=config.generator,
        z_dim=config.z_dim,
        labels=_labels(config, data),
        channels=data.channels,
        height=data.height,
        width=data.width,
        slots=data.kind == "slots",
        features=config.g_features,
        stages=config.g_stages,
        norm=config.g_norm,
        noise=config.g_noise,
    )


def discriminator_shape(config: ImageGanConfig, data: ImageData) -> DiscriminatorShape:
    """The discriminator of a configuration for pictures like these."""
    return DiscriminatorShape(
        kind=config.discriminator,
        channels=data.channels,
        height=data.height,
        width=data.width,
        labels=_labels(config, data),
        features=config.d_features,
        stages=config.d_stages,
        depth=config.d_depth,
        spectral=config.d_spectral,
    )


def _labels(config: ImageGanConfig, data: ImageData) -> int:
    return len(data.label_names) if config.conditional else 0


_ADAM = {"g_lr": 2e-4, "g_beta1": 0.5, "g_beta2": 0.999}
_D_ADAM = {"lr": 2e-4, "beta1": 0.5, "beta2": 0.999}

PRESETS: dict[str, ImageGanConfig] = {
    # Radford et al. 2016: convolutions, the non-saturating loss, Adam 0.5; and R1 (Mescheder et al. 2018)
    "dcgan": ImageGanConfig(
        "dcgan",
        conditional=False,
        **_ADAM | {"g_lr": 1e-3},
        adversary=AdversaryConfig(loss="nonsaturating", penalty="r1", gamma=2.0, **_D_ADAM | {"lr": 1e-3}),
    ),
    # Goodfellow et al. 2014: fully connected, D by cross-entropy, G by -log D(G(z)), nothing else
    "goodfellow2014": ImageGanConfig(
        "goodfellow2014",
        conditional=False,
        generator="dense",
        g_features=256,
        discriminator="dense",
        d_features=256,
        **_ADAM,
        adversary=AdversaryConfig(loss="nonsaturating", penalty="none", **_D_ADAM),
    ),
    # Gulrajani et al. 2017: a critic, five updates of it for one of G (three here, for the sake of minutes)
    "wgan-gp": ImageGanConfig(
        "wgan-gp",
        **_ADAM | {"g_lr": 5e-4, "g_beta1": 0.0, "g_beta2": 0.9},
        adversary=AdversaryConfig(
            loss="wasserstein", penalty="wgan-gp", gamma=10.0, penalty_every=1, d_steps=3, lr=5e-4, beta1=0.0, beta2=0.9
        ),
    ),
    # Miyato et al. 2018: the hinge loss, spectral normalisation in place of a penalty
    "hinge": ImageGanConfig(
        "hinge",
        d_spectral=True,
        d_depth=1,
        d_features=24,
        **_ADAM | {"g_beta1": 0.0, "g_beta2": 0.9, "g_lr": 5e-4},
        adversary=AdversaryConfig(loss="hinge", penalty="none", lr=1e-3, beta1=0.0, beta2=0.9),
    ),
    # Huang et al. 2024 (R3GAN): the relativistic loss with R1 and R2, on a style generator (Karras et al. 2020)
    "r3gan": ImageGanConfig(
        "r3gan",
        generator="style",
        adversary=AdversaryConfig(loss="relativistic", penalty="r1r2", gamma=1.0, lr=1e-3),
    ),
    # Larsen et al. 2016: a variational autoencoder whose decoder is the generator
    "vae-gan": ImageGanConfig(
        "vae-gan",
        encoder=True,
        adversarial_weight=0.1,
        **_ADAM | {"g_lr": 1e-3},
        adversary=AdversaryConfig(loss="nonsaturating", penalty="r1", gamma=2.0, **_D_ADAM | {"lr": 1e-3}),
    ),
}


def preset(name: str) -> ImageGanConfig:
    """The preset of that name. Raises TrainingError."""
    if name not in PRESETS:
        raise TrainingError(f"unknown preset {name!r}", hint=near(name, PRESETS) or f"there are: {', '.join(PRESETS)}")
    return replace(PRESETS[name])
