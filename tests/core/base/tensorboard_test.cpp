// Files for TensorBoard, read back by a reader of their own that follows the formats' descriptions.
#include "base/tensorboard.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "core/base/test_folder.h"

using namespace facet;
namespace fs = std::filesystem;

namespace {

struct Scalar {
  int64_t step;
  std::string tag;
  float value;
  bool operator==(const Scalar&) const = default;
};

struct EventFile {
  std::string version;
  std::vector<double> wall_times;
  std::vector<Scalar> scalars;
  std::string wrong;  ///< what does not follow the format
};

// CRC-32C bit by bit, as its definition has it.
uint32_t crc_by_bits(const unsigned char* bytes, size_t size) {
  uint32_t crc = ~0u;
  for (size_t i = 0; i < size; ++i) {
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? crc >> 1 ^ 0x82F63B78u : crc >> 1;
  }
  return ~crc;
}

uint32_t masked(const unsigned char* bytes, size_t size) {
  const uint32_t crc = crc_by_bits(bytes, size);
  return (crc >> 15 | crc << 17) + 0xA282EAD8u;
}

// A message of protobuf, field by field.
struct Message {
  const unsigned char* at;
  const unsigned char* end;

  uint64_t varint() {
    uint64_t value = 0;
    for (int shift = 0; at < end; shift += 7) {
      const unsigned char byte = *at++;
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    return value;
  }
  template <class T>
  T fixed() {
    T value{};
    if (end - at >= static_cast<std::ptrdiff_t>(sizeof value))
      std::memcpy(&value, at, sizeof value);
    at += sizeof value;
    return value;
  }
  Message inner() {
    const uint64_t size = varint();
    const Message out{at, at + size};
    at += size;
    return out;
  }
  std::string text() const { return {reinterpret_cast<const char*>(at), size_t(end - at)}; }
};

void read_value(Message value, int64_t step, EventFile& file) {
  Scalar scalar{step, "", 0};
  while (value.at < value.end) {
    const uint64_t key = value.varint();
    if (key == (1 << 3 | 2))
      scalar.tag = value.inner().text();
    else if (key == (2 << 3 | 5))
      scalar.value = value.fixed<float>();
    else
      file.wrong += "value key " + std::to_string(key) + "; ", value.at = value.end;
  }
  file.scalars.push_back(scalar);
}

void read_event(Message event, EventFile& file) {
  int64_t step = 0;
  while (event.at < event.end) {
    const uint64_t key = event.varint();
    if (key == (1 << 3 | 1)) {
      file.wall_times.push_back(event.fixed<double>());
    } else if (key == (2 << 3 | 0)) {
      step = static_cast<int64_t>(event.varint());
    } else if (key == (3 << 3 | 2)) {
      file.version += event.inner().text();
    } else if (key == (5 << 3 | 2)) {
      Message summary = event.inner();
      while (summary.at < summary.end) {
        if (summary.varint() != (1 << 3 | 2)) file.wrong += "summary; ";
        read_value(summary.inner(), step, file);
      }
    } else {
      file.wrong += "event key " + std::to_string(key) + "; ", event.at = event.end;
    }
  }
}

EventFile read_events(const fs::path& path) {
  const std::string bytes = read_file(path);
  const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
  const auto* end = at + bytes.size();
  EventFile file;
  while (at < end) {
    uint64_t size = 0;
    uint32_t of_size = 0, of_data = 0;
    if (end - at < 16) return file.wrong += "cut; ", file;
    std::memcpy(&size, at, 8);
    std::memcpy(&of_size, at + 8, 4);
    if (of_size != masked(at, 8)) file.wrong += "crc of the length; ";
    if (static_cast<uint64_t>(end - at) < size + 16) return file.wrong += "cut; ", file;
    std::memcpy(&of_data, at + 12 + size, 4);
    if (of_data != masked(at + 12, size)) file.wrong += "crc of the data; ";
    read_event({at + 12, at + 12 + size}, file);
    at += size + 16;
  }
  return file;
}

fs::path only_file(const fs::path& folder) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.is_regular_file()) found.push_back(entry.path());
  EXPECT_EQ(found.size(), 1u) << folder;
  return found.empty() ? fs::path() : found.front();
}

