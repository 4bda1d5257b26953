// What the readers of other programs' formats share: their settings, their tensors, and what their
// architectures are in facet.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "facet/safetensors.h"
#include "facet/value.h"

namespace facet {

/// What a program calls an architecture, and what that is in facet.
struct ForeignArchitecture {
  const char* program;
  const char* name;
  const char* type;         ///< of facet
  bool transcodes = false;  ///< it predicts another hookpoint's rows
  bool skips = false;       ///< it has W_skip
};
/// UserError "where: architecture is "x", should be one of ..." for a name that is not in the
/// table.
const ForeignArchitecture& foreign_architecture(const std::string& program, const std::string& name,
                                                const std::string& where);

/// A table of settings in a JSON file. Each reader names the file, the key, what is there and what
/// should be.
class ForeignConfig {
 public:
  explicit ForeignConfig(const std::filesystem::path& file);

  /// The member `key`, a table.
  ForeignConfig part(const std::string& key) const;
  bool has(const std::string& key) const;  ///< there, and not null
  const Value* find(const std::string& key) const;
  int64_t count(const std::string& key) const;                     ///< an integer, at least 1
  int64_t count(const std::string& key, int64_t otherwise) const;  ///< at least 0
  std::string text(const std::string& key) const;
  std::string text(const std::string& key, const std::string& otherwise) const;
  bool flag(const std::string& key, bool otherwise) const;
  std::string where(const std::string& key) const;  ///< "FILE: key"
  [[noreturn]] void refuse(const std::string& key, const std::string& should) const;

 private:
  ForeignConfig(std::string where, Value table);
  std::string where_;
  Value table_;
};

/// The tensors of one file, each of which is taken once. What is taken is a float32 copy.
class ForeignTensors {
 public:
  ForeignTensors(std::filesystem::path file, std::map<std::string, Tensor> tensors);
  explicit ForeignTensors(const Safetensors& file);

  const std::string& file() const { return file_; }
  bool has(const std::string& name) const;
  /// Of exactly `sizes`, all finite; UserError naming the file, the tensor, what it is and should
  /// be.
  Tensor take(const std::string& name, const std::vector<int64_t>& sizes);
  /// Stored as [b, a]; returned as [a, b] = sizes.
  Tensor take_transposed(const std::string& name, const std::vector<int64_t>& sizes);
  /// One number, of any floating dtype or integer.
  double take_number(const std::string& name);
  /// The sizes of a tensor of two axes that will be taken.
  std::vector<int64_t> matrix_sizes(const std::string& name) const;
  /// Allowed, and not used.
  void leave(const std::string& name);
  /// UserError for a tensor that nothing took.
  void finish() const;

 private:
  const Tensor& there(const std::string& name) const;
  Tensor checked(const std::string& name, const std::vector<int64_t>& sizes);

  std::string file_;
  std::map<std::string, Tensor> tensors_;
  std::set<std::string> taken_;
};

/// Takes W_enc [d_in, m], W_dec [m, d_out], b_enc, b_dec by facet's own names.
NamedTensors take_affine(ForeignTensors& tensors, int64_t d_in, int64_t d_sae, int64_t d_out);
/// The same from PyTorch's linear layers encoder (with bias) and decoder.
NamedTensors take_linear(ForeignTensors& tensors, int64_t d_in, int64_t d_sae,
                         const std::string& b_dec);
/// `affine` with b_gate, b_mag and r_mag, under the names that the file has for the first two.
NamedTensors take_gated(ForeignTensors& tensors, int64_t d_sae, const std::string& b_gate,
                        const std::string& b_mag, NamedTensors affine);
/// Every latent's threshold; below 0 it lets pass what 0 does, for codes are above 0.
Tensor same_threshold(double threshold, int64_t d_sae);

}  // namespace facet
