// Bodies of what the readers share, and the table of architectures.
#include "train/foreign_parts.h"

#include <facet/torch.h>

#include <algorithm>
#include <cmath>

#include "base/files.h"
#include "tensor/safetensors_file.h"

namespace facet {

namespace fs = std::filesystem;

namespace {

// sources: SAELens 6.54.12 (__init__.py); eai-sparsify 1.3.3 (config.py); dictionary_learning 0.1.0
// (utils.py, load_dictionary); Rep_SAEs_PLMs (sparse_auto_script.py); SAE_Helix_mRNA
// (sparse_autoencoder.py)
constexpr ForeignArchitecture kArchitectures[] = {
    {"SAELens", "standard", "relu"},
    {"SAELens", "topk", "topk"},
    {"SAELens", "abstopk", "abs_topk"},
    {"SAELens", "gated", "gated"},
    {"SAELens", "jumprelu", "jumprelu"},
    {"SAELens", "batchtopk", "jumprelu"},
    {"SAELens", "matryoshka_batchtopk", "jumprelu"},
    {"SAELens", "transcoder", "relu", true},
    {"SAELens", "skip_transcoder", "relu", true, true},
    {"SAELens", "jumprelu_transcoder", "jumprelu", true},
    {"SAELens", "jumprelu_skip_transcoder", "jumprelu", true, true},
    {"sparsify", "topk", "topk"},
    {"sparsify", "groupmax", "groupmax"},
    {"dictionary_learning", "AutoEncoder", "relu"},
    {"dictionary_learning", "AutoEncoderNew", "relu"},
    {"dictionary_learning", "GatedAutoEncoder", "gated"},
    {"dictionary_learning", "JumpReluAutoEncoder", "jumprelu"},
    {"dictionary_learning", "AutoEncoderTopK", "topk"},
    {"dictionary_learning", "BatchTopKSAE", "jumprelu"},
    {"dictionary_learning", "MatryoshkaBatchTopKSAE", "jumprelu"},
    {"Rep_SAEs_PLMs", "TopKAuto", "topk"},
    {"SAE_Helix_mRNA", "relu", "relu"},
    {"SAE_Helix_mRNA", "topk", "topk"},
};

// "float32", as the programs call it.
std::string dtype_text(at::ScalarType type) {
  switch (type) {
    case at::kFloat:
      return "float32";
    case at::kDouble:
      return "float64";
    case at::kHalf:
      return "float16";
    case at::kBFloat16:
      return "bfloat16";
    case at::kLong:
      return "int64";
    case at::kInt:
      return "int32";
    case at::kBool:
      return "bool";
    default:
      return toString(type);
  }
}

std::map<std::string, Tensor> all_tensors(const Safetensors& file) {
  std::map<std::string, Tensor> out;
  for (const std::string& name : file.names()) out[name] = file.tensor(name);
  return out;
}

}  // namespace

const ForeignArchitecture& foreign_architecture(const std::string& program, const std::string& name,
                                                const std::string& where) {
  std::vector<std::string> names;
  for (const ForeignArchitecture& one : kArchitectures) {
    if (program != one.program) continue;
    if (name == one.name) return one;
    names.emplace_back(one.name);
  }
  std::string list;
  for (const std::string& one : names) list += (list.empty() ? "\"" : ", \"") + one + "\"";
  throw UserError(where + ": is \"" + name + "\"" + did_you_mean(name, names) +
                  ", should be one of " + list);
}

ForeignConfig::ForeignConfig(const fs::path& file)
    : ForeignConfig(file.string(), parse_json(read_file(file), file.string())) {}

ForeignConfig::ForeignConfig(std::string where, Value table)
    : where_(std::move(where)), table_(std::move(table)) {
  if (!table_.is<Value::Table>())
    throw UserError(where_ + ": is " + table_.describe() + ", should be a table");
}

ForeignConfig ForeignConfig::part(const std::string& key) const {
  if (!has(key)) throw UserError(where(key) + ": required");
  return {where(key), *find(key)};
}

const Value* ForeignConfig::find(const std::string& key) const { return table_.find(key); }

bool ForeignConfig::has(const std::string& key) const {
  const Value* v = find(key);
  return v && !v->empty();
}

std::string ForeignConfig::where(const std::string& key) const { return where_ + ": " + key; }

void ForeignConfig::refuse(const std::string& key, const std::string& should) const {
  const Value* v = find(key);
  throw UserError(where(key) + ": is " + (v ? v->describe() : "missing") + ", should be " + should);
}

int64_t ForeignConfig::count(const std::string& key) const {
  const Value* v = find(key);
  const auto* number = v ? v->as<int64_t>() : nullptr;
  if (!number || *number < 1) refuse(key, "an integer, at least 1");
  return *number;
}

int64_t ForeignConfig::count(const std::string& key, int64_t otherwise) const {
  if (!has(key)) return otherwise;
  const auto* number = find(key)->as<int64_t>();
  if (!number || *number < 0) refuse(key, "an integer, at least 0");
  return *number;
}

std::string ForeignConfig::text(const std::string& key) const {
  const Value* v = find(key);
  const auto* text = v ? v->as<std::string>() : nullptr;
  if (!text) refuse(key, "a string");
  return *text;
}

std::string ForeignConfig::text(const std::string& key, const std::string& otherwise) const {
  return has(key) ? text(key) : otherwise;
}

bool ForeignConfig::flag(const std::string& key, bool otherwise) const {
  if (!has(key)) return otherwise;
  const auto* flag = find(key)->as<bool>();
  if (!flag) refuse(key, "true or false");
  return *flag;
}

ForeignTensors::ForeignTensors(fs::path file, std::map<std::string, Tensor> tensors)
    : file_(file.string()), tensors_(std::move(tensors)) {}

ForeignTensors::ForeignTensors(const Safetensors& file)
    : ForeignTensors(file.file(), all_tensors(file)) {}

bool ForeignTensors::has(const std::string& name) const { return tensors_.contains(name); }

const Tensor& ForeignTensors::there(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found != tensors_.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [known, tensor] : tensors_) names.push_back(known);
  throw UserError(file_ + ": tensor \"" + name + "\" is missing" + did_you_mean(name, names));
}

