// The working versions of keep_topk and encode_topk.
#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <facet/torch.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <optional>

#include "facet/error.h"
#include "facet/ops.h"
#include "tensor/by_latent.h"
#include "tensor/elsewhere.h"
#include "tensor/on_gpu.h"
#include "tensor/plain_kernels.h"
#include "tensor/screen.h"
#include "tensor/select.h"
#include "tensor/vectors.h"
#include "tensor/waiting_rows.h"

namespace facet::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

constexpr int64_t kBlockFloats = int64_t{1} << 23;  // pre-activations held at once: 32 MiB

Tensor centred(const Tensor& x, const Tensor& b_dec) { return b_dec.defined() ? x - b_dec : x; }

Codes with_k_per_row(Tensor latent, Tensor value, int64_t n, int64_t k, int64_t d_sae) {
  Codes codes;
  codes.start = at::arange(0, (n + 1) * k, k, latent.options().dtype(at::kLong));
  codes.latent = std::move(latent);
  codes.value = std::move(value);
  codes.d_sae = d_sae;
  return codes;
}

/// Whether the operations here, and not elsewhere's, are those of x.
bool served(const Tensor& x) { return x.is_cpu() || on_gpu::serves(x); }

/// [n * k] latents and values, ReLU done.
variable_list after_relu(const on_gpu::Kept& kept, Negatives negatives) {
  if (negatives == Negatives::kept) return {kept.latent, kept.value};
  return {kept.latent, kept.value.masked_fill(kept.value <= 0, 0)};
}

/// Chooses from each row of pre [n, m] and writes n * k entries.
void choose(const Tensor& pre, int64_t k, Negatives negatives, int32_t* latent, float* value) {
  const int64_t m = pre.size(1);
  const float* rows = pre.const_data_ptr<float>();
  at::parallel_for(0, pre.size(0), 1, [&](int64_t begin, int64_t end) {
    RowSelection selection(k);
    for (int64_t i = begin; i < end; ++i) {
      selection.choose(rows + i * m, m, latent + i * k);
      for (int64_t e = i * k; e < (i + 1) * k; ++e) {
        const float v = rows[i * m + latent[e]];
        value[e] = v <= 0 && negatives == Negatives::zero ? 0.0f : v;
      }
    }
  });
}

variable_list kept_of(const Tensor& pre, int64_t k, Negatives negatives) {
  if (on_gpu::serves(pre)) return after_relu(on_gpu::largest(pre, k), negatives);
  Tensor latent = at::empty({pre.size(0) * k}, at::kInt);
  Tensor value = at::empty({pre.size(0) * k}, at::kFloat);
  choose(pre.contiguous(), k, negatives, latent.mutable_data_ptr<int32_t>(),
         value.mutable_data_ptr<float>());
  return {latent, value};
}

/// The gradient of what was chosen: ReLU passes none where a value is not positive.
Tensor passed(const Tensor& gradient, const Tensor& value, AutogradContext* context) {
  if (!context->saved_data["relu"].toBool()) return gradient.contiguous();
  return at::where(value > 0, gradient, at::zeros({}, gradient.options())).contiguous();
}

class KeepTopK : public Function<KeepTopK> {
 public:
  static variable_list forward(AutogradContext* context, const Tensor& pre, int64_t k,
                               Negatives negatives) {
    const variable_list kept = kept_of(pre, k, negatives);
    context->mark_non_differentiable({kept[0]});
    context->save_for_backward(kept);
    context->saved_data["m"] = pre.size(1);
    context->saved_data["k"] = k;
    context->saved_data["relu"] = negatives == Negatives::zero;
    return kept;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const int64_t k = context->saved_data["k"].toInt();
    const Tensor gradient = passed(gradients[1], saved[1], context).view({-1, k});
    const Tensor latent = saved[0].view({-1, k}).to(at::kLong);
    const Tensor dense =
        at::zeros({gradient.size(0), context->saved_data["m"].toInt()}, gradient.options());
    return {dense.scatter_(1, latent, gradient), Tensor(), Tensor()};
  }
};

/// The same of all pre-activations, block by block; as autocast has them, products of bf16 numbers.
void choose_of_all(const Tensor& x, const Tensor& w_enc, const Tensor& b_enc, int64_t k,
                   Negatives negatives, int32_t* latent, float* value) {
  const auto type = at::autocast::is_autocast_enabled(at::kCPU) ? at::kBFloat16 : at::kFloat;
  const Tensor rows = x.to(type), w = w_enc.to(type), b = b_enc.to(type);
  const int64_t block = std::max<int64_t>(1, kBlockFloats / w_enc.size(1));
  for (int64_t begin = 0; begin < x.size(0); begin += block) {
    const int64_t n = std::min(block, x.size(0) - begin);
    const Tensor pre = at::addmm(b, rows.narrow(0, begin, n), w).to(at::kFloat);
    choose(pre, k, negatives, latent + begin * k, value + begin * k);
  }
}

