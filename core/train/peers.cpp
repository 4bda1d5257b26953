// The trainers of other programs as keys of [train].
#include "train/peers.h"

namespace facet {

std::map<std::string, Value> train_presets() {
  const Value::Table routesae = {
      {"lr", 5e-4}, {"warmup", 0.05}, {"warmup_from", "zero"}, {"decay", 0.2}, {"clip", 0.0}};
  return {{"saelens", Value::Table{{"lr", 3e-4}, {"warmup", 0.0}, {"decay", 0.0}, {"clip", 1.0}}},
          {"dictionary_learning",
           Value::Table{{"warmup_from", "zero"}, {"clip", 1.0}, {"dead_counted", "after"}}},
          {"routesae", routesae},
          {"routesae_repro", routesae},
          {"interplm", Value::Table{{"warmup_from", "zero"}, {"clip", 1.0}, {"clip_first", true}}},
          {"bussmann", Value::Table{{"lr", 3e-4},
                                    {"beta2", 0.99},
                                    {"warmup", 0.0},
                                    {"decay", 0.0},
                                    {"clip", 1e5},
                                    {"dead_counted", "after"}}}};
}

std::vector<std::string> peers() {
  std::vector<std::string> words = {"none"};
  for (const auto& [word, keys] : train_presets()) words.push_back(word);
  return words;
}

}  // namespace facet
