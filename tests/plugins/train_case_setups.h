// What the files of setups, one for a family of peers, share.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "plugins/train_case.h"

namespace facet {

/// A peer and what it calls an architecture -> how facet is told.
using TrainSetups = std::map<std::pair<std::string, std::string>, TrainSetup (*)(const Value&)>;
TrainSetups saelens_setups();
TrainSetups dictlearn_setups();
TrainSetups routesae_setups();
TrainSetups sparsify_setups();
TrainSetups others_setups();

/// The number under a key, or `otherwise` where there is none.
double number_or(const Value& table, const std::string& key, double otherwise);
/// The number of steps under a key, or 0, as a share of `steps`.
double share_of_steps(const Value& table, const std::string& key, int64_t steps);
/// Each tensor of PyTorch's nn.Linear has the output first.
std::vector<PeerTensor> linear_names(const std::string& b_dec, const std::string& b_enc);
/// Counters of steps that a latent which fires sets to 1, where facet sets 0.
void count_ahead(TrainSetup& setup, const std::string& counters, int64_t dead_above, int64_t rows);
/// Linear rise from 0 and fall after decay_start, as dictionary_learning and InterPLM have it.
Value risen_from_zero(const Value& trainer, const std::string& sparsity_warmup);

}  // namespace facet
