// Checkpoints of a training inside a run's folder: the last two, each whole or not there.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "train/trainer.h"

namespace facet {

class RunCheckpoints : public Checkpoints {
 public:
  /// checkpoints/<step>/<name>/ under `folder`; `events` gives how far events.jsonl is on disk.
  RunCheckpoints(std::filesystem::path folder, std::string name, std::function<int64_t()> events)
      : folder_(std::move(folder)), name_(std::move(name)), events_(std::move(events)) {}

  void save(const Checkpoint& checkpoint, const Sae& sae) override;
  std::optional<Checkpoint> load(Sae& sae) override;

 private:
  std::vector<std::filesystem::path> whole() const;  ///< oldest first
  void remove_old() const;

  std::filesystem::path folder_;
  std::string name_;
  std::function<int64_t()> events_;
};

}  // namespace facet
