// The table of types, and the blocks of the quantised ones.
#include "gguf_types.h"

#include <facet/torch.h>

#include <array>
#include <cstring>

namespace facet::llama {

namespace {

// source: ggml/include/ggml.h, ggml_type; those without a name were removed from the format.
constexpr std::array<const char*, 40> kTensorTypes = {
    "F32",     "F16",    "Q4_0",    "Q4_1",  "",       "",      "Q5_0",  "Q5_1",
    "Q8_0",    "Q8_1",   "Q2_K",    "Q3_K",  "Q4_K",   "Q5_K",  "Q6_K",  "Q8_K",
    "IQ2_XXS", "IQ2_XS", "IQ3_XXS", "IQ1_S", "IQ4_NL", "IQ3_S", "IQ2_S", "IQ4_XS",
    "I8",      "I16",    "I32",     "I64",   "F64",    "IQ1_M", "BF16",  "",
    "",        "",       "TQ1_0",   "TQ2_0", "",       "",      "",      "MXFP4"};

float half_at(const char* bytes) {
  at::Half value;
  std::memcpy(&value, bytes, sizeof value);
  return static_cast<float>(value);
}

// 32 values a block; `bytes` holds value j in its low and value j + 16 in its high four bits.
template <class Value>
void unpack_nibbles(const char* bytes, float* out, Value&& value) {
  for (int j = 0; j < 16; ++j) {
    const auto both = static_cast<unsigned char>(bytes[j]);
    out[j] = value(both & 15);
    out[j + 16] = value(both >> 4);
  }
}
void unpack_q8_0(const char* block, float* out) {
  const float scale = half_at(block);
  for (int j = 0; j < 32; ++j)
    out[j] = static_cast<float>(static_cast<signed char>(block[2 + j])) * scale;
}
void unpack_q4_0(const char* block, float* out) {
  const float scale = half_at(block);
  unpack_nibbles(block + 2, out, [&](int q) { return static_cast<float>(q - 8) * scale; });
}
void unpack_q4_1(const char* block, float* out) {
  const float scale = half_at(block), least = half_at(block + 2);
  unpack_nibbles(block + 4, out, [&](int q) { return static_cast<float>(q) * scale + least; });
}

constexpr GgmlType kGgmlTypes[] = {
    {"F32", 1, 4, at::kFloat, nullptr},       {"F16", 1, 2, at::kHalf, nullptr},
    {"BF16", 1, 2, at::kBFloat16, nullptr},   {"Q8_0", 32, 34, at::kByte, unpack_q8_0},
    {"Q4_0", 32, 18, at::kByte, unpack_q4_0}, {"Q4_1", 32, 20, at::kByte, unpack_q4_1},
};

}  // namespace

std::string ggml_type_name(uint32_t type) {
  return type < kTensorTypes.size() ? kTensorTypes[type] : "";
}

const GgmlType* find_ggml_type(uint32_t type) {
  const std::string name = ggml_type_name(type);
  for (const GgmlType& known : kGgmlTypes)
    if (name == known.name) return &known;
  return nullptr;
}

std::string readable_ggml_types() {
  std::string names;
  for (const GgmlType& known : kGgmlTypes)
    names += (names.empty() ? "" : ", ") + std::string(known.name);
  return names;
}

}  // namespace facet::llama
