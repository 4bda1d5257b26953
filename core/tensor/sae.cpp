// Sae: its parameters and defaults; PlainSae; the initial weights.
#include "facet/sae.h"

#include <facet/torch.h>

#include <cmath>

#include "facet/error.h"

namespace facet {

Group::~Group() = default;
int64_t Group::rank() const { return 0; }
int64_t Group::size() const { return 1; }
Tensor Group::sum(const Tensor& x) const { return x; }

Init::Init(uint64_t seed, std::string device)
    : rng_(seed, "sae/init"), device_(std::move(device)) {}

Tensor Init::uniform(std::vector<int64_t> sizes, double row_norm) {
  const Tensor drawn = uniform_within(std::move(sizes), 1.0);
  return drawn.div_(drawn.norm(2, {-1}, true).clamp_min_(1e-30)).mul_(row_norm);
}

Tensor Init::uniform_within(std::vector<int64_t> sizes, double bound) {
  Tensor drawn = at::empty(sizes, at::kFloat);
  float* values = drawn.mutable_data_ptr<float>();
  for (int64_t i = 0; i < drawn.numel(); ++i)
    values[i] = static_cast<float>(bound * (2 * rng_.uniform() - 1));
  return drawn.to(device_);
}

double Coefficients::of(const std::string& loss) const {
  const auto found = weights_.find(loss);
  return found == weights_.end() ? 1.0 : found->second;
}

Sae::~Sae() = default;
void Sae::start(const Batch&) {}
bool Sae::row_gradients() const { return false; }
bool Sae::rows_may_wait() const { return false; }
void Sae::after_backward() {}
void Sae::after_step() {}
void Sae::finish() {}
std::vector<std::string> Sae::estimated() const { return {}; }
Value Sae::saelens() const { return {}; }
Figures Sae::figures(const Pass&) const { return {}; }
Shape Sae::shape(const Shape& stream) const { return stream; }
std::optional<InferenceForm> Sae::inference_form() const { return std::nullopt; }
bool Sae::fold(const RowMap&) { return false; }
void Sae::revive(const Tensor&, const Batch&) {
  throw UserError("sae: revive: this architecture cannot start latents anew");
}

Spliced Sae::splice(int64_t point, const Tensor& live, const Pass& seen) {
  if (seen.output.defined() && seen.output.size(1) != 1)
    throw UserError("sae: splice: this architecture does not say how one of its " +
                    std::to_string(seen.output.size(1)) + " hookpoints is replaced");
  FACET_ASSERT(point == 0, "there is one hookpoint to replace");
  Batch batch;
  batch.input = live.unsqueeze(1);
  batch.target = batch.input;
  Pass own = pass(batch, Mode::infer);
  return {own.output.select(1, 0),
          at::ones({live.size(0)}, live.options().dtype(at::kBool).requires_grad(false)),
          std::move(own.codes)};
}

Tensor Sae::pre_activations(const Tensor&) {
  throw UserError("sae: pre_activations: this architecture has none");
}

Tensor Sae::reconstruction(const Codes&) {
  throw UserError("sae: reconstruction: this architecture cannot decode codes by themselves");
}

int64_t Sae::d_sae() const { return decoder(0).size(0); }

at::Device Sae::device() const {
  if (!params_.empty()) return params_.front().second.device();
  return buffers_.empty() ? at::Device(at::kCPU) : buffers_.front().value.device();
}

namespace {

/// A copy of its own; strides stay, so a transposed view of a contiguous tensor keeps its rows
/// contiguous.
Tensor owned(const Tensor& value) { return value.detach().clone(at::MemoryFormat::Preserve); }

}  // namespace

Tensor Sae::param(const std::string& name, const Tensor& value) {
  for (const auto& [taken, tensor] : params_)
    FACET_ASSERT(taken != name, "parameter \"" + name + "\" is registered twice");
  params_.emplace_back(name, owned(value.to(at::kFloat)).requires_grad_());
  return params_.back().second;
}

Tensor Sae::buffer(const std::string& name, const Tensor& value, Merge merge) {
  for (const Buffer& taken : buffers_)
    FACET_ASSERT(taken.name != name, "buffer \"" + name + "\" is registered twice");
  buffers_.push_back({name, owned(value), merge});
  return buffers_.back().value;
}

PlainSae::~PlainSae() = default;

Pass PlainSae::pass(const Batch& batch, Mode mode) {
  if (batch.input.size(1) != 1)
    throw UserError("sae: this architecture reads one hookpoint: " +
                    std::to_string(batch.input.size(1)) + " are given");
  const Tensor x = batch.input.select(1, 0);
  Pass pass;
  pass.codes = encode(x, mode);
  pass.output = decode(pass.codes).unsqueeze(1);
  pass.target = batch.target;
  pass.notes["input"] = x;
  return pass;
}

Tensor PlainSae::reconstruction(const Codes& codes) { return decode(codes).unsqueeze(1); }

Tensor PlainSae::decoder(int64_t) const {
  for (const auto& [name, value] : params())
    if (name == "W_dec") return value;
  FACET_ASSERT(false, "a PlainSae without W_dec must say what its decoder is");
  return {};
}

Stats output_stats(const Pass& pass, const Stats& input) {
  const auto weights = pass.notes.find("layer_weights");
  if (weights == pass.notes.end()) return input;
  const Tensor& w = weights->second;  // [n, points]
  Stats out;
  for (const auto& [name, figure] : input) {
    if (figure.dim() == 3 && figure.size(0) == w.size(0) && figure.size(1) == w.size(1))
      out[name] = (figure * w.unsqueeze(2)).sum(1, true);  // [n, 1, ...]
    else if (figure.dim() == 2 && figure.size(0) == w.size(1))
      out[name] = w.matmul(figure).unsqueeze(1);  // [n, 1, d]
    else
      throw UserError("normalize: its \"" + name +
                      "\" is not one for each hookpoint: rows of an SAE that chooses among "
                      "hookpoints cannot be taken back to the host's units");
  }
  return out;
}

void check_one_hookpoint(const std::string& type, const Shape& shape) {
  if (shape.transcodes)
    throw UserError("sae: " + type +
                    ": reconstructs the rows of one hookpoint: is given a target of another");
  if (shape.d_in == shape.d_out && shape.points_in == 1 && shape.points_out == 1) return;
  throw UserError("sae: " + type + ": reconstructs the rows of one hookpoint: is given " +
                  std::to_string(shape.points_in) + " of width " + std::to_string(shape.d_in) +
                  " and should return " + std::to_string(shape.points_out) + " of width " +
                  std::to_string(shape.d_out));
}

Tensor mean_squared_error(const Pass& pass, const Step& step) {
  const Tensor sum = (pass.target - pass.output).square().sum();
  const Tensor rows = at::full({}, static_cast<float>(pass.output.size(0)), sum.options());
  return step.group ? step.group->sum(sum) / step.group->sum(rows) : sum / rows;
}

}  // namespace facet
