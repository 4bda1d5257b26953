// The two steps of JumpReLU, whose thresholds learn by straight-through estimators.
#pragma once

#include <ATen/core/Tensor.h>

namespace facet {

/// pre where pre > threshold, else 0. pre [n, m], threshold [m].
///
/// The gradient g reaches pre where pre > threshold, and the threshold as the sum over rows of
/// -(threshold / bandwidth) g, of rows with |pre - threshold| < bandwidth / 2.
/// source: Rajamanoharan et al. 2024, arXiv:2407.14435, eq. 11; SAELens 6.54 (jumprelu_sae.py)
at::Tensor jump(const at::Tensor& pre, const at::Tensor& threshold, double bandwidth);

/// 1 where x > threshold, else 0. x has no gradient; the threshold has the sum over rows of
/// -g / bandwidth, of rows with |x - threshold| < bandwidth / 2.
/// source: the same, eq. 12
at::Tensor step_above(const at::Tensor& x, const at::Tensor& threshold, double bandwidth);

}  // namespace facet
