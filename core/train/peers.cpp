// The trainers of other programs as keys of [train].
#include "train/peers.h"

namespace facet {
namespace {

constexpr int64_t kTenMillion = 10'000'000;  // rows

}  // namespace

std::map<std::string, Value> train_presets() {
  // Steady: no rise and no fall.
  const auto steady = [](Value::Table keys) {
    keys.emplace("warmup", 0.0);
    keys.emplace("decay", 0.0);
    return Value(std::move(keys));
  };
  const Value::Table routesae = {
      {"lr", 5e-4}, {"warmup", 0.05}, {"warmup_from", "zero"}, {"decay", 0.2}, {"clip", 0.0}};
  return {
      {"saelens", steady({{"lr", 3e-4}, {"clip", 1.0}, {"dead_after_steps", 1000}})},
      {"dictionary_learning", Value::Table{{"warmup_from", "zero"},
                                           {"clip", 1.0},
                                           {"dead_counted", "after"},
                                           {"dead_after_rows", kTenMillion - 1}}},
      {"routesae", routesae},
      {"routesae_repro", routesae},
      {"interplm", Value::Table{{"warmup_from", "zero"}, {"clip", 1.0}, {"clip_first", true}}},
      {"bussmann", steady({{"lr", 3e-4},
                           {"beta2", 0.99},
                           {"clip", 1e5},
                           {"dead_counted", "after"},
                           {"dead_after_steps", 4}})},
      {"sparsify", steady({{"optimiser", "signum"},
                           {"lr", 5e-3},
                           {"lr_scale", "latents"},
                           {"warmup_from", "zero"},
                           {"clip", 0.0},
                           {"fired_if", "selected"},
                           {"dead_after_rows", kTenMillion}})},
      {"opensae", Value::Table{{"lr", 2e-4},
                               {"lr_scale", "latents"},
                               {"clip", 1.0},
                               {"clip_first", true},
                               {"fired_if", "selected"},
                               {"dead_after_rows", kTenMillion}}},
      {"openai", steady({{"lr", 1e-4},
                         {"eps", 6.25e-10},
                         {"clip", 0.0},
                         {"fired_if", "above"},
                         {"fired_above", 1e-3},
                         {"dead_counted", "after"},
                         {"dead_after_rows", kTenMillion}})},
      {"interprot", steady({{"lr", 2e-4},
                            {"weight_decay", 0.01},
                            {"clip", 1.0},
                            {"dead_counted", "after"},
                            {"dead_after_steps", 40}})},  // above 2000 sequences / 48, less 1
      {"rep_saes",
       steady({{"lr", 1e-4}, {"clip", 0.0}, {"dead_counted", "after"}, {"dead_after_steps", 199}})},
      {"helix_sae", steady({{"lr", 1e-3}, {"clip", 0.0}})}};
}

std::vector<std::string> peers() {
  std::vector<std::string> words = {"none"};
  for (const auto& [word, keys] : train_presets()) words.push_back(word);
  return words;
}

}  // namespace facet
