// Gradients of loss terms beside finite differences, number by number.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "facet/sae.h"
#include "plugin/conformance_trial.h"

namespace facet {

struct Slopes {
  int64_t compared = 0;            ///< gradients of one loss along one number of a parameter
  std::vector<std::string> wrong;  ///< "mse along W_enc[3, 7]: 0.2 by differences, 0.1 by gradient"
  std::vector<std::string> kinks;  ///< "mse along W_enc[3, 7]", where both sides' slopes differ
};

/// Compares the gradient of each loss with central differences along some numbers of each
/// parameter: the one with the largest gradient and a few that are drawn. Names in `estimated`, of
/// losses and of parameters, are left out. Where the slopes to the left and to the right differ the
/// loss has a kink, and nothing is wrong.
///
/// losses   of the SAE as it stands; called often, its state is put back before each call
/// wide     the SAE computes in float64: small steps, tight tolerance
Slopes compare_slopes(Sae& sae, const std::function<Losses()>& losses, bool wide);

/// Fails with what is wrong, or when most are kinks; passes with a list of the kinks.
Outcome judged(const Slopes& slopes);

/// Whether the losses can be computed, and are float64: false when code is for float32 alone.
bool are_wide(const std::function<Losses()>& losses);
/// Makes the SAE's parameters and buffers float64, so that it computes in float64 if its code lets
/// it.
void widen(Sae& sae);

}  // namespace facet
