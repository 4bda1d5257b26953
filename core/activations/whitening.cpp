// whitening: rows whose numbers are uncorrelated and of variance 1.
#include <facet/torch.h>

#include <cstring>

#include "activations/fit_rows.h"
#include "activations/normalisers.h"

namespace facet {
namespace {

constexpr const char* kName = "whitening";
// Keeps directions finite in which rows do not vary. source: SAELens 6.54, covariance_whitening
constexpr double kLeastVariance = 1e-3;
constexpr char kHexDigits[] = "0123456789abcdef";

// Numbers as text of their bytes, which is short and reads back to the same bits.
std::string hex_of(const Tensor& x) {
  const Tensor whole = x.contiguous();
  const auto* byte = static_cast<const unsigned char*>(whole.const_data_ptr());
  std::string out;
  out.reserve(2 * whole.nbytes());
  for (size_t i = 0; i < whole.nbytes(); ++i) {
    out += kHexDigits[byte[i] >> 4];
    out += kHexDigits[byte[i] & 15];
  }
  return out;
}

[[noreturn]] void refuse_state() {
  throw UserError(std::string("the state of the normaliser ") + kName + " is damaged");
}

Tensor tensor_of_hex(const std::string& hex, std::vector<int64_t> sizes) {
  const Tensor out = torch::empty(sizes, torch::kFloat32);
  if (hex.size() != 2 * out.nbytes()) refuse_state();
  auto* byte = static_cast<unsigned char*>(out.mutable_data_ptr());
  const auto digit = [](char c) {
    const char* at = c ? std::strchr(kHexDigits, c) : nullptr;
    if (!at) refuse_state();
    return static_cast<unsigned char>(at - kHexDigits);
  };
  for (size_t i = 0; i < out.nbytes(); ++i)
    byte[i] = static_cast<unsigned char>(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
  return out;
}

/// z = (x - mean) M with M = E diag(l)^-1/2, of the covariance C = E diag(l) E^T over the rows it
/// was fitted to, l at least 0 and 1e-3 added to each; the way back is z M^-1 + mean. One M for
/// each hookpoint. Sums, covariance and eigenvectors are in float64, what is kept in float32.
/// source: SAELens 6.54.12, training/activation_scaler.py, "covariance_whitening", which it folds
/// into the weights; cfg.json has no name for it that its inference would act on.
class Whitening final : public Normaliser {
 public:
  explicit Whitening(const NoParams&) {}

  void fit(ActivationSource& source, int64_t rows) override {
    const Shape shape = source.shape();
    const int64_t points = shape.points_in, d = shape.d_in;
    const Tensor sum = torch::zeros({points, d}, torch::kFloat64);
    const Tensor products = torch::zeros({points, d, d}, torch::kFloat64);
    const int64_t n = each_block(kName, source, rows, [&](const Tensor& x, int64_t) {
      const Tensor wide = x.to(torch::kFloat64).transpose(0, 1);  // [points, n, d]
      sum.add_(wide.sum(1));
      products.baddbmm_(wide.transpose(1, 2), wide);
    });
    const std::string where = kNormalise + std::string(kName);
    if (n < 2) throw UserError(where + ": is given 1 row, should be at least 2");
    if (!products.isfinite().all().item<bool>())
      throw UserError(where + ": the rows it is fitted to are not finite");
    const Tensor mean = sum / static_cast<double>(n);
    const Tensor outer = mean.unsqueeze(2) * mean.unsqueeze(1);  // [points, d, d]
    const Tensor covariance =
        (products - outer * static_cast<double>(n)) / static_cast<double>(n - 1);
    const auto [variances, vectors] = at::linalg_eigh(covariance);  // [points, d], columns
    const Tensor spread = (variances.clamp_min(0) + kLeastVariance).sqrt();
    mean_ = mean.to(torch::kFloat32);
    matrix_ = (vectors / spread.unsqueeze(1)).to(torch::kFloat32).contiguous();
    inverse_ = (spread.unsqueeze(2) * vectors.transpose(1, 2)).to(torch::kFloat32).contiguous();
  }

  Tensor apply(const Tensor& x, Stats&) const override {
    return times(x.to(torch::kFloat32) - fitted(mean_, x), fitted(matrix_, x));
  }
  Tensor invert(const Tensor& x, const Stats&) const override {
    return times(x.to(torch::kFloat32), fitted(inverse_, x)) + fitted(mean_, x);
  }

  std::optional<RowMap> row_map() const override {
    if (!mean_.defined()) return std::nullopt;
    const auto wide = [](const Tensor& t) { return t.to(torch::kFloat64); };
    return RowMap{wide(mean_), {}, wide(matrix_), wide(inverse_)};
  }

  Value state() const override {
    if (!mean_.defined()) return {};
    return Value::Table{{"points", mean_.size(0)},
                        {"width", mean_.size(1)},
                        {"mean", hex_of(mean_)},
                        {"matrix", hex_of(matrix_)},
                        {"inverse", hex_of(inverse_)}};
  }
  void restore(const Value& state) override {
    if (state.empty()) {
      mean_ = matrix_ = inverse_ = Tensor();
      return;
    }
    const int64_t points = state.integer("points"), d = state.integer("width");
    if (points < 1 || d < 1) refuse_state();
    mean_ = tensor_of_hex(state.text("mean"), {points, d});
    matrix_ = tensor_of_hex(state.text("matrix"), {points, d, d});
    inverse_ = tensor_of_hex(state.text("inverse"), {points, d, d});
  }

 private:
  static Tensor fitted(const Tensor& own, const Tensor& like) {
    if (!own.defined())
      throw UserError(kNormalise + std::string(kName) +
                      ": has not seen any rows; run:train fits it first");
    return own.to(like.device());
  }
  // x [n, points, d], each hookpoint by its own matrix.
  static Tensor times(const Tensor& x, const Tensor& matrices) {
    return at::bmm(x.transpose(0, 1), matrices).transpose(0, 1);
  }

  Tensor mean_, matrix_, inverse_;  // [points, d], [points, d, d] float32, on the CPU
};

}  // namespace

void add_whitening(Registry& registry) {
  registry.add_normaliser<Whitening>(
      "whitening",
      "Rows less their mean, turned and scaled so that their numbers are uncorrelated and of "
      "variance 1, found over train.normalise_rows rows before the first step (SAELens' "
      "covariance_whitening).",
      Schema<NoParams>());
}

}  // namespace facet
