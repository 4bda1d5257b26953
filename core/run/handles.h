// What the verbs of a run hand out: live objects that know what they were made of.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "activations/activation_stream.h"
#include "data/dataset.h"
#include "facet/host.h"
#include "facet/sae.h"
#include "train/sae_folder.h"

namespace facet {

struct HostHandle {
  std::shared_ptr<HostModel> host;
  std::string type;
  std::string weights_hash;
  std::string key;
};

struct DataHandle {
  std::shared_ptr<Dataset> data;
  std::string about;  ///< "fasta (human_2000.fasta.gz)"
  std::string key;
};

struct RowsHandle {
  std::string name;  ///< of its [[activations]]; empty: the only one
  std::shared_ptr<ActivationStream> stream;
  std::shared_ptr<HostHandle> host;  ///< nullptr: rows of a known dictionary
  Value normalize;
  Value normalize_target;  ///< of a stream that transcodes
  std::string key;
};

struct SaeHandle {
  std::unique_ptr<Sae> sae;
  std::unique_ptr<Normaliser> normaliser;
  const SaePart* part = nullptr;
  AnyParams params;
  SaeRecord record;
  std::filesystem::path folder;  ///< of its weights on disk; empty: untrained
  std::string name;
  std::shared_ptr<RowsHandle> rows;  ///< it was made for; nullptr: it was loaded without any
  bool is_baseline = false;
  std::string key;  ///< of what it is before this run trains it
  /// What it is now: `key`, or the hash of the trained weights.
  std::string state_key() const;
};

struct CodesHandle {
  std::shared_ptr<const CodesReader> codes;
  std::shared_ptr<SaeHandle> sae;  ///< nullptr, as are the rows: another program wrote the codes
  std::shared_ptr<RowsHandle> rows;
  std::string key;
};

}  // namespace facet
