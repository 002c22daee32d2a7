"""Losses and penalties against values worked out by hand."""

from __future__ import annotations

from math import exp, log

import pytest
import torch
from torch import nn

from training.adversarial.losses import LOSSES, accuracies, combined, straight_through
from training.adversarial.penalties import PENALTIES, gradient_penalty

pytestmark = pytest.mark.training

REAL, FAKE = torch.tensor([[2.0], [0.0]]), torch.tensor([[-1.0], [1.0]])


def sigmoid(x: float) -> float:
    return 1 / (1 + exp(-x))


EXPECTED = {  # name: (D, G)
    "nonsaturating": (
        -(log(sigmoid(2)) + log(sigmoid(0))) / 2 - (log(1 - sigmoid(-1)) + log(1 - sigmoid(1))) / 2,
        -(log(sigmoid(-1)) + log(sigmoid(1))) / 2,
    ),
    "minimax": (
        -(log(sigmoid(2)) + log(sigmoid(0))) / 2 - (log(1 - sigmoid(-1)) + log(1 - sigmoid(1))) / 2,
        (log(1 - sigmoid(-1)) + log(1 - sigmoid(1))) / 2,
    ),
    "hinge": ((0 + 1) / 2 + (0 + 2) / 2, 0.0),
    "relativistic": (-(log(sigmoid(3)) + log(sigmoid(-1))) / 2, -(log(sigmoid(-3)) + log(sigmoid(1))) / 2),
    "wasserstein": (0.0 - 1.0, 0.0),
    "least-squares": (0.5 * ((1 + 1) / 2 + (1 + 1) / 2), 0.5 * (4 + 0) / 2),
}


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_losses_have_their_values_and_pull_the_scores_the_right_way(name: str) -> None:
    loss = LOSSES[name]
    assert float(loss.discriminator(REAL, FAKE)) == pytest.approx(EXPECTED[name][0], abs=1e-6)
    assert float(loss.generator(REAL, FAKE)) == pytest.approx(EXPECTED[name][1], abs=1e-6)
    patches_real, patches_fake = (x[:, :, None, None].expand(2, 1, 3, 4) for x in (REAL, FAKE))  # the same in patches
    assert float(loss.discriminator(patches_real, patches_fake)) == pytest.approx(EXPECTED[name][0], abs=1e-6)
    for call, fake_rises in ((loss.discriminator, False), (loss.generator, True)):
        real, fake = REAL.clone(), torch.full((2, 1), 0.3, requires_grad=True)
        call(real, fake).backward()
        assert fake.grad is not None
        slope = float(fake.grad.sum())
        assert slope < 0 if fake_rises else slope > 0, name


def test_combined_is_loss_g_plus_lambda_loss_d() -> None:
    assert combined(2.0, 3.0, 0.5) == 3.5


@pytest.mark.parametrize(
    ("name", "expected"), [("hinge", (0.5, 0.5)), ("least-squares", (0.5, 0.5)), ("relativistic", (0.5, 0.5))]
)
def test_accuracy_is_of_pictures_on_either_side(name: str, expected: tuple[float, float]) -> None:
    real, fake = accuracies(LOSSES[name], REAL, FAKE)
    assert (float(real), float(fake)) == expected
    # patches that disagree count as one picture, by their mean
    split = torch.tensor([[[3.0, -1.0]], [[3.0, -1.0]]])
    assert float(accuracies(LOSSES[name], split, -split)[0]) == 1.0


def test_straight_through_shows_one_class_and_passes_gradients() -> None:
    logits = torch.randn(2, 4, 3, 3, requires_grad=True)
    picture = straight_through(logits)
    assert torch.allclose(picture.sum(1), torch.ones(2, 3, 3))
    assert torch.equal(picture.argmax(1), logits.argmax(1))
    picture[:, 0].sum().backward()
    assert logits.grad is not None
    assert logits.grad.abs().sum() > 0


@pytest.mark.parametrize("patches", ["mean", "sum"])
def test_penalty_of_a_linear_score_is_its_squared_slope(patches: str) -> None:
    """score = w x for each of 6 patches: the gradient of their mean is w, that of their sum 6 w."""
    weight = nn.Parameter(torch.tensor([3.0, 4.0]))
    picture = torch.randn(5, 2, requires_grad=True)
    score = (picture @ weight)[:, None].expand(5, 6)
    factor = 1 if patches == "mean" else 6
    penalty = gradient_penalty(score, picture, patches)
    assert float(penalty) == pytest.approx((5 * factor) ** 2, rel=1e-5)
    penalty.backward(retain_graph=True)
    assert weight.grad is not None
    assert torch.allclose(weight.grad, 2 * factor**2 * weight.detach())
    one = gradient_penalty(score, picture, patches, target=1.0)
    assert float(one) == pytest.approx((5 * factor - 1) ** 2, rel=1e-5)


def test_penalty_of_chosen_rows_leaves_the_others_out() -> None:
    picture = torch.tensor([[1.0], [2.0], [3.0]], requires_grad=True)
    score = picture.square()  # slopes 2, 4, 6
    rows = torch.tensor([True, False, True])
    assert float(gradient_penalty(score, picture, rows=rows)) == pytest.approx((4 + 36) / 2)


def test_a_flat_score_has_a_finite_slope_of_its_penalty() -> None:
    weight = nn.Parameter(torch.zeros(2))
    picture = torch.randn(3, 2, requires_grad=True)
    gradient_penalty((picture @ weight)[:, None], picture, target=PENALTIES["wgan-gp"].target).backward()
    assert weight.grad is not None
    assert torch.isfinite(weight.grad).all()
