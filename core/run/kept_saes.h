// The SAEs that a training keeps inside a run's folder beside the finished one.
#pragma once

#include <filesystem>
#include <string>

#include "run/handles.h"
#include "train/trainer.h"

namespace facet {

/// kept/[name/]000001000/ is the SAE after so many steps, kept/[name/]best/ the best one; each is a
/// whole folder that `from` takes. Until the training ends the best is
/// checkpoints/best-<call>/<step>/: a training that is cut may go back to an earlier one.
class RunKeptSaes : public KeptSaes {
 public:
  /// `call` names the training among those of the run ("call-5-narrow").
  RunKeptSaes(const std::filesystem::path& run, const std::string& call, const SaeHandle& handle);

  void keep(int64_t step, const Sae& sae) override;
  void keep_best(int64_t step, const Sae& sae) override;
  void only_best(int64_t step) override;
  /// The training is over; step 0: nothing was the best.
  void finish(int64_t step);

 private:
  std::filesystem::path best_of(int64_t step) const;
  void save(const std::filesystem::path& folder, int64_t step, const Sae& sae) const;

  const SaeHandle& handle_;
  std::filesystem::path kept_, bests_;
};

/// "000001000": the folder of a step, so that names sort as steps do.
std::string step_name(int64_t step);

}  // namespace facet