Tensor ForeignTensors::checked(const std::string& name, const std::vector<int64_t>& sizes) {
  const Tensor& tensor = there(name);
  const at::ScalarType type = tensor.scalar_type();
  const std::string is =
      file_ + ": " + name + ": is " + dtype_text(type) + " " + shape_text(tensor.sizes().vec());
  if (tensor.sizes() != at::IntArrayRef(sizes)) {
    const bool turned = sizes.size() == 2 && tensor.dim() == 2 && tensor.size(0) == sizes[1] &&
                        tensor.size(1) == sizes[0];
    throw UserError(is + ", should be " + shape_text(sizes) + (turned ? ": transposed?" : ""));
  }
  if (type != at::kFloat && type != at::kHalf && type != at::kBFloat16)
    throw UserError(is + ", should be float32, float16 or bfloat16");
  taken_.insert(name);
  Tensor out = tensor.to(at::kFloat, false, true).contiguous();
  if (!out.isfinite().all().item<bool>())
    throw UserError(file_ + ": " + name + ": holds a number that is not finite");
  return out;
}

Tensor ForeignTensors::take(const std::string& name, const std::vector<int64_t>& sizes) {
  return checked(name, sizes);
}

Tensor ForeignTensors::take_transposed(const std::string& name, const std::vector<int64_t>& sizes) {
  return checked(name, {sizes[1], sizes[0]}).t().contiguous();
}

double ForeignTensors::take_number(const std::string& name) {
  const Tensor& tensor = there(name);
  if (tensor.numel() != 1 || tensor.is_complex())
    throw UserError(file_ + ": " + name + ": is " + dtype_text(tensor.scalar_type()) + " " +
                    shape_text(tensor.sizes().vec()) + ", should be one number");
  taken_.insert(name);
  const double number = tensor.reshape({}).to(at::kDouble).item<double>();
  if (!std::isfinite(number))
    throw UserError(file_ + ": " + name + ": holds a number that is not finite");
  return number;
}

std::vector<int64_t> ForeignTensors::matrix_sizes(const std::string& name) const {
  const Tensor& tensor = there(name);
  if (tensor.dim() != 2)
    throw UserError(file_ + ": " + name + ": is " + dtype_text(tensor.scalar_type()) + " " +
                    shape_text(tensor.sizes().vec()) + ", should have two axes");
  return tensor.sizes().vec();
}

void ForeignTensors::leave(const std::string& name) { taken_.insert(name); }

void ForeignTensors::finish() const {
  const std::vector<std::string> known(taken_.begin(), taken_.end());
  for (const auto& [name, tensor] : tensors_)
    if (!taken_.contains(name))
      throw UserError(file_ + ": unknown tensor \"" + name + "\"" + did_you_mean(name, known));
}

NamedTensors take_affine(ForeignTensors& tensors, int64_t d_in, int64_t d_sae, int64_t d_out) {
  return {{"W_enc", tensors.take("W_enc", {d_in, d_sae})},
          {"W_dec", tensors.take("W_dec", {d_sae, d_out})},
          {"b_enc", tensors.take("b_enc", {d_sae})},
          {"b_dec", tensors.take("b_dec", {d_out})}};
}

NamedTensors take_linear(ForeignTensors& tensors, int64_t d_in, int64_t d_sae,
                         const std::string& b_dec) {
  return {{"W_enc", tensors.take_transposed("encoder.weight", {d_in, d_sae})},
          {"W_dec", tensors.take_transposed("decoder.weight", {d_sae, d_in})},
          {"b_enc", tensors.take("encoder.bias", {d_sae})},
          {"b_dec", tensors.take(b_dec, {d_in})}};
}

NamedTensors take_gated(ForeignTensors& tensors, int64_t d_sae, const std::string& b_gate,
                        const std::string& b_mag, NamedTensors affine) {
  affine.emplace_back("b_gate", tensors.take(b_gate, {d_sae}));
  affine.emplace_back("b_mag", tensors.take(b_mag, {d_sae}));
  affine.emplace_back("r_mag", tensors.take("r_mag", {d_sae}));
  return affine;
}

Tensor same_threshold(double threshold, int64_t d_sae) {
  return at::full({d_sae}, std::max(threshold, 0.0), at::kFloat);
}

}  // namespace facet
