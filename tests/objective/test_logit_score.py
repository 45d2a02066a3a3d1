import pytest
import torch

from reverie.errors import LayerError
from reverie.objective import logit

LOGITS = torch.randn(3, 7, generator=torch.Generator().manual_seed(0))


def test_it_is_the_logit_of_the_class():
    assert torch.equal(logit(4)({"logits": LOGITS}), LOGITS[:, 4])
    assert torch.equal(logit(4)({"logits": LOGITS[:, :, None, None]}), LOGITS[:, 4])  # heads that are convolutions


def test_the_logarithmic_probability_also_lowers_the_others():
    leaf = LOGITS.clone().requires_grad_(True)
    score = logit(4, log_probability=True)({"logits": leaf})
    assert torch.allclose(score.exp(), LOGITS.softmax(1)[:, 4])
    (gradient,) = torch.autograd.grad(score.sum(), leaf)
    assert torch.allclose(gradient, torch.eye(7)[4] - LOGITS.softmax(1), atol=1e-6)


@pytest.mark.parametrize("index", [-1, 7])
def test_a_class_that_does_not_exist_is_refused(index):
    with pytest.raises(LayerError, match="0 to 6"):
        logit(index)({"logits": LOGITS})
