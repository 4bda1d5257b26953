// What an SAE says of a block, and the way back to the host's units.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "run/block.h"
#include "run/latent_edits.h"

namespace facet {

struct BlockCodes {
  Codes codes;  ///< on the CPU
  std::shared_ptr<SaeHandle> sae;
  Stats stats;                       ///< by which the SAE's normaliser takes its output back
  Rows ids;                          ///< of the block that was coded; x undefined
  std::shared_ptr<HostHandle> host;  ///< of that block

  /// The codes of one row, values descending, of equals the lowest latent first.
  std::vector<std::pair<int64_t, double>> row(int64_t i) const;
  /// The value of one latent in each row: [n] float32. UserError "codes:values: ...".
  Tensor values(int64_t latent) const;

  struct Top {
    int64_t latent, row;
    double value;
  };
  /// The `n` latents with the largest values of the block, each at the row of its largest.
  std::vector<Top> top(int64_t n) const;
  /// The same rows with other values.
  BlockCodes edited(const std::vector<LatentEdit>& edits) const;
};

struct CodedBlock {
  std::shared_ptr<BlockCodes> codes;
  /// [n, points] float32, of each row as the host gave it; the standard deviation divides by d - 1.
  Tensor mean, deviation;
  Tensor pre_activations;  ///< [n, d_sae]; undefined unless asked for
};

enum class PreActivations { left_out = 1, kept };

/// Codes as Mode::infer gives them. UserError "sae:encode: ...": the SAE is not trained, or was
/// trained on rows of other hookpoints, of another host or of another width.
CodedBlock encode_block(std::shared_ptr<SaeHandle> sae, const Block& block, PreActivations wanted);
/// The rows that the codes stand for, in the host's units, without what an architecture adds of its
/// input (the skip of a transcoder). UserError as Sae::reconstruction().
Block decode_block(const BlockCodes& codes);
/// Every loss of the SAE's training on these rows, with the weight that it has when warm-ups are
/// over, and their sum last, as "total". Latents count as alive, so losses of dead ones are left
/// out. The SAE stays as it is. UserError as encode_block(), with "sae:loss: ...".
std::vector<std::pair<std::string, double>> losses_on_block(const SaeHandle& sae,
                                                            const Block& block);

}  // namespace facet
