// Bodies of what a codes store is made of.
#include "activations/codes_files.h"

#include <facet/torch.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "activations/store_parts.h"
#include "base/files.h"

namespace facet {
namespace {

struct FiringEntry {
  int64_t row;
  float value;
};

// Calls f(latent, row in the store, value) for each entry that fires, rows ascending.
template <class F>
void each_firing(const CodesFiles& files, int64_t parts, F&& f) {
  int64_t before = 0;
  for (int64_t p = 0; p < parts; ++p) {
    const Safetensors part(part_file(files.parts(), p));
    const Tensor start = part.tensor("start"), latent = part.tensor("latent"),
                 value = part.tensor("value");
    const auto* starts = start.const_data_ptr<int64_t>();
    const auto* latents = latent.const_data_ptr<int32_t>();
    const auto* values = value.const_data_ptr<float>();
    for (int64_t row = 0; row + 1 < start.size(0); ++row)
      for (int64_t e = starts[row]; e < starts[row + 1]; ++e)
        if (values[e] > 0) f(latents[e], before + row, values[e]);
    before += start.size(0) - 1;
  }
}

}  // namespace

NamedPieces codes_part(const Codes& codes, const Rows& ids) {
  return {{"start", {codes.start}},     {"latent", {codes.latent}},   {"value", {codes.value}},
          {"sequence", {ids.sequence}}, {"position", {ids.position}}, {"token", {ids.token}},
          {"flag", {ids.flag}}};
}

std::string sequence_line(const SequenceInfo& sequence) {
  Value line;
  line.set("id", sequence.id);
  line.set("text", sequence.text);
  line.set("description", sequence.description);
  return emit_json(line) + "\n";
}

// Two passes over the parts: one counts the entries of each latent, one puts them in their places.
int64_t write_by_latent(const CodesFiles& files, int64_t parts, int64_t d_sae) {
  std::vector<int64_t> start(static_cast<size_t>(d_sae) + 1, 0);
  each_firing(files, parts,
              [&](int32_t latent, int64_t, float) { ++start[static_cast<size_t>(latent) + 1]; });
  std::partial_sum(start.begin(), start.end(), start.begin());

  std::vector<FiringEntry> entries(static_cast<size_t>(start.back()));
  std::vector<int64_t> room(start.begin(), start.end() - 1);
  each_firing(files, parts, [&](int32_t latent, int64_t row, float value) {
    entries[static_cast<size_t>(room[static_cast<size_t>(latent)]++)] = {row, value};
  });
  for (size_t latent = 0; latent < static_cast<size_t>(d_sae); ++latent)
    std::stable_sort(entries.begin() + start[latent], entries.begin() + start[latent + 1],
                     [](const FiringEntry& a, const FiringEntry& b) { return a.value > b.value; });

  const Tensor row = torch::empty({start.back()}, torch::kInt64);
  const Tensor value = torch::empty({start.back()}, torch::kFloat32);
  for (size_t e = 0; e < entries.size(); ++e) {
    row.data_ptr<int64_t>()[e] = entries[e].row;
    value.data_ptr<float>()[e] = entries[e].value;
  }
  save_safetensors(
      files.by_latent(),
      {{"start", torch::tensor(start, torch::kInt64)}, {"row", row}, {"value", value}});
  return start.back();
}

void write_codes_record(const CodesFiles& files, const CodesRecord& codes) {
  Value record;
  record.set("format", kCodesFormat);
  record.set("key", codes.key);
  record.set("pool", codes.pool);
  record.set(codes.source_is, codes.source);
  record.set("rows", codes.rows);
  record.set("d_sae", codes.d_sae);
  record.set("parts", codes.parts);
  record.set("sequences", codes.sequences);
  record.set("firing_entries", codes.firing_entries);
  record.set("letter_offset", codes.letter_offset);
  write_file(files.record(), emit_json_pretty(record));
}

}  // namespace facet
