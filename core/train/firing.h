// Firing: which latents fired how lately and how often.
#pragma once

#include <string>
#include <vector>

#include "facet/codes.h"
#include "facet/sae.h"
#include "facet/safetensors.h"

namespace facet {

struct TrainParams;

/// above     its value is above fired_above
/// nonzero   its value is not 0
/// selected  it is among the codes, even as 0 (topk)
std::vector<std::string> fired_if_words();

class Firing {
 public:
  /// Of a training of `steps` steps.
  Firing(int64_t d_sae, const TrainParams& params, int64_t steps, const std::string& device);

  /// Counts the rows of a batch in which each latent fires, by train.fired_if.
  void add(const Codes& codes, const Group& group);
  /// From now on share() is of the rows to come.
  void restart_share();

  /// These latents count as just fired. [m] int64
  void revived(const Tensor& latents);

  Tensor dead() const;        ///< [d_sae] bool: has not fired for longer than train says
  Tensor dead_share() const;  ///< scalar float64
  Tensor share() const;       ///< [d_sae] float64, on the CPU
  int64_t counted_rows() const { return counted_rows_; }

  /// Everything but counted_rows.
  NamedTensors tensors() const;
  void restore(const NamedTensors& tensors, int64_t counted_rows);

 private:
  Tensor fires(const Codes& codes) const;

  std::string fired_if_;
  double fired_above_;
  int64_t dead_after_rows_;
  Tensor rows_since_;  // [d_sae] int64
  Tensor fired_rows_;  // [d_sae] int64
  int64_t counted_rows_ = 0;
};

/// The tensor of this name; UserError when a checkpoint has none or one of another shape than
/// `like`.
const Tensor& find_tensor(const NamedTensors& tensors, const std::string& name, const Tensor& like);

}  // namespace facet
