// The numeric operations of SAEs. `reference` defines each one: plain loops, fixed order of
// summation, ties to the lowest latent. The functions outside it are the ones to call; a test holds
// them against the reference.
//
// Letters: n rows, d width, m latents, k active. Tensors are float32 unless said otherwise.
#pragma once

#include <ATen/core/Tensor.h>

#include "facet/codes.h"
#include "facet/rows.h"

namespace facet::ops {

/// x W + b: x [n, d], W [d, m], b [m] (or undefined), what dense codes are made and decoded with.
/// Differentiable once. [n, m]
Tensor affine(const Tensor& x, const Tensor& w, const Tensor& b);

/// Pre-activations: (x - b_dec) W_enc + b_enc. x [n, d], W_enc [d, m], b_enc [m], b_dec [d] (or
/// undefined). Differentiable once. source: Gao et al. 2024, arXiv:2406.04093, eq. 1.
Tensor pre_activations(const Tensor& x, const Tensor& w_enc, const Tensor& b_enc,
                       const Tensor& b_dec);

/// The codes of an SAE that works out every latent.
struct Rectified {
  Tensor active;  ///< [n, m]
  Tensor sum;     ///< of its rows, [n]
  Codes codes;    ///< what of it is not 0
};
/// max(pre, 0) of `pre` [n, m], NaN stays NaN; with what losses and counters ask of it. Gradients
/// of all three take one pass together. Differentiable once.
Rectified rectify(const Tensor& pre);

/// A straight-through estimate at thresholds, the derivative of a step being a box around it.
struct StepForm {
  double bandwidth = 1e-3;  ///< of the box
  bool to_input = false;    ///< what passes the step learns from it too (Conerly et al., Circuits
                            ///< Updates January 2025; SAELens' jumprelu_ste_to_input)
};
/// 1 where x [n, m] > threshold [m], else 0. The threshold's gradient is the sum over rows of -g /
/// bandwidth, of rows with |x - threshold| < bandwidth / 2; x has none, or with to_input g /
/// bandwidth in these rows. source: Rajamanoharan et al. 2024, arXiv:2407.14435, eq. 12
Tensor step_above(const Tensor& x, const Tensor& threshold, const StepForm& form);

struct Jumped {
  Tensor active;  ///< [n, m]
  Tensor count;   ///< step_above() summed over the latents of a row, [n]
  Codes codes;    ///< what of active is not 0
};
/// pre [n, m] where pre > threshold [m], else 0; NaN stays NaN. The gradient g of active reaches
/// pre where pre > threshold, and the threshold as the sum over rows of -(threshold / bandwidth) g,
/// of rows with |pre - threshold| < bandwidth / 2; with to_input (threshold / bandwidth) g of these
/// rows reaches pre as well. Gradients of all three take one pass together. Differentiable once.
/// source: the same, eq. 11; SAELens 6.54 (jumprelu_sae.py)
Jumped jump(const Tensor& pre, const Tensor& threshold, const StepForm& form);

struct Gated {
  Tensor active;  ///< [n, m]
  Tensor passed;  ///< what the gate lets through, max(u + b_gate, 0), [n, m]
  Tensor sum;     ///< of passed, over the latents of a row, [n]
  Codes codes;    ///< what of active is not 0
};
/// active is max(exp(r_mag) u + b_mag, 0) where u + b_gate > 0, else 0; u [n, m], the others [m].
/// The gate learns from passed and sum alone. Gradients of all four take one pass together.
/// Differentiable once. source: Rajamanoharan et al. 2024, arXiv:2404.16014, eq. 4 to 6
Gated gate(const Tensor& u, const Tensor& b_gate, const Tensor& r_mag, const Tensor& b_mag);

/// What becomes of negative values that are among the k largest of a row.
enum class Negatives { zero = 1, kept };

/// The k largest entries of each row of `pre` [n, m], then ReLU: exactly k entries a row, latent
/// ascending, values >= 0 (a kept entry may be 0). Ties go to the lowest latent; NaN counts as the
/// largest value, so it is never hidden. The gradient of value reaches pre where value > 0.
/// Negatives::kept leaves ReLU out: values are those of pre, and so are their gradients.
/// Requires 1 <= k <= m. source: Gao et al. 2024, eq. 3; ReLU after the selection as in
/// SAELens 6.54 (topk_sae.py); without it RouteSAE-repro 601b854 (model.py).
Codes keep_topk(const Tensor& pre, int64_t k, Negatives negatives = Negatives::zero);

/// keep_topk(pre_activations(...), k) without keeping [n, m] for the backward pass: gradients of x,
/// W_enc, b_enc and b_dec are sums over the k kept entries of each row. On the CPU values are
/// float32 sums of one fixed order, and latents the k largest of these, as if all had been worked
/// out; on a GPU both follow from LibTorch's product.
Codes encode_topk(const Tensor& x, const Tensor& w_enc, const Tensor& b_enc, const Tensor& b_dec,
                  int64_t k, Negatives negatives = Negatives::zero);

/// The `count` largest of all n m pre-activations of a batch that are above 0, wherever they are,
/// or fewer where fewer are: rows may have any number of entries. Ties to the first row, then to
/// the lowest latent; NaN counts as the largest value. Otherwise as encode_topk. Requires 0 <=
/// count <= n m. source: Bussmann, Leask and Nanda 2024, arXiv:2412.06410, section 3.
Codes encode_batch_topk(const Tensor& x, const Tensor& w_enc, const Tensor& b_enc,
                        const Tensor& b_dec, int64_t count);

/// Pre-activations above their latent's threshold [m] and above 0, and those that are NaN: any
/// number of entries a row. Values are as in encode_topk, and carry no gradient. source:
/// Rajamanoharan et al. 2024, arXiv:2407.14435, section 3.
Codes encode_above(const Tensor& x, const Tensor& w_enc, const Tensor& b_enc, const Tensor& b_dec,
                   const Tensor& threshold);

/// sum over entries of value * W_dec[latent], + b_dec (or nothing when undefined). W_dec [m,
/// d_out]; [n, d_out]. Differentiable; each row of the gradient of W_dec is summed over batch rows
/// in ascending order.
Tensor decode(const Codes& codes, const Tensor& w_dec, const Tensor& b_dec);

struct Adam {
  double lr = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0.0;  ///< decoupled (AdamW)
};

/// One step of Adam (Kingma and Ba 2015, arXiv:1412.6980, algorithm 1) in place; `step` counts
/// from 1. All four tensors have the same sizes and strides. Elementwise, so the same bits at any
/// thread count.
void adam_step(Tensor& param, const Tensor& gradient, Tensor& first, Tensor& second, int64_t step,
               const Adam& adam);

/// Divides each row of w [m, d], contiguous, by its L2 norm + eps, in place.
void normalise_rows(Tensor& w, double eps);
/// Takes from each row of `gradient` [m, d] its part along the same row of w [m, d], in place: g -
/// (g . u) u with u = w / (|w| + eps). Both contiguous.
void remove_parallel(Tensor& gradient, const Tensor& w, double eps);

/// remove_parallel() of the gradient that the parameter w [m, d] has, wherever operations left it
/// (Sae::row_gradients()); nothing when it has none.
void project_gradient(Tensor& w, double eps);

/// The part of a parameter that belongs to latents [k] int64, each there once: these rows of w
/// (axis 0) or these columns (axis 1), laid out as w is. Differentiable.
Tensor part_of(const Tensor& w, int64_t axis, const Tensor& latents);

/// The weights of an SAE of one hookpoint that encodes (x - b_dec) W_enc + b_enc (`centred`) or
/// x W_enc + b_enc, and decodes z W_dec + b_dec. An SAE without b_enc leaves it undefined.
struct PlainWeights {
  Tensor w_enc, b_enc, w_dec, b_dec;  // [d, m], [m], [m, d], [d]
  bool centred = true;
};
/// Changes the weights in place, in float64 but for the last rounding, so that raw rows give the
/// pre-activations that mapped rows gave before, and z gives the row in raw units: W_enc := M
/// W_enc, W_dec := W_dec M^-1, b_dec := b_dec M^-1 + mean, and unless centred b_enc -= mean M
/// W_enc. False, and nothing changed, when the map is of several hookpoints or of another width, or
/// when a b_enc is missing. source: SAELens 6.54, training/activation_scaler.py and
/// covariance_whitening.
bool fold_rows(const RowMap& map, const PlainWeights& weights);

namespace reference {
Tensor pre_activations(const Tensor& x, const Tensor& w_enc, const Tensor& b_enc,
                       const Tensor& b_dec);
Codes keep_topk(const Tensor& pre, int64_t k, Negatives negatives = Negatives::zero);
Codes keep_batch_topk(const Tensor& pre, int64_t count);
Tensor decode(const Codes& codes, const Tensor& w_dec, const Tensor& b_dec);
/// Gradients of encode_topk by the chain rule: grad_value [nnz].
struct EncodeGradients {
  Tensor x, w_enc, b_enc, b_dec;
};
EncodeGradients encode_topk_backward(const Codes& codes, const Tensor& grad_value, const Tensor& x,
                                     const Tensor& w_enc, const Tensor& b_dec);
/// Gradients of decode: grad_output [n, d_out].
struct DecodeGradients {
  Tensor value, w_dec, b_dec;
};
DecodeGradients decode_backward(const Codes& codes, const Tensor& grad_output, const Tensor& w_dec);
void adam_step(Tensor& param, const Tensor& gradient, Tensor& first, Tensor& second, int64_t step,
               const Adam& adam);
void normalise_rows(Tensor& w, double eps);
void remove_parallel(Tensor& gradient, const Tensor& w, double eps);
}  // namespace reference

}  // namespace facet::ops
