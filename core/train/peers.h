// The words of `compat`: other programs that train SAEs, and what each sets in [train].
#pragma once

#include <map>
#include <string>
#include <vector>

#include "facet/value.h"

namespace facet {

/// The words that [train] knows, and "none".
std::vector<std::string> peers();
/// word -> the keys of [train] that differ from facet's own defaults.
///
/// source  SAELens 6.54.12 (sae_trainer.py, optim.py); dictionary_learning 0.1.0
///         (trainers/trainer.py and each trainer); RouteSAE-repro 601b854 (utils.py); InterPLM
///         (train/trainers); BatchTopK b9aab1c (training.py)
std::map<std::string, Value> train_presets();

}  // namespace facet
