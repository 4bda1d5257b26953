// mean and expected_average: normalisers that look at rows before the first step.
#include <facet/torch.h>

#include <cmath>

#include "activations/fit_rows.h"
#include "activations/normalisers.h"

namespace facet {
namespace {

/// A tensor [a, b] as nested lists of numbers, which read back to the same bits.
Value nested(const Tensor& x) {
  Value::Array rows;
  for (int64_t i = 0; i < x.size(0); ++i) {
    const float* from = x.const_data_ptr<float>() + i * x.size(1);
    Value::Array row;
    for (int64_t j = 0; j < x.size(1); ++j) row.emplace_back(static_cast<double>(from[j]));
    rows.emplace_back(std::move(row));
  }
  return rows;
}

Tensor tensor_of(const Value& rows, const std::string& name) {
  std::vector<float> values;
  const Value::Array& lines = *rows.as<Value::Array>();
  for (const Value& line : lines) {
    const auto* numbers = line.as<Value::Array>();
    for (size_t i = 0; numbers && i < numbers->size(); ++i) {
      const auto* whole = (*numbers)[i].as<int64_t>();
      const auto* number = (*numbers)[i].as<double>();
      if (whole || number) values.push_back(static_cast<float>(number ? *number : *whole));
    }
  }
  const auto count = static_cast<int64_t>(lines.size());
  if (count == 0 || values.empty() || static_cast<int64_t>(values.size()) % count != 0)
    throw UserError("the state of the normaliser " + name + " is damaged");
  return torch::tensor(values).view({count, -1});
}

/// What both have in common: one tensor that fit() finds, kept as a state of that name.
class Fitted : public Normaliser {
 public:
  explicit Fitted(std::string name) : name_(std::move(name)) {}

  Value state() const override {
    return fitted_.defined() ? Value(Value::Table{{name_, nested(fitted_)}}) : Value();
  }
  void restore(const Value& state) override {
    fitted_ = state.empty() ? Tensor() : tensor_of(state.at(name_), name_);
  }

 protected:
  void keep(const Tensor& fitted) {
    if (!fitted.isfinite().all().item<bool>())
      throw UserError(kNormalise + name_ + ": the rows it is fitted to are not finite");
    fitted_ = fitted;
  }
  Tensor fitted(const Tensor& like) const {
    if (!fitted_.defined())
      throw UserError(kNormalise + name_ + ": has not seen any rows; run:train fits it first");
    return fitted_.to(like.device());
  }
  const std::string& name() const { return name_; }
  /// In float64, undefined before fit().
  Tensor wide() const { return fitted_.defined() ? fitted_.to(torch::kFloat64) : fitted_; }

 private:
  std::string name_;
  Tensor fitted_;  // [points, d] or [points, 1] float32, on the CPU
};

/// x - mean, the mean row of the rows it was fitted to; the way back adds it.
class Mean final : public Fitted {
 public:
  explicit Mean(const NoParams&) : Fitted("mean") {}

  void fit(ActivationSource& source, int64_t rows) override {
    const Shape shape = source.shape();
    std::vector<double> sum(static_cast<size_t>(shape.points_in * shape.d_in), 0.0);
    const int64_t n = each_block(name(), source, rows, [&](const Tensor& x, int64_t got) {
      const float* from = x.const_data_ptr<float>();
      for (int64_t i = 0; i < got; ++i)
        for (double& column : sum) column += *from++;
    });
    for (double& column : sum) column /= static_cast<double>(n);
    keep(torch::tensor(sum).to(torch::kFloat32).view({shape.points_in, shape.d_in}));
  }

  Tensor apply(const Tensor& x, Stats&) const override { return x.to(torch::kFloat32) - fitted(x); }
  Tensor invert(const Tensor& x, const Stats&) const override {
    return x.to(torch::kFloat32) + fitted(x);
  }

  std::optional<RowMap> row_map() const override {
    const Tensor mean = wide();
    if (!mean.defined()) return std::nullopt;
    return RowMap{mean, torch::ones({mean.size(0)}, torch::kFloat64), {}, {}};
  }
};

/// x * s with s = sqrt(d) / mean |x|, one s a hookpoint; the way back divides by it. SAELens'
/// cfg.json has a name for it ("expected_average_only_in") that changes nothing when its SAEs are
/// used: there the factor must have been folded in, so such a folder has no name here.
/// source: SAELens 6.54, training/activation_scaler.py: mean over rows, not over batches.
class ExpectedAverage final : public Fitted {
 public:
  explicit ExpectedAverage(const NoParams&) : Fitted("expected_average") {}

  void fit(ActivationSource& source, int64_t rows) override {
    const Shape shape = source.shape();
    std::vector<double> sum(static_cast<size_t>(shape.points_in), 0.0);
    const int64_t n = each_block(name(), source, rows, [&](const Tensor& x, int64_t got) {
      const float* from = x.const_data_ptr<float>();
      for (int64_t i = 0; i < got; ++i)
        for (double& norms : sum) {
          double square = 0;
          for (int64_t j = 0; j < shape.d_in; ++j, ++from)
            square += static_cast<double>(*from) * *from;
          norms += std::sqrt(square);
        }
    });
    for (double& norms : sum) {
      if (norms == 0)
        throw UserError(kNormalise + name() +
                        ": the mean norm of the rows: is 0, should be above 0");
      norms = std::sqrt(static_cast<double>(shape.d_in)) * static_cast<double>(n) / norms;
    }
    keep(torch::tensor(sum).to(torch::kFloat32).view({-1, 1}));
  }

  Tensor apply(const Tensor& x, Stats&) const override { return x.to(torch::kFloat32) * fitted(x); }
  Tensor invert(const Tensor& x, const Stats&) const override {
    return x.to(torch::kFloat32) / fitted(x);
  }

  std::optional<RowMap> row_map() const override {
    const Tensor scale = wide();
    if (!scale.defined()) return std::nullopt;
    return RowMap{{}, scale.select(1, 0), {}, {}};
  }
};

}  // namespace

void add_fitted_normalisers(Registry& registry) {
  registry.add_normaliser<Mean>(
      "mean", "Rows less the mean row, found over train.normalise_rows rows before the first step.",
      Schema<NoParams>());
  registry.add_normaliser<ExpectedAverage>(
      "expected_average",
      "Rows times one number that makes their mean norm sqrt(d), found over train.normalise_rows "
      "rows before the first step (SAELens' expected_average_only_in).",
      Schema<NoParams>());
}

}  // namespace facet
