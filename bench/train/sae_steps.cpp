// Times the trainer on rows from a .npy file, or an SAE that encodes them. See README.md.
#include <facet/error.h>
#include <facet/plugin.h>
#include <facet/torch.h>

#include <ATen/Parallel.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "activations/activation_stream.h"
#include "base/allocator.h"
#include "blocks.h"
#include "plugin/loader.h"
#include "tensor/npy_file.h"
#include "train/trainer.h"

using namespace facet;

namespace {

/// The rows of a file over and over, in their order.
class Pool final : public ActivationSource {
 public:
  explicit Pool(const Tensor& x) : x_(x.unsqueeze(1)) {}
  Shape shape() const override { return {1, 1, x_.size(2), x_.size(2)}; }
  Rows next(int64_t rows) override {
    if (at_ + rows > x_.size(0)) at_ = 0;
    Rows out;
    out.x = x_.narrow(0, at_, rows);
    out.sequence = at::arange(at_, at_ + rows, at::kLong);
    for (Tensor* t : {&out.position, &out.token}) *t = at::zeros({rows}, at::kInt);
    out.flag = at::zeros({rows}, at::kByte);
    at_ += rows;
    return out;
  }
  Value cursor() const override { return Value(Value::Table{{"at", at_}}); }
  void seek(const Value& cursor) override { at_ = cursor.integer("at"); }
  std::string key() const override { return "pool"; }

 private:
  Tensor x_;
  int64_t at_ = 0;
};

/// "512", "0.5", "true" or a word.
Value value_of(const std::string& text) {
  if (text == "true" || text == "false") return text == "true";
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  if (*end != '\0') return text;
  if (text.find_first_of(".e") != std::string::npos) return number;
  return static_cast<int64_t>(number);
}

/// The pairs PREFIX.KEY=VALUE among the arguments.
Value table_of(int count, char** given, const std::string& prefix) {
  Value out{Value::Table()};
  for (int i = 0; i < count; ++i) {
    const std::string pair = given[i];
    const size_t equals = pair.find('=');
    if (pair.starts_with(prefix) && equals != std::string::npos)
      out.set(pair.substr(prefix.size(), equals - prefix.size()),
              value_of(pair.substr(equals + 1)));
  }
  return out;
}

template <class Made, class... Given>
std::unique_ptr<Made> made(const PartOf<Made, Given...>& part, const Value& params,
                           Given... given) {
  std::vector<std::string> problems;
  const auto parsed = part.schema.parse(part.kind, params, Demand::whole, problems);
  if (!problems.empty()) throw UserError(problems);
  return part.make(parsed, given...);
}

/// Moves every parameter to the next float32.
void nudge(const Sae& sae) {
  const at::NoGradGuard no_grad;
  for (const auto& [name, weights] : sae.params())
    weights.copy_(at::nextafter(weights, at::full_like(weights, INFINITY)));
}

int run(int count, char** given) {
  at::set_num_threads(std::atoi(given[4]));
  const std::string mode = given[1];
  const Tensor rows = NpyFile(given[3]).tensor().clone();
  Registry registry;
  add_core_normalisers(registry);
  load_plugin(given[2], registry);
  Value train_table = table_of(count, given, "train.");
  const bool curve = mode == "curve" || mode == "nudged";
  if (!curve) {  // until the blocks are done, at the full learning rate
    train_table.set("steps", int64_t{1} << 40);
    train_table.set("warmup", 0);
  }
  const TrainParams train = train_schema().parse("train", train_table);
  Pool pool(rows);
  Init init(1);
  const auto sae = made<Sae, const Shape&, Init&>(
      registry.sae(given[5]), table_of(count, given, "sae."), pool.shape(), init);
  if (mode == "nudged") nudge(*sae);
  const auto normaliser = made(registry.normaliser("none"), Value(Value::Table()));
  bench::Blocks blocks;
  double loss = 0;
  if (mode == "encode") {
    const at::NoGradGuard no_grad;
    auto& plain = dynamic_cast<PlainSae&>(*sae);
    do {
      plain.encode(pool.next(train.batch).x.select(1, 0), Mode::infer);
    } while (blocks.stepped(static_cast<double>(train.batch)));
  } else {
    TrainHooks hooks;
    hooks.on_step = [&](const StepMetrics& m, Value&) {
      loss = m.loss;
      if (!curve) return blocks.stepped(static_cast<double>(train.batch));
      std::printf("%ld %.9g\n", static_cast<long>(m.step), m.loss);
      std::fflush(stdout);
      return true;
    };
    fit(*sae, *normaliser, pool, train, hooks);
  }
  bench::print_peak();
  std::printf("loss %.6g\n", loss);
  return 0;
}

}  // namespace

/// sae_steps train|encode|curve|nudged PLUGIN ROWS.npy THREADS TYPE sae.KEY=VALUE...
/// train.KEY=VALUE... train, encode: BENCH_BLOCKS (five) blocks of BENCH_SECONDS (1.5): a line of
/// rows a second for each, then peak memory and the last loss. curve: a line with number and loss
/// of each of train.steps steps, then the same. nudged: a curve from a start one rounding away.
int main(int count, char** given) {
  if (count < 7) {
    std::cerr << "sae_steps train|encode|curve|nudged PLUGIN ROWS.npy THREADS TYPE sae.KEY=VALUE... "
                 "train.KEY=VALUE...\n";
    return 2;
  }
  keep_large_blocks();  // as the program facet does
  try {
    return run(count, given);
  } catch (const std::exception& problem) {
    std::cerr << problem.what() << "\n";
    return 1;
  }
}
