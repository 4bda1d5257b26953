// Finds the files of an extraction by their names, and checks what they hold as it is read.
#include "activations/rep_saes_files.h"

#include <facet/torch.h>

#include <algorithm>
#include <map>

#include "data/csv.h"
#include "facet/error.h"
#include "tensor/safetensors_file.h"

namespace facet {

namespace fs = std::filesystem;

namespace {

constexpr int64_t kBlockNumbers = 1 << 22;  // of an array, at once
constexpr int64_t kMostLatents = 1 << 24;   // an index beyond is damage, not an SAE

// What stands between the words of a name; nothing when it has other ones.
std::optional<std::string> between(const std::string& name, const std::string& begin,
                                   const std::string& end) {
  if (name.size() < begin.size() + end.size() || !name.starts_with(begin) || !name.ends_with(end))
    return std::nullopt;
  return name.substr(begin.size(), name.size() - begin.size() - end.size());
}

struct RepSaesName {
  fs::path RepSaesFiles::*file;
  const char* begin;
  const char* end;
};
constexpr RepSaesName kPoolingNames[] = {{&RepSaesFiles::values, "POOLING_activations_", ".npy"},
                                         {&RepSaesFiles::indices, "POOLING_indices_", ".npy"},
                                         {&RepSaesFiles::metadata, "POOLING_metadata_", ".csv"}};
constexpr RepSaesName kMeanpoolNames[] = {
    {&RepSaesFiles::values, "MEANPOOL_concatenated_", "_sparse.npy"},
    {&RepSaesFiles::metadata, "MEANPOOL_metadata_", ".csv"}};

// The extractions of one layout that have every file; names of all files of it go to `seen`.
template <size_t N>
std::vector<RepSaesFiles> whole_ones(const std::vector<fs::path>& all,
                                     const RepSaesName (&names)[N],
                                     std::vector<std::string>& seen) {
  std::map<std::string, std::pair<RepSaesFiles, size_t>> by_tag;
  for (const fs::path& file : all)
    for (const RepSaesName& one : names)
      if (const auto tag = between(file.filename().string(), one.begin, one.end)) {
        auto& [files, found] = by_tag[*tag];
        files.*one.file = file;
        ++found;
        seen.push_back(file.filename().string());
      }
  std::vector<RepSaesFiles> out;
  for (const auto& [tag, counted] : by_tag)
    if (counted.second == N) out.push_back(counted.first);
  return out;
}

[[noreturn]] void refuse_row(const fs::path& file, int64_t row, const std::string& what) {
  throw UserError(file.string() + ": row " + std::to_string(row) + ": " + what);
}

void check_sizes(const NpyFile& file, bool fits, const std::string& should_be) {
  if (!fits)
    throw UserError(file.path().string() + ": is " + shape_text(file.sizes()) + ", should be " +
                    should_be);
}

void check_kind(const NpyFile& file, bool fits, const std::string& should_be) {
  if (!fits) throw UserError(file.path().string() + ": should hold " + should_be);
}

bool is_floating(const NpyFile& file) {
  return file.type() == at::kFloat || file.type() == at::kDouble;
}

// As float32; `first` is the row of the file that the block begins with.
Tensor finite_block(const fs::path& file, const Tensor& block, int64_t first) {
  const Tensor out = block.to(torch::kFloat32).contiguous();
  const Tensor bad = out.isfinite().logical_not().any(1).nonzero();
  if (bad.size(0) > 0) refuse_row(file, first + bad[0][0].item<int64_t>(), "is not finite");
  return out;
}

}  // namespace

std::vector<fs::path> RepSaesFiles::all() const {
  std::vector<fs::path> out = {values, metadata};
  if (!indices.empty()) out.push_back(indices);
  return out;
}

RepSaesFiles find_rep_saes(const fs::path& folder) {
  std::vector<fs::path> all;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (entry.is_regular_file()) all.push_back(entry.path());
  if (error) throw UserError(folder.string() + ": cannot read: " + error.message());
  std::sort(all.begin(), all.end());
  std::vector<std::string> seen;
  std::vector<RepSaesFiles> found = whole_ones(all, kPoolingNames, seen);
  const std::vector<RepSaesFiles> meanpool = whole_ones(all, kMeanpoolNames, seen);
  found.insert(found.end(), meanpool.begin(), meanpool.end());
  if (found.size() == 1) return found.front();
  std::string list;
  for (const std::string& name : seen) list += "\n  " + name;
  throw UserError(
      folder.string() + ": holds " + std::to_string(found.size()) +
      " extractions of Rep_SAEs_PLMs, should be one: POOLING_activations_*.npy, "
      "POOLING_indices_*.npy and POOLING_metadata_*.csv of one name, or "
      "MEANPOOL_concatenated_*_sparse.npy and MEANPOOL_metadata_*.csv; has " +
      (seen.empty() ? "none of them" : std::to_string(seen.size()) + " of such names:" + list));
}

RepSaesCodes::RepSaesCodes(const RepSaesFiles& files, int64_t d_sae)
    : values_(files.values), value_(values_.tensor()), d_sae_(d_sae) {
  check_kind(values_, is_floating(values_), "float32 or float64");
  check_sizes(values_, values_.sizes().size() == 2, "[rows, columns]");
  check_sizes(values_, value_.numel() > 0, "at least one row and one column");
  if (files.indices.empty()) {
    const int64_t width = values_.sizes()[1];
    check_sizes(values_, d_sae == 0 || d_sae == width,
                "[rows, " + std::to_string(d_sae) + "], as encode.d_sae says");
    d_sae_ = width;
    return;
  }
  indices_.emplace(files.indices);
  index_ = indices_->tensor();
  check_kind(*indices_, !is_floating(*indices_), "int64 or int32");
  check_sizes(*indices_, indices_->sizes() == values_.sizes(),
              shape_text(values_.sizes()) + " as " + files.values.filename().string());
  if (d_sae_ == 0) d_sae_ = std::max<int64_t>(index_.max().item<int64_t>(), 0) + 1;
  if (d_sae == 0 && d_sae_ > kMostLatents)
    throw UserError(files.indices.string() + ": its largest index is " +
                    std::to_string(d_sae_ - 1) + ", should be below " +
                    std::to_string(kMostLatents));
}

int64_t RepSaesCodes::block_rows() const {
  return std::max<int64_t>(1, kBlockNumbers / values_.sizes()[1]);
}

Codes RepSaesCodes::slice(int64_t begin, int64_t end) const {
  const Tensor value = finite_block(values_.path(), value_.slice(0, begin, end), begin);
  if (!indices_) return Codes::of(value);
  return pairs_of(value, index_.slice(0, begin, end).to(torch::kInt64).contiguous(), begin);
}

Codes RepSaesCodes::pairs_of(const Tensor& value, const Tensor& index, int64_t first) const {
  const int64_t rows = value.size(0), k = value.size(1);
  const auto* values = value.const_data_ptr<float>();
  const auto* indices = index.const_data_ptr<int64_t>();
  std::vector<int64_t> start = {0};
  std::vector<int32_t> latents;
  std::vector<float> kept;
  std::vector<std::pair<int64_t, float>> row;
  for (int64_t r = 0; r < rows; ++r) {
    row.clear();
    for (int64_t i = r * k; i < (r + 1) * k; ++i) {
      if (indices[i] < 0 || indices[i] >= d_sae_)
        refuse_row(indices_->path(), first + r,
                   "index " + std::to_string(indices[i]) + ", should be from 0 to " +
                       std::to_string(d_sae_ - 1));
      if (values[i] != 0) row.emplace_back(indices[i], values[i]);
    }
    std::sort(row.begin(), row.end());
    for (size_t i = 0; i < row.size(); ++i) {
      if (i > 0 && row[i].first == row[i - 1].first)
        refuse_row(indices_->path(), first + r,
                   "index " + std::to_string(row[i].first) + " stands twice");
      latents.push_back(static_cast<int32_t>(row[i].first));
      kept.push_back(row[i].second);
    }
    start.push_back(static_cast<int64_t>(latents.size()));
  }
  return {torch::tensor(start, torch::kInt64), torch::tensor(latents, torch::kInt32),
          torch::tensor(kept, torch::kFloat32), d_sae_};
}

int64_t each_rep_saes_sequence(const fs::path& metadata,
                               const std::function<void(const SequenceInfo&)>& use) {
  CsvReader table(metadata);
  const size_t id = table.index_of("sequence_id"), text = table.index_of("sequence"),
               names = table.index_of("protein_names"), organism = table.index_of("organism");
  const auto said = [](const std::string& field) {  // missing names are the text "None" there
    return field == "None" ? std::string() : field;
  };
  int64_t count = 0;
  for (std::vector<std::string> fields; table.next(fields); ++count) {
    const std::string of = said(fields[organism]);
    use({fields[id], fields[text], said(fields[names]) + (of.empty() ? "" : " OS=" + of)});
  }
  return count;
}

}  // namespace facet
