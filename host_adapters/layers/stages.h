// A forward pass as stages, one for each hookpoint, run over stretches of sequences side by side.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <span>
#include <vector>

#include "facet/host.h"
#include "layers.h"
#include "maps.h"
#include "packed.h"

namespace facet::layers {

/// What one stretch carries from stage to stage.
struct Residual {
  Tensor x;      ///< [t, d] the residual stream before the branch that is being computed
  Tensor shown;  ///< [t, d] the rows at the last hookpoint, edited
};

/// Computes the rows of the next hookpoint into `shown`. Called for several stretches at a time.
using Stage = std::function<void(Residual& residual, const Stretch& stretch)>;

/// The points of a host of transformer blocks: embeddings, those of each block, final_norm.out;
/// aliases layers.K.
std::vector<HookPoint> block_points(int64_t blocks, int64_t d);
/// How many blocks of such a host a pass goes through.
int64_t blocks_for(const HostInfo& info, std::span<const Hook> hooks, Want want);

/// Runs stages[i] up to info.points[i], with its hooks, for all i that are needed; one more stage
/// gives the logits, when they are wanted: float32, whatever the stages compute in; with Want::last
/// it is given the last rows alone, whatever its stretch says. `maps` has seen
/// what the stages of its blocks showed it. What an edit returns is taken in the dtype of the rows
/// it was given. Between two hooked points each stretch runs by itself on one thread, so that its
/// layers stay in the cache; with few stretches, with gradients and on other devices all tokens run
/// together.
Logits run_stages(const HostInfo& info, std::span<const Stage> stages, const Packed& packed,
                  std::span<const Hook> hooks, Want want, const Maps& maps, at::Device device);

}  // namespace facet::layers
