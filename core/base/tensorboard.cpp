// TFRecord framing, the few fields of the Event message, and the sink.
#include "base/tensorboard.h"

#include <array>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <sstream>
#include <vector>

namespace facet {
namespace {

namespace fs = std::filesystem;

constexpr uint32_t kCastagnoli = 0x82f63b78;  // the polynomial, bits reversed
constexpr uint32_t kMaskDelta = 0xa282ead8;   // crc32c.h
constexpr char kFilePrefix[] = "events.out.tfevents.";

constexpr std::array<uint32_t, 256> crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) ? kCastagnoli : 0);
    table[byte] = crc;
  }
  return table;
}
constexpr std::array<uint32_t, 256> kCrcTable = crc_table();

uint32_t masked_crc(const std::string& bytes) {
  const uint32_t crc = crc32c(bytes);
  return ((crc >> 15) | (crc << 17)) + kMaskDelta;
}

template <class T>
std::string little_endian(T value) {
  std::string out;
  for (size_t i = 0; i < sizeof value; ++i) out += static_cast<char>((value >> (8 * i)) & 0xff);
  return out;
}

// Protobuf's wire types: 0 varint, 1 eight bytes, 2 length and bytes, 5 four bytes.
std::string varint(uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out += static_cast<char>((value & 0x7f) | 0x80);
  return out + static_cast<char>(value);
}
std::string tag_of(uint32_t field, uint32_t wire) { return varint(field << 3 | wire); }
std::string bytes_field(uint32_t field, const std::string& bytes) {
  return tag_of(field, 2) + varint(bytes.size()) + bytes;
}

// Event: 1 wall_time, 2 step, 3 file_version, 5 summary. Summary: 1 value. Value: 1 tag, 2
// simple_value.
std::string wall_time_field(double wall_time) {
  return tag_of(1, 1) + little_endian(std::bit_cast<uint64_t>(wall_time));
}

double seconds_of(const std::string& time) {
  std::tm parts{};
  if (std::sscanf(time.c_str(), "%d-%d-%dT%d:%d:%dZ", &parts.tm_year, &parts.tm_mon, &parts.tm_mday,
                  &parts.tm_hour, &parts.tm_min, &parts.tm_sec) != 6)
    return 0;
  parts.tm_year -= 1900;
  parts.tm_mon -= 1;
  return static_cast<double>(::timegm(&parts));
}

double now_in_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// "train" of train.step, "eval" of train.eval; of others the whole name.
std::string group_of(const std::string& event) {
  return event == "train.step" ? "train" : event == "train.eval" ? "eval" : event;
}

void remove_event_files(const fs::path& folder) {
  if (!fs::exists(folder)) return;
  std::vector<fs::path> old;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.path().filename().string().starts_with(kFilePrefix)) old.push_back(entry.path());
  for (const fs::path& file : old) fs::remove(file);
}

}  // namespace

uint32_t crc32c(const std::string& bytes) {
  uint32_t crc = 0xffffffff;
  for (const char byte : bytes)
    crc = (crc >> 8) ^ kCrcTable[(crc ^ static_cast<unsigned char>(byte)) & 0xff];
  return ~crc;
}

std::string tf_record(const std::string& data) {
  const std::string length = little_endian(static_cast<uint64_t>(data.size()));
  return length + little_endian(masked_crc(length)) + data + little_endian(masked_crc(data));
}

std::string scalar_event(double wall_time, int64_t step,
                         const std::map<std::string, double>& scalars) {
  std::string summary;
  for (const auto& [tag, value] : scalars)
    summary +=
        bytes_field(1, bytes_field(1, tag) + tag_of(2, 5) +
                           little_endian(std::bit_cast<uint32_t>(static_cast<float>(value))));
  return wall_time_field(wall_time) + tag_of(2, 0) + varint(static_cast<uint64_t>(step)) +
         bytes_field(5, summary);
}

TensorBoardSink::TensorBoardSink(fs::path folder, const std::string& earlier)
    : folder_(std::move(folder)),
      file_name_(kFilePrefix + std::to_string(std::time(nullptr)) + ".facet") {
  remove_event_files(folder_);
  std::istringstream lines(earlier);
  for (std::string line; std::getline(lines, line);) {
    const Value event = parse_json(line, "events.jsonl");
    if (event.text("level") != "metric" || !event.find("step")) continue;
    Value fields = event;
    for (const char* key : {"event", "level", "step", "time"})
      fields.as<Value::Table>()->erase(key);
    write(event.text("event"), fields, event.integer("step"), seconds_of(event.text("time")));
  }
}

TensorBoardSink::~TensorBoardSink() = default;

void TensorBoardSink::emit(const Event& event) {
  if (event.level != Level::metric || event.step < 0) return;
  write(event.name, event.fields, event.step, now_in_seconds());
}

void TensorBoardSink::write(const std::string& event, const Value& fields, int64_t step,
                            double wall_time) {
  const auto* table = fields.as<Value::Table>();
  if (!table) return;
  std::map<std::string, double> scalars;
  for (const auto& [key, value] : *table)
    if ((value.is<double>() && std::isfinite(*value.as<double>())) || value.is<int64_t>())
      scalars[group_of(event) + "/" + key] = fields.number(key);
  if (scalars.empty()) return;
  const Value* sae = fields.find("sae");
  const std::string name = sae && sae->is<std::string>() ? *sae->as<std::string>() : "";
  file_of(name, wall_time).append(tf_record(scalar_event(wall_time, step, scalars)));
}

Appender& TensorBoardSink::file_of(const std::string& sae, double wall_time) {
  auto& file = files_[sae];
  if (!file) {
    const fs::path folder = sae.empty() ? folder_ : folder_ / sae;
    fs::create_directories(folder);
    file = std::make_unique<Appender>(folder / file_name_);
    file->append(tf_record(wall_time_field(wall_time) + bytes_field(3, "brain.Event:2")));
  }
  return *file;
}

}  // namespace facet
