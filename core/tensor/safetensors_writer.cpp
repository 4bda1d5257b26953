// Writes known tensors in their place, unknown ones beside, and the header last.
#include "tensor/safetensors_writer.h"

#include <facet/torch.h>

#include <algorithm>
#include <limits>

#include "facet/error.h"

namespace facet {
namespace {

constexpr size_t kLengthBytes = 8;
// A length of so many rows has as many digits as any.
constexpr int64_t kLongest = std::numeric_limits<int64_t>::max();

}  // namespace

SafetensorsWriter::SafetensorsWriter(std::filesystem::path file, std::vector<GrowingTensor> tensors,
                                     std::map<std::string, std::string> metadata)
    : file_(std::move(file)), metadata_(std::move(metadata)), out_(file_) {
  std::stable_partition(tensors.begin(), tensors.end(),
                        [](const GrowingTensor& t) { return t.rows != kRowsUnknown; });
  int64_t end = 0;
  for (GrowingTensor& tensor : tensors) {
    Growing growing;
    growing.row_bytes = static_cast<int64_t>(at::elementSize(tensor.dtype));
    for (const int64_t size : tensor.row) growing.row_bytes *= size;
    growing.begin = end;
    if (tensor.rows == kRowsUnknown)
      growing.aside = std::make_unique<FileWriter>(file_.string() + "." + tensor.name);
    else
      end += tensor.rows * growing.row_bytes;
    growing.tensor = std::move(tensor);
    tensors_.push_back(std::move(growing));
  }
  header_bytes_ = safetensors_header(entries(kLongest), metadata_).size();
}

std::vector<HeaderEntry> SafetensorsWriter::entries(int64_t rows_of_unknown) const {
  std::vector<HeaderEntry> out;
  int64_t end = 0;
  for (const Growing& growing : tensors_) {
    const bool longest = growing.aside && rows_of_unknown == kLongest;
    const int64_t rows = !growing.aside ? growing.tensor.rows
                         : longest      ? kLongest
                                        : growing.written / growing.row_bytes;
    HeaderEntry entry{growing.tensor.name, growing.tensor.dtype, {rows}, end, end};
    entry.sizes.insert(entry.sizes.end(), growing.tensor.row.begin(), growing.tensor.row.end());
    entry.end = end = longest ? kLongest : end + rows * growing.row_bytes;
    out.push_back(std::move(entry));
  }
  return out;
}

void SafetensorsWriter::add(const std::string& name, const Tensor& rows) {
  const auto found = std::find_if(tensors_.begin(), tensors_.end(),
                                  [&](const Growing& g) { return g.tensor.name == name; });
  FACET_ASSERT(found != tensors_.end(), "no tensor " + name + " was planned");
  FACET_ASSERT(rows.scalar_type() == found->tensor.dtype && rows.dim() > 0 &&
                   rows.sizes().slice(1).vec() == found->tensor.row,
               "rows of another form for " + name);
  const Tensor bytes = rows.detach().cpu().contiguous();
  if (bytes.nbytes() == 0) return;
  if (found->aside)
    found->aside->write(bytes.const_data_ptr(), bytes.nbytes());
  else
    out_.write_at(
        static_cast<int64_t>(kLengthBytes + header_bytes_) + found->begin + found->written,
        bytes.const_data_ptr(), bytes.nbytes());
  found->written += static_cast<int64_t>(bytes.nbytes());
}

void SafetensorsWriter::commit() {
  for (const Growing& growing : tensors_)
    FACET_ASSERT(growing.aside || growing.written == growing.tensor.rows * growing.row_bytes,
                 growing.tensor.name + " has " + std::to_string(growing.written) +
                     " bytes, should have " +
                     std::to_string(growing.tensor.rows * growing.row_bytes));
  const std::vector<HeaderEntry> all = entries(0);
  for (size_t i = 0; i < all.size(); ++i) {
    if (!tensors_[i].aside) continue;
    out_.copy_at(static_cast<int64_t>(kLengthBytes + header_bytes_) + all[i].begin,
                 *tensors_[i].aside);
    tensors_[i].aside.reset();
  }
  std::string header = safetensors_header(all, metadata_);
  header.append(header_bytes_ - header.size(), ' ');
  const uint64_t length = header.size();
  out_.write_at(0, &length, sizeof length);
  out_.write_at(sizeof length, header.data(), header.size());
  out_.commit();
}

}  // namespace facet
