// The two steps of JumpReLU, whose thresholds learn by straight-through estimators.
#pragma once

#include <ATen/core/Tensor.h>

namespace facet {

/// What a straight-through estimate reaches: SAELens' jumprelu_ste_to_input lets it teach the
/// encoder too (Conerly et al., Circuits Updates January 2025).
enum class Reach { threshold = 1, input_too };

/// pre where pre > threshold, else 0. pre [n, m], threshold [m].
///
/// The gradient g reaches pre where pre > threshold, and the threshold as the sum over rows of
/// -(threshold / bandwidth) g, of rows with |pre - threshold| < bandwidth / 2. With
/// Reach::input_too (threshold / bandwidth) g of these rows reaches pre as well.
/// source: Rajamanoharan et al. 2024, arXiv:2407.14435, eq. 11; SAELens 6.54 (jumprelu_sae.py)
at::Tensor jump(const at::Tensor& pre, const at::Tensor& threshold, double bandwidth,
                Reach reach = Reach::threshold);

/// 1 where x > threshold, else 0. The threshold's gradient is the sum over rows of -g / bandwidth,
/// of rows with |x - threshold| < bandwidth / 2; x has none, or with Reach::input_too g / bandwidth
/// in these rows.
/// source: the same, eq. 12
at::Tensor step_above(const at::Tensor& x, const at::Tensor& threshold, double bandwidth,
                      Reach reach = Reach::threshold);

}  // namespace facet
