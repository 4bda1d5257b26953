// Codes: making them from dense tensors, joining and cutting them.
#include "facet/codes.h"

#include <facet/torch.h>
#include <torch/csrc/autograd/custom_function.h>

#include <optional>

#include "facet/error.h"
#include "tensor/dense_codes.h"

namespace facet {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

/// What is not 0 in rows of float32 on the CPU: {start, latent, value} of its codes.
class NotZero : public Function<NotZero> {
 public:
  static variable_list forward(AutogradContext* context, const Tensor& dense) {
    const Tensor given = dense.contiguous();
    const int64_t n = given.size(0), m = given.size(1);
    const float* values = given.const_data_ptr<float>();
    const Tensor start = at::zeros({n + 1}, at::kLong);
    int64_t* ends = start.mutable_data_ptr<int64_t>() + 1;
    for_dense_rows(n, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        for (const float* x = values + i * m; x != values + (i + 1) * m; ++x) ends[i] += *x != 0;
    });
    const Codes codes = entries_of(given, start);
    context->mark_non_differentiable({start, codes.latent});
    context->save_for_backward({start, codes.latent});
    context->saved_data["m"] = m;
    return {start, codes.latent, codes.value};
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const int64_t m = context->saved_data["m"].toInt();
    return {Codes{saved[0], saved[1], gradients[2].contiguous(), m}.dense()};
  }
};

Tensor with_leading_zero(const Tensor& ends) {
  return at::cat({at::zeros({1}, ends.options()), ends});
}

/// [nnz] int64: the place of each entry in the flattened dense tensor.
Tensor flat_index(const Codes& codes) {
  return codes.row().to(codes.latent.device()) * codes.d_sae + codes.latent;
}

}  // namespace

Codes Codes::of(const Tensor& dense) {
  FACET_ASSERT(dense.dim() == 2, "dense codes are [n, d_sae]");
  if (dense.is_cpu() && dense.scalar_type() == at::kFloat) {
    const variable_list parts = NotZero::apply(dense);
    return {parts[0], parts[1], parts[2], dense.size(1)};
  }
  const Tensor values = dense.detach();
  const Tensor place = values.flatten().nonzero().select(1, 0);  // [nnz], ascending: row by row
  return {with_leading_zero(values.ne(0).sum(1).cumsum(0)),
          place.remainder(dense.size(1)).to(at::kInt),
          dense.flatten().index_select(0, place).to(at::kFloat), dense.size(1)};
}

Codes Codes::joined(const std::vector<Codes>& parts) {
  FACET_ASSERT(!parts.empty(), "no codes to join");
  std::vector<Tensor> ends, latents, values;
  int64_t before = 0;
  for (const Codes& part : parts) {
    FACET_ASSERT(part.d_sae == parts.front().d_sae, "codes to join differ in d_sae");
    ends.push_back(part.start.narrow(0, 1, part.rows()) + before);
    latents.push_back(part.latent);
    values.push_back(part.value);
    before += part.nonzeros();
  }
  Codes codes;
  codes.start = with_leading_zero(at::cat(ends));
  codes.latent = at::cat(latents);
  codes.value = at::cat(values);
  codes.d_sae = parts.front().d_sae;
  return codes;
}

int64_t Codes::rows() const { return start.size(0) - 1; }

int64_t Codes::nonzeros() const { return latent.size(0); }

Tensor Codes::dense() const {
  const Tensor zeros = at::zeros({rows() * d_sae}, value.options().requires_grad(false));
  return zeros.scatter(0, flat_index(*this), value).view({rows(), d_sae});
}

Tensor Codes::row() const {
  return at::repeat_interleave(start.diff(), std::optional<int64_t>(nonzeros()));
}

Codes Codes::slice(int64_t begin, int64_t end) const {
  FACET_ASSERT(begin >= 0 && begin <= end && end <= rows(), "rows to cut out are out of range");
  const auto first = start[begin].item<int64_t>();
  const auto last = start[end].item<int64_t>();
  Codes codes;
  codes.start = start.narrow(0, begin, end - begin + 1) - first;
  codes.latent = latent.narrow(0, first, last - first);
  codes.value = value.narrow(0, first, last - first);
  codes.d_sae = d_sae;
  return codes;
}

Codes Codes::cpu() const {
  Codes codes;
  codes.start = start.cpu();
  codes.latent = latent.cpu();
  codes.value = value.detach().cpu();
  codes.d_sae = d_sae;
  return codes;
}

}  // namespace facet
