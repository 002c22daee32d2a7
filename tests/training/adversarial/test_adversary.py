"""The adversary: it teaches, it is exact on resume, and it leaves alone what is not its own."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from training.adversarial.adversary import Adversary, AdversaryConfig
from training.adversarial.discriminators import KINDS, DiscriminatorShape, build_discriminator
from training.adversarial.penalties import gradient_penalty
from training.errors import TrainingError

pytestmark = pytest.mark.training
torch.set_num_threads(1)

SHAPE = DiscriminatorShape("patch", channels=5, height=12, width=16, labels=3, features=8)


def pictures(seed: int, n: int = 6) -> tuple[Tensor, Tensor, Tensor]:
    g = torch.Generator().manual_seed(seed)
    real, fake = (torch.rand(n, 5, 12, 16, generator=g) for _ in range(2))
    return real, fake, torch.randint(0, 3, (n,), generator=g)


def make(config: AdversaryConfig, shape: DiscriminatorShape = SHAPE) -> Adversary:
    torch.manual_seed(0)
    return Adversary(build_discriminator(shape), config)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("spectral", [False, True])
def test_an_update_moves_d_alone_and_the_generators_term_reaches_the_pictures_alone(kind: str, spectral: bool) -> None:
    shape = DiscriminatorShape(kind, channels=5, height=12, width=16, labels=3, features=8, spectral=spectral)
    adversary = make(AdversaryConfig(augment=("flip", "shift", "cutout"), class_maps=True), shape)
    real, fake, label = pictures(0)
    fake.requires_grad_(True)
    before = copy.deepcopy(adversary.d.state_dict())
    scalars = adversary.train(real, fake, label, 0)
    assert fake.grad is None
    assert set(scalars) == {"d/loss", "d/real", "d/fake", "grad/d", "d/penalty"}
    assert "d/penalty" not in adversary.train(real, fake, label, 1)
    assert any(not torch.equal(v, before[k]) for k, v in adversary.d.state_dict().items())
    adversary.d.zero_grad(set_to_none=True)
    adversary.generator_loss(real, fake, label, 0).backward()
    assert fake.grad is not None
    assert fake.grad.abs().sum() > 0
    assert all(p.grad is None and p.requires_grad for p in adversary.d.parameters())


def test_the_penalty_in_one_batch_is_the_penalty_of_each_part() -> None:
    adversary = make(AdversaryConfig(penalty="r1r2", gamma=2.0))
    real, fake, label = pictures(1)
    total = 0.0
    for x in (real, fake):
        leaf = x.clone().requires_grad_(True)
        total += float(gradient_penalty(adversary.d(leaf, label), leaf).detach())
    assert adversary.train(real, fake, label, 0)["d/penalty"] == pytest.approx(total, rel=1e-4)


def test_resuming_is_exact(tmp_path: Path) -> None:
    config = AdversaryConfig(
        penalty="wgan-gp", loss="wasserstein", augment=("flip", "shift", "cutout"), penalty_every=2
    )
    straight, first = make(config), make(config)
    expected = [straight.train(*pictures(i), i) for i in range(6)]
    for i in range(3):
        first.train(*pictures(i), i)
    torch.save(first.state_dict(), tmp_path / "a.pt")
    second = make(config)
    second.load_state_dict(torch.load(tmp_path / "a.pt", weights_only=True))
    assert [second.train(*pictures(i), i) for i in range(3, 6)] == expected[3:]


def test_update_ratio() -> None:
    many, few = make(AdversaryConfig(d_steps=3)), make(AdversaryConfig(d_every=2))
    assert [list(many.updates(s)) for s in range(2)] == [[0, 1, 2], [3, 4, 5]]
    assert [list(few.updates(s)) for s in range(4)] == [[0], [], [1], []]


def test_wrapped_in_ddp_it_does_the_same(tmp_path: Path) -> None:
    config = AdversaryConfig(penalty_every=1)
    plain = make(config)
    distributed.init_process_group("gloo", init_method=f"file://{tmp_path / 'store'}", rank=0, world_size=1)
    try:
        torch.manual_seed(0)
        wrapped = Adversary(DistributedDataParallel(build_discriminator(SHAPE)), config)
        for i in range(3):
            real, fake, label = pictures(i)
            assert wrapped.train(real, fake, label, i) == pytest.approx(plain.train(real, fake, label, i), rel=1e-5)
            terms = [a.generator_loss(real, fake, label, i) for a in (plain, wrapped)]
            assert torch.allclose(*terms)
        assert wrapped.state_dict()["d"].keys() == plain.state_dict()["d"].keys()
    finally:
        distributed.destroy_process_group()


def test_gradients_can_be_averaged_over_processes_before_the_update() -> None:
    def nothing_to_learn(parameters: object) -> None:
        for p in parameters:  # type: ignore[attr-defined]
            p.grad.zero_()

    torch.manual_seed(0)
    adversary = Adversary(build_discriminator(SHAPE), AdversaryConfig(), all_reduce=nothing_to_learn)
    before = copy.deepcopy(adversary.d.state_dict())
    assert adversary.train(*pictures(0), 0)["grad/d"] == 0.0
    assert all(torch.equal(v, before[k]) for k, v in adversary.d.state_dict().items())


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"loss": "hing"}, 'did you mean "hinge"'),
        ({"penalty": "r3"}, "unknown gradient penalty"),
        ({"augment": ("flip", "shft")}, 'did you mean "shift"'),
        ({"d_steps": 0}, "1 or more"),
    ],
)
def test_mistakes_are_named(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(TrainingError) as error:
        AdversaryConfig(**wrong)  # type: ignore[arg-type]
    assert message in str(error.value)


def test_receptive_field_is_what_a_patch_sees() -> None:
    shape = DiscriminatorShape("patch", channels=1, height=64, width=64, features=4, stages=2, depth=1)
    d = build_discriminator(shape)
    picture = torch.randn(1, 1, 64, 64, requires_grad=True)
    d(picture)[0, 0, 8, 8].backward()
    assert picture.grad is not None
    rows = picture.grad[0, 0].abs().sum(1).nonzero()
    assert int(rows.max() - rows.min()) + 1 == shape.receptive_field


RECIPES = {
    "nonsaturating, r1": AdversaryConfig("nonsaturating", "r1", gamma=0.1, penalty_every=1, lr=3e-3),
    "hinge, r1": AdversaryConfig("hinge", "r1", gamma=0.1, penalty_every=1, lr=3e-3),
    "relativistic, r1r2": AdversaryConfig("relativistic", "r1r2", gamma=0.1, penalty_every=2, lr=3e-3),
    "wasserstein, wgan-gp": AdversaryConfig("wasserstein", "wgan-gp", gamma=1.0, penalty_every=1, d_steps=2, lr=3e-3),
    "least-squares, r1": AdversaryConfig("least-squares", "r1", gamma=0.1, penalty_every=1, lr=3e-3),
}


@pytest.mark.parametrize("recipe", sorted(RECIPES))
def test_a_generator_learns_a_ring_from_the_adversary_alone(recipe: str) -> None:
    """Points on a circle; drawn ones begin near the middle and end near it, all the way around."""
    torch.manual_seed(0)
    g = nn.Sequential(nn.Linear(2, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 2))
    d = build_discriminator(DiscriminatorShape("dense", channels=2, height=1, width=1, features=48, stages=2))
    adversary = Adversary(d, RECIPES[recipe])
    optimiser = torch.optim.Adam(g.parameters(), lr=2e-3, betas=(0.0, 0.99))

    def real(number: int) -> Tensor:
        angle = np.random.default_rng([1, number]).uniform(0, 2 * np.pi, 128)
        return torch.from_numpy(np.stack([np.cos(angle), np.sin(angle)], 1)).float()[:, :, None, None]

    def drawn(number: int) -> Tensor:
        z = torch.from_numpy(np.random.default_rng([2, number]).normal(size=(128, 2))).float()
        points: Tensor = g(z)
        return points[:, :, None, None]

    def off(points: Tensor) -> float:
        return float((points.flatten(1).norm(dim=1) - 1).abs().mean().detach())

    start = off(drawn(0))
    for step in range(500):
        for update in adversary.updates(step):
            adversary.train(real(update), drawn(update).detach(), None, update)
        fake = drawn(10_000 + step)
        loss = adversary.generator_loss(real(10_000 + step), fake, None, step)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    points = torch.cat([drawn(20_000 + i) for i in range(8)]).flatten(1).detach()
    angles = torch.atan2(points[:, 1], points[:, 0])
    filled = (torch.histc(angles, bins=8, min=-np.pi, max=np.pi) > len(points) / 8 / 5).sum()
    assert off(points) < start / 3
    assert filled >= 7