Event metric(const std::string& name, int64_t step, Value::Table fields) {
  return {Level::metric, name, step, Value(std::move(fields))};
}

}  // namespace

TEST(TensorBoard, crc32c_is_castagnolis) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(crc32c(""), 0u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAu);  // RFC 3720, B.4
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62A8AB43u);
}

TEST(TensorBoard, a_record_has_the_bytes_of_the_format) {
  const std::string record = tf_record("abc");
  ASSERT_EQ(record.size(), 8u + 4 + 3 + 4);
  EXPECT_EQ(record.substr(0, 8), std::string("\x03\0\0\0\0\0\0\0", 8));
  EXPECT_EQ(record.substr(12, 3), "abc");
}

TEST(TensorBoard, writes_the_metrics_of_steps_as_scalars) {
  const TestFolder folder;
  {
    TensorBoardSink sink(folder / "tb", "");
    sink.emit(metric("train.step", 300, {{"loss", 0.5}, {"rows", 12}, {"l0", NAN}}));
    sink.emit(metric("train.eval", 300, {{"nmse", 0.25}}));
    sink.emit(metric("train.step", 5'000'000'000, {{"loss", 1e300}}));
    sink.emit(metric("analysis.metrics", -1, {{"value", 1.0}}));
    sink.info("run", "hello");
    sink.progress("train", 1, 2, "steps");
    sink.emit(metric("train.step", 1, {{"loss", 2.0}, {"sae", "wide"}}));
  }
  const EventFile file = read_events(only_file(folder / "tb"));
  EXPECT_EQ(file.wrong, "");
  EXPECT_EQ(file.version, "brain.Event:2");
  EXPECT_EQ(file.scalars, (std::vector<Scalar>{{300, "train/loss", 0.5f},
                                               {300, "train/rows", 12.f},
                                               {300, "eval/nmse", 0.25f},
                                               {5'000'000'000, "train/loss", INFINITY}}));
  for (const double time : file.wall_times) EXPECT_GT(time, 1.6e9);
  EXPECT_TRUE(only_file(folder / "tb").filename().string().starts_with("events.out.tfevents."));
  EXPECT_EQ(read_events(only_file(folder / "tb/wide")).scalars,
            (std::vector<Scalar>{{1, "train/loss", 2.f}}));
}

TEST(TensorBoard, after_a_cut_every_step_is_there_once) {
  const TestFolder folder;
  {
    TensorBoardSink sink(folder / "tb", "");
    for (int64_t step : {1, 2, 3}) sink.emit(metric("train.step", step, {{"loss", 1.0}}));
  }
  folder.write("tb/notes.txt", "mine");
  // Of these, events.jsonl has what the checkpoint of step 2 had seen.
  const std::string earlier =
      R"({"event":"run","level":"info","message":"x","time":"2026-01-02T03:04:05Z"}
{"event":"train.step","l0":null,"level":"metric","loss":1.0,"step":1,"time":"2026-01-02T03:04:05Z"}
{"event":"train.step","level":"metric","loss":1.5,"sae":"wide","step":1,"time":"2026-01-02T03:04:05Z"}
{"event":"train.step","level":"metric","loss":1.0,"step":2,"time":"2026-01-02T03:04:06Z"}
)";
  {
    TensorBoardSink sink(folder / "tb", earlier);
    for (int64_t step : {3, 4}) sink.emit(metric("train.step", step, {{"loss", 1.0}}));
  }
  EXPECT_EQ(read_file(folder / "tb/notes.txt"), "mine");
  fs::remove(folder / "tb/notes.txt");
  const EventFile file = read_events(only_file(folder / "tb"));
  EXPECT_EQ(file.wrong, "");
  ASSERT_EQ(file.scalars.size(), 4u);
  for (size_t i = 0; i < 4; ++i)
    EXPECT_EQ(file.scalars[i], (Scalar{static_cast<int64_t>(i + 1), "train/loss", 1.f}));
  EXPECT_EQ(file.wall_times[1], 1767323045);
  EXPECT_EQ(read_events(only_file(folder / "tb/wide")).scalars.size(), 1u);
}
