// Checkpoints of a training inside a run's folder: the last two, each whole or not there.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "train/trainer.h"

namespace facet {

class RunCheckpoints : public Checkpoints {
 public:
  /// checkpoints/<turn>/<name>/ under `folder`, with name = together[which]: a turn is whole when
  /// each of those trained together has its own. They save in their order. `events` gives how far
  /// events.jsonl is on disk.
  RunCheckpoints(std::filesystem::path folder, std::vector<std::string> together, size_t which,
                 std::function<int64_t()> events)
      : folder_(std::move(folder)),
        together_(std::move(together)),
        which_(which),
        events_(std::move(events)) {}

  void save(const Checkpoint& checkpoint, const Sae& sae) override;
  std::optional<Checkpoint> load(Sae& sae) override;

 private:
  std::vector<std::filesystem::path> whole() const;  ///< oldest first
  void remove_old(const std::filesystem::path& newest) const;
  const std::string& name() const { return together_[which_]; }

  std::filesystem::path folder_;
  std::vector<std::string> together_;
  size_t which_;
  std::function<int64_t()> events_;
};

}  // namespace facet
