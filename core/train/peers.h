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
///         (train/trainers); BatchTopK b9aab1c (training.py); eai-sparsify 1.3.3 (trainer.py);
///         OpenSAE 978f094 (trainer); sparse_autoencoder 4965b941 (train.py); InterProt 287c373
///         (sae_module.py, training.py); Rep_SAEs_PLMs de2b02f (sparse_auto_script.py);
///         SAE_Helix_mRNA (sae_lightning.py)
std::map<std::string, Value> train_presets();

}  // namespace facet
