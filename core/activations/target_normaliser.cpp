// Bodies of the normaliser of input and target.
#include "activations/target_normaliser.h"

#include <facet/torch.h>

#include "facet/error.h"
#include "facet/stream.h"

namespace facet {
namespace {

/// Some hookpoints of another source, as if these were all.
class SomePoints final : public ActivationSource {
 public:
  SomePoints(ActivationSource& all, int64_t first, int64_t points)
      : all_(all), first_(first), points_(points) {}

  Shape shape() const override {
    const Shape all = all_.shape();
    return {points_, points_, all.d_in, all.d_in};
  }
  Rows next(int64_t rows) override {
    Rows out = all_.next(rows);
    if (out.x.defined()) out.x = out.x.narrow(1, first_, points_);
    return out;
  }
  Value cursor() const override { return all_.cursor(); }
  void seek(const Value& cursor) override { all_.seek(cursor); }
  std::string key() const override { return all_.key(); }
  int64_t epoch_rows() const override { return all_.epoch_rows(); }
  LeftOut left_out() const override { return all_.left_out(); }

 private:
  ActivationSource& all_;
  int64_t first_, points_;
};

class InputAndTarget final : public Normaliser {
 public:
  InputAndTarget(std::unique_ptr<Normaliser> input, std::unique_ptr<Normaliser> target,
                 int64_t points)
      : input_(std::move(input)), target_(std::move(target)), points_(points) {}

  void fit(ActivationSource& source, int64_t rows) override {
    const Value begin = source.cursor();
    SomePoints input(source, 0, points_);
    input_->fit(input, rows);
    if (!(source.cursor() == begin)) source.seek(begin);
    SomePoints target(source, points_, source.shape().points_out);
    target_->fit(target, rows);
  }

  Tensor apply(const Tensor& x, Stats& stats) const override {
    Stats of_input;
    const Tensor input = input_->apply(x.narrow(1, 0, points_), of_input);
    const int64_t others = x.size(1) - points_;
    if (others == 0) return input;
    return torch::cat({input, target_->apply(x.narrow(1, points_, others), stats)}, 1);
  }

  Tensor invert(const Tensor& x, const Stats& stats) const override {
    if (stats.empty() && needs_the_row(x))
      throw UserError(
          "activations.normalize_target: it takes a row back to the host's units by figures of the "
          "row itself, and the target's rows are not given");
    return target_->invert(x, stats);
  }

  bool fold(Sae&) const override { return saelens_name() == "none"; }
  // SAELens normalises the input of its transcoders alone.
  std::string saelens_name() const override {
    return target_->saelens_name() == "none" ? input_->saelens_name() : "";
  }
  int64_t input_points() const override { return points_; }

  Value state() const override {
    Value input = input_->state(), target = target_->state();
    if (input.empty() && target.empty()) return {};
    return Value::Table{{"input", std::move(input)}, {"target", std::move(target)}};
  }
  void restore(const Value& state) override {
    const auto part = [&](const char* key) { return state.empty() ? Value() : state.at(key); };
    input_->restore(part("input"));
    target_->restore(part("target"));
  }

 private:
  bool needs_the_row(const Tensor& x) const {
    Stats stats;
    target_->apply(x.narrow(0, 0, 0), stats);
    return !stats.empty();
  }

  std::unique_ptr<Normaliser> input_, target_;
  int64_t points_;
};

}  // namespace

std::unique_ptr<Normaliser> with_target(std::unique_ptr<Normaliser> input,
                                        std::unique_ptr<Normaliser> target, int64_t points) {
  return std::make_unique<InputAndTarget>(std::move(input), std::move(target), points);
}

}  // namespace facet