Screen screen_for(const Tensor& x, const Tensor& w_enc, const Tensor& b_enc) {
  WaitingRows* waiting = HeldGradients::waiting(w_enc);
  if (!waiting) return {w_enc.t(), b_enc, numbers_for(x, w_enc.t())};
  // Every candidate is brought: while some rows wait, there had better be few.
  const Numbers numbers = waiting->some_wait() ? fine_numbers() : numbers_for(x, w_enc.t());
  return {*waiting, b_enc, numbers};
}

/// The same without working all pre-activations out.
void choose_by_screen(const Tensor& x, const Tensor& w_enc, const Tensor& b_enc, int64_t k,
                      Negatives negatives, int32_t* latent, float* value) {
  screen_for(x, w_enc, b_enc).choose(x, k, latent, value);
  if (negatives == Negatives::kept) return;
  for (int64_t e = 0; e < x.size(0) * k; ++e)
    if (value[e] <= 0) value[e] = 0.0f;
}

variable_list encoded(const Tensor& x, const Tensor& w_enc, const Tensor& b_enc, int64_t k,
                      Negatives negatives) {
  if (on_gpu::serves(x))
    return after_relu(on_gpu::largest_of_products(x, w_enc, b_enc, k), negatives);
  Tensor latent = at::empty({x.size(0) * k}, at::kInt);
  Tensor value = at::empty({x.size(0) * k}, at::kFloat);
  const bool all = at::autocast::is_autocast_enabled(at::kCPU) || PlainKernels::wanted();
  const auto choose = all ? choose_of_all : choose_by_screen;
  choose(x, w_enc, b_enc, k, negatives, latent.mutable_data_ptr<int32_t>(),
         value.mutable_data_ptr<float>());
  return {latent, value};
}

/// The gradients of W_enc and b_enc, where they are wanted, and the negative one of b_dec.
struct WeightGradients {
  Tensor w_enc, b_enc, b_dec;
};
struct Wanted {
  bool w_enc, b_enc, b_dec;
};

WeightGradients weight_gradients(const Codes& codes, const Tensor& x, const Tensor& w_enc,
                                 const Tensor& b_dec, const Wanted& wanted) {
  WeightGradients out;
  const float* weight = codes.value.const_data_ptr<float>();
  const ByLatent index(codes);
  if (wanted.w_enc) {
    if (GradientRows* rows = HeldGradients::of(w_enc))
      rows->add(index, weight, x, b_dec);
    else
      out.w_enc = sum_rows_by_latent(index, weight, x, b_dec).t();
  }
  if (wanted.b_enc || wanted.b_dec) out.b_enc = sum_by_latent(index, weight);
  if (wanted.b_dec) out.b_dec = sum_rows(w_enc.t().contiguous(), out.b_enc.const_data_ptr<float>());
  return out;
}

WeightGradients weight_gradients_on_gpu(const Codes& codes, const Tensor& x, const Tensor& w_enc,
                                        const Tensor& b_dec, const Wanted& wanted) {
  WeightGradients out;
  const on_gpu::EntriesByLatent entries(codes);
  if (wanted.w_enc) out.w_enc = entries.sum_rows(codes.value, x, b_dec).t();
  if (wanted.b_enc || wanted.b_dec) out.b_enc = entries.sum(codes.value);
  if (wanted.b_dec) out.b_dec = at::mv(w_enc, out.b_enc);
  return out;
}

/// Of x, w_enc, b_enc and b_dec, which are the first inputs: the values of `codes` are the
/// gradients of those that were kept.
variable_list gradients_of_encoder(AutogradContext* context, const Codes& codes,
                                   const Tensor& given_x, const Tensor& w_enc,
                                   const Tensor& b_dec) {
  const Tensor x = given_x.contiguous();
  variable_list out(4);
  const Wanted wanted{context->needs_input_grad(1), context->needs_input_grad(2),
                      b_dec.defined() && context->needs_input_grad(3)};
  if (context->needs_input_grad(0)) out[0] = decode(codes, w_enc.t().contiguous(), Tensor());
  const auto of_weights = on_gpu::serves(x) ? weight_gradients_on_gpu : weight_gradients;
  const WeightGradients sums = of_weights(codes, x, w_enc, b_dec, wanted);
  out[1] = sums.w_enc;
  out[2] = sums.b_enc;
  if (wanted.b_dec) out[3] = sums.b_dec.neg();
  return out;
}

class EncodeTopK : public Function<EncodeTopK> {
 public:
  static variable_list forward(AutogradContext* context, const Tensor& x, const Tensor& w_enc,
                               const Tensor& b_enc, const std::optional<Tensor>& given_b_dec,
                               int64_t k, Negatives negatives) {
    const Tensor b_dec = given_b_dec.value_or(Tensor());
    const variable_list kept = encoded(centred(x, b_dec), w_enc, b_enc, k, negatives);
    context->mark_non_differentiable({kept[0]});
    context->save_for_backward({x, w_enc, b_dec, kept[0], kept[1]});
    context->saved_data["k"] = k;
    context->saved_data["relu"] = negatives == Negatives::zero;
    return kept;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const Tensor gradient = passed(gradients[1], saved[4], context);
    const Codes codes = with_k_per_row(saved[3], gradient, saved[0].size(0),
                                       context->saved_data["k"].toInt(), saved[1].size(1));
    variable_list out = gradients_of_encoder(context, codes, saved[0], saved[1], saved[2]);
    out.resize(6);
    return out;
  }
};

