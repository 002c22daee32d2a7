"""Generators: convolutional (DCGAN), fully connected (Goodfellow et al. 2014), style-modulated (StyleGAN2); and the encoder of VAE-GAN.

All are G(z float32 [N, z_dim], label int64 [N] or None) -> float32 [N, channels, height, width]: pictures in -1..1, or logits of slots.
The same z gives the same picture, whatever else is in the batch (in evaluation mode; batch normalisation looks at its batch in training).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.errors import TrainingError
from vcg_bridge.contract.errors import near

SLOPE = 0.2
"""Negative slope of every LeakyReLU."""

KINDS = ("cnn", "style", "dense")
NORMS = ("batch", "pixel")


@dataclass(frozen=True)
class GeneratorShape:
    """Sizes of a generator. Raises TrainingError when it names something that does not exist."""

    kind: str = "cnn"
    z_dim: int = 64
    labels: int = 0  # number of labels that condition it; 0: not conditioned
    channels: int = 1  # of the pictures; for slots the number of classes
    height: int = 28
    width: int = 28
    slots: bool = False  # logits instead of tanh
    features: int = (
        32  # channels before the last doubling of the resolution, twice as many one stage before; width of dense layers
    )
    stages: int = 2  # doublings of the resolution; layers of the dense one
    norm: str = "batch"  # of the cnn: "batch" (DCGAN) or "pixel" (Karras et al. 2018, pictures do not see each other)
    noise: bool = False  # of the style generator: a fixed noise picture per convolution, with a learned strength

    def __post_init__(self) -> None:
        for what, name, known in (("generator", self.kind, KINDS), ("norm", self.norm, NORMS)):
            if name not in known:
                raise TrainingError(
                    f"unknown {what} {name!r}", hint=near(name, known) or f"there are: {', '.join(known)}"
                )

    @property
    def base(self) -> tuple[int, int]:
        """Height and width at the start; the last stage is cropped where the size is no multiple."""
        grow = 2**self.stages
        return -(-self.height // grow), -(-self.width // grow)

    def width_at(self, stage: int) -> int:
        """Channels that go into a stage, 0 .. stages - 1."""
        return self.features * min(2 ** (self.stages - 1 - stage), 4)


def build_generator(shape: GeneratorShape) -> nn.Module:
    """The generator of that shape, initialised from torch's random generator."""
    return {"cnn": ConvGenerator, "style": StyleGenerator, "dense": DenseGenerator}[shape.kind](shape)


def _finish(x: Tensor, shape: GeneratorShape) -> Tensor:
    """Crop to size (centred), then tanh for pictures."""
    top, left = (x.shape[2] - shape.height) // 2, (x.shape[3] - shape.width) // 2
    x = x[:, :, top : top + shape.height, left : left + shape.width]
    return x if shape.slots else x.tanh()


class PixelNorm(nn.Module):
    """Scales the vector of channels to unit mean square: at every pixel of a picture, or of a code [N, channels]."""

    def forward(self, x: Tensor) -> Tensor:
        return x * (x.square().mean(1, keepdim=True) + 1e-8).rsqrt()


class Code(nn.Module):
    """z, and after it what a label means: [N, z_dim] -> [N, size]."""

    def __init__(self, shape: GeneratorShape) -> None:
        super().__init__()
        self.label = nn.Embedding(shape.labels, shape.z_dim) if shape.labels else None
        self.size = shape.z_dim * (2 if shape.labels else 1)

    def forward(self, z: Tensor, label: Tensor | None) -> Tensor:
        return z if self.label is None else torch.cat([z, self.label(label)], 1)


class ConvGenerator(nn.Module):
    """Transposed convolutions that double the resolution: Radford et al., "DCGAN", 2016."""

    def __init__(self, shape: GeneratorShape) -> None:
        super().__init__()
        self.shape = shape
        self.code = Code(shape)
        rows, columns = shape.base
        self.first = shape.width_at(0) if shape.stages else shape.features
        self.seed = nn.Linear(self.code.size, self.first * rows * columns)
        layers: list[nn.Module] = [_norm(shape, self.first), nn.ReLU()]
        for stage in range(shape.stages):
            last = stage == shape.stages - 1
            outputs = shape.channels if last else shape.width_at(stage + 1)
            layers.append(nn.ConvTranspose2d(shape.width_at(stage), outputs, 4, 2, 1, bias=last))
            if not last:
                layers += [_norm(shape, outputs), nn.ReLU()]
        self.body = nn.Sequential(*layers)
        convolutions = [x for x in self.body if isinstance(x, nn.ConvTranspose2d)]
        for module in convolutions:
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            # of the 16 weights of a 4x4 kernel an output pixel sees 4; the last begins small, far from where tanh is flat
            module.weight.data.mul_(0.5 if module is convolutions[-1] else 2.0)

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        x = self.seed(self.code(z, label)).reshape(-1, self.first, *self.shape.base)
        return _finish(self.body(x), self.shape)


def _norm(shape: GeneratorShape, channels: int) -> nn.Module:
    return nn.BatchNorm2d(channels) if shape.norm == "batch" else PixelNorm()


