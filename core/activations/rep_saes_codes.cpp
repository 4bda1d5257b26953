// Writes the files of a codes store from the arrays, part by part.
#include "activations/rep_saes_codes.h"

#include <facet/torch.h>

#include "activations/codes_files.h"
#include "activations/store_parts.h"
#include "base/files.h"
#include "facet/error.h"

namespace facet {

namespace fs = std::filesystem;

namespace {

// One row for each sequence, in their order.
Rows pooled_ids(int64_t begin, int64_t end) {
  Rows out;
  out.sequence = torch::arange(begin, end, torch::kInt64);
  out.position = torch::zeros({end - begin}, torch::kInt32);
  out.token = torch::zeros({end - begin}, torch::kInt32);
  out.flag = torch::zeros({end - begin}, torch::kUInt8);
  return out;
}

void write_rep_saes_sequences(const CodesFiles& store, const RepSaesFiles& files, int64_t rows) {
  FileWriter out(store.sequences());
  const int64_t count = each_rep_saes_sequence(
      files.metadata, [&](const SequenceInfo& one) { out.write(sequence_line(one)); });
  if (count != rows)
    throw UserError(files.metadata.string() + ": has " + std::to_string(count) +
                    " rows, should have " + std::to_string(rows) + " as " +
                    files.values.filename().string());
  out.commit();
}

}  // namespace

void build_rep_saes_codes(const fs::path& folder, const RepSaesFiles& files, int64_t d_sae,
                          const std::string& key, EventSink& events,
                          const std::function<void()>& breathe, int64_t part_entries) {
  const CodesFiles store{folder};
  if (fs::exists(store.record())) return;
  const RepSaesCodes codes(files, d_sae);
  make_folder(store.parts());
  write_rep_saes_sequences(store, files, codes.rows());
  const std::vector<PartEnd> finished = finished_parts(folder, store.parts(), key);
  auto parts = static_cast<int64_t>(finished.size());
  PartEnd at;
  if (parts > 0) at = finished.back();
  at.key = key;
  while (at.next_item < codes.rows()) {
    std::vector<Codes> part;
    const int64_t begin = at.next_item;
    for (int64_t entries = 0; at.next_item < codes.rows() && entries < part_entries;) {
      breathe();
      const int64_t end = std::min(codes.rows(), at.next_item + codes.block_rows());
      part.push_back(codes.slice(at.next_item, end));
      entries += part.back().nonzeros();
      at.next_item = at.read = at.rows = end;
      events.progress("encode", end, codes.rows(), "rows");
    }
    save_part(part_file(store.parts(), parts++),
              codes_part(Codes::joined(part), pooled_ids(begin, at.next_item)), at);
  }
  const int64_t entries = write_by_latent(store, parts, codes.d_sae());
  write_codes_record(store, {key, "mean", "from", "rep_saes", codes.rows(), codes.d_sae(), parts,
                             codes.rows(), entries, 0});
}

}  // namespace facet