bool is_screened(const Tensor& x) {
  return x.is_cpu() && x.scalar_type() == at::kFloat && !PlainKernels::wanted() &&
         !at::autocast::is_autocast_enabled(at::kCPU);
}

Codes codes_of(const variable_list& parts, int64_t d_sae) {
  return {parts[0], parts[1], parts[2], d_sae};
}

variable_list tensors_of(const Screen::Entries& kept) {
  return {torch::tensor(kept.start, at::kLong), torch::tensor(kept.latent, at::kInt),
          torch::tensor(kept.value, at::kFloat)};
}

/// Where each row's entries begin, latents and values of the `count` largest of all rows.
variable_list encoded_of_batch(const Tensor& x, const Tensor& w_enc, const Tensor& b_enc,
                               int64_t count) {
  const std::optional<Screen::Entries> kept = screen_for(x, w_enc, b_enc).choose_of_batch(x, count);
  if (kept) return tensors_of(*kept);
  if (WaitingRows* waiting = HeldGradients::waiting(w_enc)) waiting->bring_all();
  const Codes codes = elsewhere::keep_batch_topk(pre_activations(x, w_enc, b_enc, Tensor()), count);
  return {codes.start, codes.latent, codes.value};
}

class EncodeBatchTopK : public Function<EncodeBatchTopK> {
 public:
  static variable_list forward(AutogradContext* context, const Tensor& x, const Tensor& w_enc,
                               const Tensor& b_enc, const std::optional<Tensor>& given_b_dec,
                               int64_t count) {
    const Tensor b_dec = given_b_dec.value_or(Tensor());
    const variable_list kept = encoded_of_batch(centred(x, b_dec), w_enc, b_enc, count);
    context->mark_non_differentiable({kept[0], kept[1]});
    context->save_for_backward({x, w_enc, b_dec, kept[0], kept[1]});
    return kept;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const Codes codes = codes_of({saved[3], saved[4], gradients[2].contiguous()}, saved[1].size(1));
    variable_list out = gradients_of_encoder(context, codes, saved[0], saved[1], saved[2]);
    out.resize(5);
    return out;
  }
};

}  // namespace

Codes keep_topk(const Tensor& pre, int64_t k, Negatives negatives) {
  FACET_ASSERT(k >= 1 && k <= pre.size(1), "k must be between 1 and the number of latents");
  if (!served(pre)) return elsewhere::keep_topk(pre, k, negatives);
  const variable_list kept = KeepTopK::apply(pre, k, negatives);
  return with_k_per_row(kept[0], kept[1], pre.size(0), k, pre.size(1));
}

Codes encode_topk(const Tensor& x, const Tensor& w_enc, const Tensor& b_enc, const Tensor& b_dec,
                  int64_t k, Negatives negatives) {
  FACET_ASSERT(k >= 1 && k <= w_enc.size(1), "k must be between 1 and the number of latents");
  if (!served(x) || (!x.is_cpu() && PlainKernels::wanted()))
    return elsewhere::keep_topk(pre_activations(x, w_enc, b_enc, b_dec), k, negatives);
  const variable_list kept = EncodeTopK::apply(x, w_enc, b_enc, if_defined(b_dec), k, negatives);
  return with_k_per_row(kept[0], kept[1], x.size(0), k, w_enc.size(1));
}

Codes encode_batch_topk(const Tensor& x, const Tensor& w_enc, const Tensor& b_enc,
                        const Tensor& b_dec, int64_t count) {
  FACET_ASSERT(count >= 0 && count <= x.size(0) * w_enc.size(1),
               "count must be between 0 and the number of pre-activations");
  if (!is_screened(x))
    return elsewhere::keep_batch_topk(pre_activations(x, w_enc, b_enc, b_dec), count);
  return codes_of(EncodeBatchTopK::apply(x, w_enc, b_enc, if_defined(b_dec), count), w_enc.size(1));
}

Codes encode_above(const Tensor& x, const Tensor& w_enc, const Tensor& b_enc, const Tensor& b_dec,
                   const Tensor& threshold) {
  const at::NoGradGuard no_grad;
  if (is_screened(x)) {
    const Tensor rows = centred(x, b_dec);
    const auto kept = screen_for(rows, w_enc, b_enc).choose_above(rows, threshold);
    if (kept) return codes_of(tensors_of(*kept), w_enc.size(1));
    if (WaitingRows* waiting = HeldGradients::waiting(w_enc)) waiting->bring_all();
  }
  Tensor pre = pre_activations(x, w_enc, b_enc, b_dec);
  return Codes::of(pre.masked_fill_(pre <= threshold.clamp_min(0), 0));
}

}  // namespace facet::ops
