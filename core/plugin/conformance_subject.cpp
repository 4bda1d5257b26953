// Rows, state and comparisons for the conformance checks of SAEs.
#include "plugin/conformance_subject.h"

#include "facet/torch.h"

#include <stdlib.h>

#include <algorithm>
#include <cmath>

namespace facet {

namespace {

std::string sizes_text(at::IntArrayRef sizes) {
  std::string out;
  for (const int64_t size : sizes) out += (out.empty() ? "[" : ", ") + std::to_string(size);
  return (out.empty() ? "[" : out) + "]";
}

}  // namespace

Batch make_rows(const Shape& shape, int64_t n, int64_t number) {
  Rng rng(0, "conformance/rows " + std::to_string(number));
  std::vector<float> values(n * shape.points_in * shape.d_in);
  for (float& value : values) value = static_cast<float>(rng.normal());
  Batch batch;
  batch.input = torch::tensor(values).view({n, shape.points_in, shape.d_in});
  batch.target = shape.points_in == shape.points_out
                     ? batch.input
                     : batch.input.slice(1, 0, shape.points_out).clone();
  batch.ids.x = batch.input;
  batch.ids.sequence = torch::zeros({n}, torch::kInt64);
  batch.ids.position = torch::arange(n, torch::kInt32);
  batch.ids.token = torch::zeros({n}, torch::kInt32);
  batch.ids.flag = torch::zeros({n}, torch::kUInt8);
  return batch;
}

Batch rows_of(const Batch& batch, int64_t begin, int64_t end) {
  return {batch.input.slice(0, begin, end),
          batch.target.slice(0, begin, end),
          batch.ids.slice(begin, end),
          {}};
}

NamedTensors state_of(const Sae& sae) {
  NamedTensors state(sae.params().begin(), sae.params().end());
  for (const Buffer& buffer : sae.buffers()) state.emplace_back(buffer.name, buffer.value);
  return state;
}

NamedTensors copy_of_state(const Sae& sae) {
  NamedTensors state = state_of(sae);
  for (auto& [name, tensor] : state) tensor = tensor.detach().clone();
  return state;
}

std::string first_difference(const NamedTensors& a, const NamedTensors& b) {
  if (a.size() != b.size()) return "the number of tensors";
  for (size_t i = 0; i < a.size(); ++i)
    if (a[i].first != b[i].first || !torch::equal(a[i].second, b[i].second)) return a[i].first;
  return "";
}

bool finite(const Tensor& x) { return torch::isfinite(x).all().item<bool>(); }

double distance(const Tensor& a, const Tensor& b) {
  if (a.sizes() != b.sizes()) return INFINITY;
  if (a.numel() == 0) return 0;
  return (a - b).abs().max().item<double>() / std::max(1.0, a.abs().max().item<double>());
}

std::string wrong_sizes(const std::string& what, const Tensor& tensor, at::IntArrayRef should) {
  if (!tensor.defined()) return what + ": is undefined, should be " + sizes_text(should);
  if (tensor.sizes() == should) return "";
  return what + ": is " + sizes_text(tensor.sizes()) + ", should be " + sizes_text(should);
}

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "facet-check-XXXXXX").string();
  FACET_ASSERT(mkdtemp(name.data()), "no temporary folder");
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace facet
