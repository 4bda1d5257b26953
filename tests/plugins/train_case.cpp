// The cases of training goldens, and which setup each has.
#include "plugins/train_case.h"

#include <cstdlib>
#include <map>
#include <sstream>

#include "base/files.h"
#include "core/base/test_folder.h"
#include "data/byte_source.h"
#include "plugins/train_case_setups.h"

namespace facet {

namespace fs = std::filesystem;

double number_or(const Value& table, const std::string& key, double otherwise) {
  const Value* v = table.find(key);
  if (!v || v->empty()) return otherwise;
  return v->is<int64_t>() ? static_cast<double>(*v->as<int64_t>()) : *v->as<double>();
}

double share_of_steps(const Value& table, const std::string& key, int64_t steps) {
  return number_or(table, key, 0) / static_cast<double>(steps);
}

std::vector<PeerTensor> linear_names(const std::string& b_dec, const std::string& b_enc) {
  return {{b_dec, "b_dec"},
          {b_enc, "b_enc"},
          {"encoder.weight", "W_enc", true},
          {"decoder.weight", "W_dec", true}};
}

void count_ahead(TrainSetup& setup, const std::string& counters, int64_t dead_above, int64_t rows) {
  setup.counters = counters;
  setup.counter_rows = rows;
  setup.counter_ahead = 1;
  setup.train.set("dead_after_rows", 0);
  setup.train.set("dead_after_steps", dead_above - 1);
}

Value risen_from_zero(const Value& trainer, const std::string& sparsity_warmup) {
  const int64_t steps = trainer.integer("steps");
  return Value::Table{{"lr", trainer.number("lr")},
                      {"warmup", share_of_steps(trainer, "warmup_steps", steps)},
                      {"decay", 1 - share_of_steps(trainer, "decay_start", steps)},
                      {"sparsity_warmup", share_of_steps(trainer, sparsity_warmup, steps)}};
}

namespace {

const TrainSetups& setups() {
  static const TrainSetups known = [] {
    TrainSetups all;
    for (TrainSetups some : {saelens_setups(), dictlearn_setups(), routesae_setups(),
                             sparsify_setups(), others_setups()})
      all.merge(some);
    return all;
  }();
  return known;
}

std::string unpacked(const fs::path& file) {
  const auto bytes = open_bytes(file);
  std::string out, block(size_t{1} << 20, '\0');
  while (const size_t size = bytes->read(block.data(), block.size())) out.append(block, 0, size);
  return out;
}

// Where the files of a case lie as they were: the folder itself, or a copy, which lives as long as
// the program, in which those that end in .zst are unpacked.
fs::path plain_folder(const fs::path& folder) {
  static const TestFolder copies;
  const fs::path copy = copies / folder.filename().string();
  if (fs::exists(copy) || !fs::exists(folder / "golden.safetensors.zst"))
    return fs::exists(copy) ? copy : folder;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = copy.filename() / entry.path().filename();
    if (entry.path().extension() == ".zst")
      copies.write(fs::path(name).replace_extension().string(), unpacked(entry.path()));
    else
      copies.write(name, read_file(entry.path()));
  }
  return copy;
}

}  // namespace

std::vector<TrainCase> train_cases() {
  std::vector<fs::path> bases = {FACET_TEST_DATA "/train",
                                 FACET_TEST_SOURCE "/../shared/golden/train"};
  if (const char* more = std::getenv("FACET_GOLDEN")) {
    std::istringstream folders(more);
    for (std::string folder; std::getline(folders, folder, ':');) bases.emplace_back(folder);
  }
  std::map<std::string, TrainCase> cases;
  for (const fs::path& base : bases) {
    if (!fs::is_directory(base)) continue;
    for (const auto& entry : fs::directory_iterator(base))
      if (fs::exists(entry.path() / "config.json"))
        cases.try_emplace(entry.path().filename().string(),
                          TrainCase{plain_folder(entry.path()),
                                    parse_json(read_file(entry.path() / "config.json"),
                                               (entry.path() / "config.json").string())});
  }
  std::vector<TrainCase> out;
  for (auto& [name, one] : cases) out.push_back(std::move(one));
  return out;
}

std::optional<TrainSetup> setup_of(const TrainCase& one, std::string& why) {
  const std::string peer = one.config.text("peer"), architecture = one.config.text("architecture");
  const auto known = setups().find({peer, architecture});
  if (known == setups().end())
    throw UserError(one.name() + ": config.json: peer \"" + peer + "\" with architecture \"" +
                    architecture + "\" is unknown to this test");
  why = known->second ? std::string() : peer + " " + architecture;
  if (!why.empty()) return std::nullopt;
  return known->second(one.config);
}

}  // namespace facet
