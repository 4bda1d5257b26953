// The toy run's SAE, trained once for a test program, and copied into folders of tests.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>

#include "toy_run.h"

/// A folder with the proteins and, in `sae`, an SAE of 64 latents trained on blocks.0.out of the
/// toy host.
class TrainedWorkshop : public ToyWorkshop {
 public:
  TrainedWorkshop() {
    std::filesystem::copy(trained(), folder() / "sae", std::filesystem::copy_options::recursive);
  }
  /// rows.safetensors: the rows that the SAE was trained on the like of.
  void write_rows() const {
    const Outcome outcome = facet({"activations", "--host", "toy", "--input", "small.fasta",
                                   "--hookpoints", "layers.1", "--out", "rows.safetensors"});
    if (outcome.exit_code != 0) throw std::runtime_error(outcome.err);
  }

 private:
  static std::filesystem::path trained() {
    static const ToyWorkshop once;
    if (once.runs("toy").empty()) {
      const Outcome outcome = once.facet({"run", "toy.toml", "--quiet"});
      if (outcome.exit_code != 0) throw std::runtime_error(outcome.err);
    }
    return once.folder() / once.runs("toy").at(0) / "sae";
  }
};
