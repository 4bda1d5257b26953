// Launches of the kernels over tensors.
#include "tensor/on_gpu.h"

#include <ATen/autocast_mode.h>
#include <c10/core/DeviceGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <facet/torch.h>

#include <algorithm>
#include <optional>

#include "facet/error.h"

namespace facet::ops::on_gpu {
namespace {

constexpr int64_t kTileLatents = 8192;
constexpr int64_t kTileRows = 4096;  // such a tile has 128 MiB

thread_local const RowKernels* kernels_instead = nullptr;

const RowKernels* kernels_for(const Tensor& t) {
  if (kernels_instead) return kernels_instead;
  return t.is_cuda() ? cuda_kernels() : nullptr;
}

GpuPlace place_of(const Tensor& t) {
  if (!t.is_cuda()) return {};
  const c10::impl::VirtualGuardImpl gpu(at::kCUDA);
  return {t.device().index(), gpu.getStream(t.device()).native_handle()};
}

template <class Work>
using Kernel = const char* (*RowKernels::*)(const GpuPlace&, const Work&);

/// On the device and the current stream of `t`.
template <class Work>
void launch(Kernel<Work> kernel, const Tensor& t, const Work& work) {
  const c10::DeviceGuard guard(t.device());
  const char* problem = (kernels_for(t)->*kernel)(place_of(t), work);
  if (!problem) return;
  throw UserError("device \"" + t.device().str() + "\": " + problem +
                  "; a facet built with -DFACET_CUDA=OFF does without kernels of its own");
}

const float* floats_of(const Tensor& t) {
  return t.defined() ? t.const_data_ptr<float>() : nullptr;
}

Kept room_for(int64_t n, int64_t k, const Tensor& like) {
  const auto options = like.options().requires_grad(false);
  return {at::empty({n * k}, options.dtype(at::kInt)),
          at::empty({n * k}, options.dtype(at::kFloat))};
}

/// A tile's part in the rows of `kept` from `begin` on.
KeepLargest keep_from(const Tensor& tile, const Kept& kept, int64_t begin, int64_t k,
                      const Tensor& bar) {
  KeepLargest work;
  work.rows = tile.size(0);
  work.tile = tile.const_data_ptr<float>();
  work.stride = work.latents = tile.size(1);
  work.k = k;
  work.latent = kept.latent.mutable_data_ptr<int32_t>() + begin * k;
  work.value = kept.value.mutable_data_ptr<float>() + begin * k;
  work.bar = reinterpret_cast<uint32_t*>(bar.mutable_data_ptr<int32_t>());
  return work;
}

}  // namespace

bool serves(const Tensor& t) { return t.scalar_type() == at::kFloat && kernels_for(t) != nullptr; }

KernelScope::KernelScope(const RowKernels& kernels) : before_(kernels_instead) {
  kernels_instead = &kernels;
}
KernelScope::~KernelScope() { kernels_instead = before_; }

Kept largest(const Tensor& pre, int64_t k) {
  const Tensor tile = pre.contiguous();
  const Kept kept = room_for(tile.size(0), k, tile);
  const Tensor bar = at::empty({tile.size(0)}, kept.latent.options());
  launch(&RowKernels::keep_largest, tile, keep_from(tile, kept, 0, k, bar));
  return kept;
}

Kept largest_of_products(const Tensor& x, const Tensor& w_enc, const Tensor& b_enc, int64_t k) {
  const bool rounded = at::autocast::is_autocast_enabled(x.device().type());
  const auto type = rounded ? at::kBFloat16 : at::kFloat;
  const Tensor rows = x.to(type), w = w_enc.to(type), bias = b_enc.contiguous();
  const int64_t n = x.size(0), m = w.size(1);
  const Kept kept = room_for(n, k, x);
  const Tensor bar = at::empty({std::min(n, kTileRows)}, kept.latent.options());
  for (int64_t begin = 0; begin < n; begin += kTileRows) {
    const Tensor some = rows.narrow(0, begin, std::min(kTileRows, n - begin));
    for (int64_t first = 0; first < m; first += kTileLatents) {
      const Tensor tile = at::mm(some, w.narrow(1, first, std::min(kTileLatents, m - first)))
                              .to(at::kFloat)
                              .contiguous();  // [rows, latents]
      KeepLargest work = keep_from(tile, kept, begin, k, bar);
      work.bias = bias.const_data_ptr<float>() + first;
      work.first = static_cast<int32_t>(first);
      work.had = std::min(k, first);
      launch(&RowKernels::keep_largest, tile, work);
    }
  }
  return kept;
}

Tensor decode(const Codes& codes, const Tensor& w_dec, const Tensor& b_dec) {
  const Tensor start = codes.start.to(w_dec.device());
  const Tensor out = at::empty({codes.rows(), w_dec.size(1)}, w_dec.options().requires_grad(false));
  DecodedRows work;
  work.rows = codes.rows();
  work.d = w_dec.size(1);
  work.start = start.const_data_ptr<int64_t>();
  work.latent = codes.latent.const_data_ptr<int32_t>();
  work.value = codes.value.const_data_ptr<float>();
  work.weights = w_dec.const_data_ptr<float>();
  work.bias = floats_of(b_dec);
  work.out = out.mutable_data_ptr<float>();
  launch(&RowKernels::decode, w_dec, work);
  return out;
}

Tensor dots(const Codes& codes, const Tensor& rows, const Tensor& w) {
  const Tensor row = codes.row().to(w.device());
  const Tensor out = at::empty({codes.nonzeros()}, rows.options());
  EntryDots work;
  work.entries = codes.nonzeros();
  work.d = w.size(1);
  work.row = row.const_data_ptr<int64_t>();
  work.latent = codes.latent.const_data_ptr<int32_t>();
  work.x = rows.const_data_ptr<float>();
  work.weights = w.const_data_ptr<float>();
  work.out = out.mutable_data_ptr<float>();
  launch(&RowKernels::dots, w, work);
  return out;
}

EntriesByLatent::EntriesByLatent(const Codes& codes) : d_sae_(codes.d_sae) {
  const auto [latent, order] = at::sort(codes.latent, std::optional<bool>(true), 0, false);
  order_ = order;
  row_ = codes.row().to(order.device()).index_select(0, order);
  offset_ = at::searchsorted(latent, at::arange(d_sae_ + 1, latent.options()));
}

Tensor EntriesByLatent::sums(const Tensor& weight, const Tensor& x, const Tensor& shift,
                             int64_t d) const {
  const Tensor by_latent = weight.index_select(0, order_);
  const Tensor minus = shift.defined() ? shift.contiguous() : shift;
  const Tensor out = at::empty({d_sae_, d}, weight.options());
  LatentSums work;
  work.latents = d_sae_;
  work.d = d;
  work.offset = offset_.const_data_ptr<int64_t>();
  work.row = row_.const_data_ptr<int64_t>();
  work.weight = by_latent.const_data_ptr<float>();
  work.x = floats_of(x);
  work.shift = floats_of(minus);
  work.out = out.mutable_data_ptr<float>();
  launch(&RowKernels::sums_by_latent, weight, work);
  return out;
}

Tensor EntriesByLatent::sum_rows(const Tensor& weight, const Tensor& x, const Tensor& shift) const {
  return sums(weight, x, shift, x.size(1));
}

Tensor EntriesByLatent::sum(const Tensor& weight) const {
  return sums(weight, Tensor(), Tensor(), 1).flatten();
}

void adam_step(Tensor& param, const Tensor& gradient, Tensor& first, Tensor& second,
               const vectors::AdamFactors& factors) {
  AdamStep work;
  work.n = param.numel();
  work.param = param.mutable_data_ptr<float>();
  work.gradient = gradient.const_data_ptr<float>();
  work.first = first.mutable_data_ptr<float>();
  work.second = second.mutable_data_ptr<float>();
  work.factors = factors;
  launch(&RowKernels::adam, param, work);
}

void normalise_rows(Tensor& w, double eps) {
  const UnitRows work{w.size(0), w.size(1), w.mutable_data_ptr<float>(), static_cast<float>(eps)};
  launch(&RowKernels::normalise, w, work);
}

void remove_parallel(Tensor& gradient, const Tensor& w, double eps) {
  const ProjectedRows work{w.size(0), w.size(1), gradient.mutable_data_ptr<float>(),
                           w.const_data_ptr<float>(), static_cast<float>(eps)};
  launch(&RowKernels::project, w, work);
}

}  // namespace facet::ops::on_gpu
