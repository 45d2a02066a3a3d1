import torch

from reverie.numerics.color import NATURAL_CORRELATION, correlate, correlation_matrix, decorrelate


def test_decorrelate_undoes_correlate():
    images = torch.randn(2, 3, 7, 9)
    matrix = correlation_matrix()
    assert torch.allclose(decorrelate(correlate(images, matrix), matrix), images, atol=1e-5)
    assert torch.allclose(correlate(decorrelate(images, matrix), matrix), images, atol=1e-5)


def test_correlate_is_a_matrix_product_at_every_pixel():
    images, matrix = torch.randn(1, 3, 2, 5), correlation_matrix()
    assert torch.allclose(correlate(images, matrix)[0, :, 1, 3], matrix @ images[0, :, 1, 3], atol=1e-6)


def test_the_matrix_has_its_longest_column_of_length_one():
    matrix = correlation_matrix()
    raw = torch.tensor(NATURAL_CORRELATION)
    assert torch.allclose(matrix.norm(dim=0).max(), torch.tensor(1.0))
    assert torch.allclose(matrix * 0.4619, raw, atol=1e-4)  # the norm that Lucid divides by
    own = correlation_matrix(((2.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 0.5)))
    assert torch.equal(own, torch.diag(torch.tensor([1.0, 0.5, 0.25])))


def test_unit_noise_becomes_noise_with_the_wanted_covariance():
    matrix = correlation_matrix()
    noise = torch.randn(1, 3, 300, 300, generator=torch.Generator().manual_seed(0))
    rgb = correlate(noise, matrix).flatten(2)[0]
    assert torch.allclose(torch.cov(rgb), matrix @ matrix.T, atol=0.02)