class DenseGenerator(nn.Module):
    """Fully connected, as in Goodfellow et al. 2014."""

    def __init__(self, shape: GeneratorShape) -> None:
        super().__init__()
        self.shape = shape
        self.code = Code(shape)
        layers: list[nn.Module] = []
        inputs = self.code.size
        for _ in range(shape.stages):
            layers += [nn.Linear(inputs, shape.features), nn.ReLU()]
            inputs = shape.features
        self.body = nn.Sequential(*layers)
        self.out = nn.Linear(inputs, shape.channels * shape.height * shape.width)

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        s = self.shape
        return _finish(self.out(self.body(self.code(z, label))).reshape(-1, s.channels, s.height, s.width), s)


class StyledConv(nn.Module):
    """3x3 convolution with modulated and demodulated weights: Karras et al., "StyleGAN2", 2020, section 2.2.

    Scaling a weight's input channels is scaling the input, and demodulating it is scaling the output: so a batch of different styles is
    one ordinary convolution.
    """

    def __init__(self, inputs: int, outputs: int, style: int, size: tuple[int, int] | None) -> None:
        """`size`: of the noise picture, None without noise."""
        super().__init__()
        self.style = nn.Linear(style, inputs)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3) * (2 / (9 * inputs)) ** 0.5)
        self.bias = nn.Parameter(torch.zeros(outputs))
        nn.init.ones_(self.style.bias)
        nn.init.normal_(self.style.weight, std=style**-0.5 * 0.5)
        self.strength = nn.Parameter(torch.zeros(())) if size else None
        self.register_buffer("noise", torch.randn(1, 1, *size) if size else None)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:  # [N, inputs, h, w], [N, style] -> [N, outputs, h, w]
        scale = self.style(w)
        norm = (scale.square() @ self.weight.square().sum((2, 3)).T + 1e-8).rsqrt()  # [N, outputs]
        x = F.conv2d(x * scale[:, :, None, None], self.weight, padding=1) * norm[:, :, None, None]
        if self.strength is not None:
            x = x + self.strength * self.noise
        # the root keeps the variance that the LeakyReLU takes
        return F.leaky_relu(x + self.bias[:, None, None], SLOPE) * 2**0.5


class StyleGenerator(nn.Module):
    """A mapping network turns z into a style w; two styled convolutions per resolution draw with it, from a learned constant."""

    def __init__(self, shape: GeneratorShape) -> None:
        super().__init__()
        self.shape = shape
        self.code = Code(shape)
        style = max(shape.z_dim, 32)
        self.mapping = nn.Sequential(
            PixelNorm(),
            nn.Linear(self.code.size, style),
            nn.LeakyReLU(SLOPE),
            nn.Linear(style, style),
            nn.LeakyReLU(SLOPE),
        )
        rows, columns = shape.base
        widths = [shape.width_at(s) for s in range(shape.stages)] + [shape.features // 2]
        self.constant = nn.Parameter(torch.randn(1, widths[0], rows, columns))
        self.convs = nn.ModuleList()
        for stage, width in enumerate(widths):
            size = (rows * 2**stage, columns * 2**stage) if shape.noise else None
            self.convs.append(StyledConv(widths[max(stage - 1, 0)], width, style, size))
            if stage < shape.stages:  # one convolution at the full resolution is enough: it is the dearest
                self.convs.append(StyledConv(width, width, style, size))
        self.out = nn.Conv2d(widths[-1], shape.channels, 1)
        nn.init.zeros_(self.out.bias)

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        w = self.mapping(self.code(z, label))
        x = self.constant.expand(len(z), -1, -1, -1)
        for i, conv in enumerate(self.convs):
            if i and i % 2 == 0:
                x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
            x = conv(x, w)
        return _finish(self.out(x), self.shape)


class Encoder(nn.Module):
    """Picture [N, channels, height, width], label -> mean and log variance of z, each [N, z_dim] (Kingma and Welling 2014)."""

    def __init__(self, shape: GeneratorShape) -> None:
        super().__init__()
        self.code = nn.Embedding(shape.labels, shape.features) if shape.labels else None
        layers: list[nn.Module] = []
        inputs, height, width = shape.channels, shape.height, shape.width
        for stage in range(2):
            outputs = shape.features * 2**stage
            layers += [nn.Conv2d(inputs, outputs, 4, 2, 1), nn.LeakyReLU(SLOPE)]
            inputs, height, width = outputs, height // 2, width // 2
        self.body = nn.Sequential(*layers, nn.Flatten())
        self.out = nn.Linear(inputs * height * width + (shape.features if shape.labels else 0), 2 * shape.z_dim)

    def forward(self, picture: Tensor, label: Tensor | None = None) -> tuple[Tensor, Tensor]:
        x = self.body(picture)
        if self.code is not None:
            x = torch.cat([x, self.code(label)], 1)
        mean, log_variance = self.out(x).chunk(2, 1)
        return mean, log_variance.clamp(-10, 10)
