// The released sizes of ESM-2: what the adapter would read of each, without reading or allocating.
#include <map>
#include <numeric>

#include "esm2/weights.h"
#include "host_adapters/spoiled.h"

namespace facet {
namespace {

struct Size {
  const char* name;
  int64_t blocks, d, heads;
  int64_t parameters;  ///< as fair-esm 2.0 counts them: with the contact head
};
constexpr Size kReleased[] = {
    {"esm2_t6_8M_UR50D", 6, 320, 20, 7'512'474},
    {"esm2_t12_35M_UR50D", 12, 480, 20, 33'501'394},
    {"esm2_t30_150M_UR50D", 30, 640, 20, 148'140'154},
    {"esm2_t33_650M_UR50D", 33, 1280, 20, 651'043'254},
    {"esm2_t36_3B_UR50D", 36, 2560, 40, 2'839'005'634},
    {"esm2_t48_15B_UR50D", 48, 5120, 40, 15'129'100'194},
};

using Shapes = std::map<std::string, std::vector<int64_t>>;

/// Of all purposes.
Shapes shapes_of(const std::string& folder) {
  Shapes out;
  esm2::Weights weights;
  for (const esm2::Purpose purpose : esm2::kPurposes)
    for (const layers::Slot& slot : esm2::slots(esm2::read_config(folder), purpose, weights)) {
      EXPECT_TRUE(out.emplace(slot.name, slot.sizes).second);
      EXPECT_FALSE(slot.into->defined());
    }
  return out;
}

int64_t numbers(const Shapes& shapes) {
  int64_t count = 0;
  for (const auto& [name, sizes] : shapes)
    if (!name.ends_with("inv_freq"))  // a buffer
      count += c10::multiply_integers(sizes);
  return count;
}

/// The tiny folder with the configuration of a released size, and no weights.
void write_configuration(const Spoiled& folder, const Size& size) {
  const auto set = [&](const std::string& key, int64_t tiny, int64_t now) {
    folder.replace("config.json", "\"" + key + "\": " + std::to_string(tiny),
                   "\"" + key + "\": " + std::to_string(now));
  };
  set("hidden_size", 64, size.d);
  set("num_hidden_layers", 5, size.blocks);
  set("num_attention_heads", 4, size.heads);
  set("intermediate_size", 256, 4 * size.d);
  write_file(folder.path("model.safetensors"), "");
}

TEST(Esm2Sizes, have_the_published_numbers_of_parameters) {
  for (const Size& size : kReleased) {
    const Spoiled folder;
    write_configuration(folder, size);
    EXPECT_EQ(numbers(shapes_of(folder.path())), size.parameters) << size.name;
    EXPECT_EQ(folder.host()->info().parameters + size.blocks * size.heads + 1, size.parameters);
    EXPECT_EQ(folder.host()->info().d_model, size.d);
  }
}

TEST(Esm2Sizes, have_the_names_and_shapes_of_released_files) {
  for (const Size& size : kReleased) {
    const Spoiled folder;
    write_configuration(folder, size);
    const Shapes shapes = shapes_of(folder.path());
    EXPECT_EQ(static_cast<int64_t>(shapes.size()), 1 + 17 * size.blocks + 2 + 5 + 2) << size.name;
    const std::string last = "esm.encoder.layer." + std::to_string(size.blocks - 1) + ".";
    const int64_t d = size.d;
    const Shapes some = {
        {"esm.embeddings.word_embeddings.weight", {33, d}},
        {last + "attention.self.query.weight", {d, d}},
        {last + "attention.self.rotary_embeddings.inv_freq", {d / size.heads / 2}},
        {last + "attention.output.dense.bias", {d}},
        {last + "attention.LayerNorm.weight", {d}},
        {last + "intermediate.dense.weight", {4 * d, d}},
        {last + "output.dense.weight", {d, 4 * d}},
        {last + "LayerNorm.bias", {d}},
        {"esm.encoder.emb_layer_norm_after.weight", {d}},
        {"lm_head.dense.weight", {d, d}},
        {"lm_head.layer_norm.bias", {d}},
        {"lm_head.bias", {33}},
        {"esm.contact_head.regression.weight", {1, size.blocks * size.heads}},
    };
    for (const auto& [name, sizes] : some) {
      ASSERT_TRUE(shapes.contains(name)) << size.name << " " << name;
      EXPECT_EQ(shapes.at(name), sizes) << size.name << " " << name;
    }
  }
}

TEST(Esm2Sizes, list_what_transformers_saves_tensor_by_tensor) {
  const Safetensors file(kTiny + "/model.safetensors");
  Shapes saved;
  for (const std::string& name : file.names())
    if (name != "esm.embeddings.position_embeddings.weight")  // rotary models leave it unused
      saved[name] = file.sizes(name);
  EXPECT_EQ(shapes_of(kTiny), saved);
}

}  // namespace
}  // namespace facet
