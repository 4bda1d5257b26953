// Safetensors: round trips, files that lie, and a full disk.
#include "facet/safetensors.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/files.h"
#include "core/tensor/numbers.h"
#include "expect_refusal.h"
#include "facet/torch.h"

namespace facet {
namespace {

namespace fs = std::filesystem;

/// A folder of this test alone, empty at its start.
fs::path fresh_folder() {
  const auto* test = testing::UnitTest::GetInstance()->current_test_info();
  const fs::path folder =
      fs::path(testing::TempDir()) / (std::string("facet_safetensors_") + test->name());
  fs::remove_all(folder);
  fs::create_directories(folder);
  return folder;
}

/// A file with the header's true length in front, and `data_bytes` bytes behind it.
fs::path file_with(const std::string& header, size_t data_bytes) {
  const fs::path file = fresh_folder() / "x.safetensors";
  const uint64_t length = header.size();
  std::ofstream out(file, std::ios::binary);
  out.write(reinterpret_cast<const char*>(&length), sizeof length);
  out << header << std::string(data_bytes, '\0');
  return file;
}

TEST(SafetensorsTest, every_dtype_comes_back_with_its_bits) {
  const fs::path file = fresh_folder() / "x.safetensors";
  const at::ScalarType types[] = {at::kDouble,         at::kFloat,         at::kHalf,
                                  at::kBFloat16,       at::kLong,          at::kInt,
                                  at::kShort,          at::kChar,          at::kByte,
                                  at::kBool,           at::kUInt16,        at::kUInt32,
                                  at::kUInt64,         at::kFloat8_e4m3fn, at::kFloat8_e5m2,
                                  at::kFloat8_e8m0fnu, at::kComplexFloat};
  NamedTensors tensors;
  for (const at::ScalarType type : types)
    tensors.emplace_back(at::toString(type), floats({1, 0, 1, 1, 0, 1}).view({2, 3}).to(type));
  save_safetensors(file, tensors, {{"format", "pt"}});
  const Safetensors read(file);
  EXPECT_EQ(read.names().size(), std::size(types));
  EXPECT_EQ(read.metadata().at("format"), "pt");
  for (const auto& [name, value] : tensors)
    EXPECT_TRUE(same_bits(read.tensor(name), value)) << name;
}

/// Bytes of mapped files in the memory of this process.
int64_t mapped_bytes() {
  int64_t size = 0, resident = 0, shared = 0;
  std::ifstream("/proc/self/statm") >> size >> resident >> shared;
  return shared * sysconf(_SC_PAGESIZE);
}

TEST(SafetensorsTest, a_tensor_that_dies_leaves_nothing_in_memory) {
  const fs::path file = fresh_folder() / "x.safetensors";
  const Tensor large = torch::ones({4 << 20});
  save_safetensors(file, {{"large", large}});
  const Safetensors read(file);
  const int64_t before = mapped_bytes();
  {
    const Tensor tensor = read.tensor("large");
    EXPECT_TRUE(torch::equal(tensor, large));
    EXPECT_GT(mapped_bytes() - before, 15 << 20);
  }
  EXPECT_LT(mapped_bytes() - before, 1 << 20);
  EXPECT_TRUE(torch::equal(read.tensor("large"), large)) << "it can be read again";
}

TEST(SafetensorsTest, tensors_are_written_row_by_row_whatever_their_strides) {
  const fs::path file = fresh_folder() / "x.safetensors";
  const Tensor base = random_tensor({4, 3}, "base");
  save_safetensors(file, {{"t", base.t()}, {"every_other", base.slice(0, 0, 4, 2)}});
  const Safetensors read(file);
  EXPECT_TRUE(read.tensor("t").is_contiguous());
  EXPECT_TRUE(read.tensor("t").equal(base.t()));
  EXPECT_TRUE(read.tensor("every_other").equal(base.slice(0, 0, 4, 2)));
}

TEST(SafetensorsTest, empty_and_zero_dimensional_tensors_come_back) {
  const fs::path file = fresh_folder() / "x.safetensors";
  save_safetensors(
      file,
      {{"none", at::empty({0, 3})}, {"one", at::full({}, 5.0)}, {"none too", at::empty({0})}});
  const Safetensors read(file);
  EXPECT_EQ(read.sizes("none"), (std::vector<int64_t>{0, 3}));
  EXPECT_EQ(read.tensor("one").item<float>(), 5.0f);
  EXPECT_EQ(read.tensor("none too").numel(), 0);
}

TEST(SafetensorsTest, data_that_lie_askew_are_copied) {
  const fs::path file = fresh_folder() / "x.safetensors";
  const Tensor numbers = random_tensor({5}, "numbers");
  save_safetensors(file, {{"bytes", at::ones({3}, at::kByte)}, {"numbers", numbers}});
  EXPECT_TRUE(Safetensors(file).tensor("numbers").equal(numbers));
}

TEST(SafetensorsTest, tensors_outlive_the_file_object) {
  const fs::path file = fresh_folder() / "x.safetensors";
  const Tensor numbers = random_tensor({5}, "numbers");
  save_safetensors(file, {{"numbers", numbers}});
  const Tensor read = Safetensors(file).tensor("numbers");
  fs::remove(file);
  EXPECT_TRUE(read.equal(numbers));
}

TEST(SafetensorsTest, names_need_no_care) {
  const fs::path file = fresh_folder() / "x.safetensors";
  const std::string name = "a \"quoted\"\n\\ name";
  save_safetensors(file, {{name, at::ones({1})}});
  EXPECT_TRUE(Safetensors(file).has(name));
}

TEST(SafetensorsTest, the_shape_that_is_needed_is_checked) {
  const fs::path file = fresh_folder() / "x.safetensors";
  save_safetensors(file, {{"W_dec", at::ones({2, 3}, at::kHalf)}});
  const Safetensors read(file);
  EXPECT_EQ(read.tensor("W_dec", {2, 3}).scalar_type(), at::kFloat);
  EXPECT_EQ(refusal_of([&] {
              read.tensor("W_dec", {3, 2});
            }),
            file.string() + ": W_dec: shape is [2, 3], should be [3, 2]");
  EXPECT_EQ(refusal_of([&] { read.tensor("W_dex"); }),
            file.string() + ": tensor \"W_dex\" is missing (did you mean \"W_dec\"?)");
}

struct Lie {
  const char* header;
  size_t data_bytes;
  const char* refusal;
};

TEST(SafetensorsTest, headers_that_lie_are_refused) {
  const Lie lies[] = {
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 7,
       ": cut short: holds 7 bytes of data, should be 8"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 9,
       ": holds 9 bytes of data, should be 8: no tensor covers the rest"},
      {R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", 8,
       ": a: holds 8 bytes, should be 12 for F32 [3]"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
       8, ": b: data begin at byte 4, should be at 8 where the tensor before ends"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 8,
       ": a: data begin at byte 4, should be at 0 where the tensor before ends"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
       8, ": header: key \"a\" stands twice in one object"},
      {R"({"a":{"dtype":"F33","shape":[1],"data_offsets":[0,4]}})", 4,
       ": a: dtype \"F33\" is unknown (did you mean \"F32\"?)"},
      {R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 4,
       ": a: shape should be a list of integers that are at least 0"},
      {R"({"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,4]}})", 4,
       ": a: shape is too large"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[8,4]}})", 8,
       ": a: data_offsets should be two ascending integers that are at least 0"},
      {R"({"a":{"dtype":"F32","shape":[1]}})", 4,
       ": a: the header should give dtype, shape and two data_offsets"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4000]}})", 4,
       ": a: holds 4000 bytes, should be 4 for F32 [1]"},
      {R"({"__metadata__":{"n":1}})", 0, ": __metadata__.n is integer 1, should be a string"},
      {R"({"a":{"dtype":"F32","shape":[9223372036854775807],"data_offsets":[0,4]}})", 4,
       ": a: shape is too large"},
      {R"({"a":{"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,4]}})", 4,
       ": a: shape should be a list of integers that are at least 0"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}})", 4,
       ": a: data_offsets should be two ascending integers that are at least 0"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0.5,4]}})", 4,
       ": a: data_offsets should be two ascending integers that are at least 0"},
      {R"({"a":{"dtype":"F32","shape":[2305843009213693951],"data_offsets":[0,9223372036854775804]}})",
       4, ": cut short: holds 4 bytes of data, should be 9223372036854775804"},
      {R"({"a":{"dtype":"F16","shape":[2],"data_offsets":[0,8]}})", 8,
       ": a: holds 8 bytes, should be 4 for F16 [2]"},
      {R"({"a":{"dtype":"F4","shape":[8],"data_offsets":[0,4]}})", 4,
       ": a: dtype \"F4\" is none that LibTorch can hold"},
      {R"({"a":7})", 4, ": a: the header should give dtype, shape and two data_offsets"},
      {R"({"__metadata__":[]})", 0, ": __metadata__ is list of 0, should be a table of strings"},
      {R"({"a")", 0, ": header:1:5: not valid JSON"},
      {R"([])", 0, ": header should be a JSON object: not a safetensors file"},
      {"", 0, ": header should be a JSON object: not a safetensors file"},
  };
  for (const Lie& lie : lies) {
    const fs::path file = file_with(lie.header, lie.data_bytes);
    EXPECT_EQ(refusal_of([&] { Safetensors read(file); }), file.string() + lie.refusal)
        << lie.header;
  }
}

TEST(SafetensorsTest, a_header_with_one_wrong_byte_is_refused_or_gives_tensors_in_the_file) {
  const fs::path file = fresh_folder() / "x.safetensors";
  save_safetensors(file, {{"a", at::ones({2, 3})}, {"b", at::ones({4}, at::kLong)}});
  const std::string bytes = read_file(file);
  constexpr size_t kDataBytes = 24 + 32;
  int refused = 0;
  for (size_t i = 0; i + kDataBytes < bytes.size(); ++i)
    for (const char put : {'9', '"', '\xff'}) {
      std::string wrong = bytes;
      wrong[i] = put;
      std::ofstream(file, std::ios::binary) << wrong;
      size_t held = 0;
      const std::string refusal = refusal_of([&] {
        const Safetensors read(file);
        for (const std::string& name : read.names()) held += read.tensor(name).clone().nbytes();
      });
      if (refusal == "(no refusal)")
        EXPECT_EQ(held, kDataBytes) << i;
      else
        ++refused;
    }
  EXPECT_GT(refused, 0);
}

TEST(SafetensorsTest, all_wrong_tensors_are_named_together) {
  const fs::path file = file_with(
      R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]},"b":{"dtype":"X","shape":[1],"data_offsets":[8,12]}})",
      12);
  EXPECT_EQ(refusal_of([&] { Safetensors read(file); }),
            file.string() + ": a: holds 8 bytes, should be 12 for F32 [3]\n" + file.string() +
                ": b: dtype \"X\" is unknown");
}

TEST(SafetensorsTest, files_cut_short_are_refused) {
  const fs::path file = fresh_folder() / "x.safetensors";
  save_safetensors(file, {{"a", at::ones({4})}});
  const auto whole = static_cast<int64_t>(fs::file_size(file));
  const auto cut_to = [&](int64_t bytes) {
    fs::resize_file(file, static_cast<uintmax_t>(bytes));
    return refusal_of([&] { Safetensors read(file); });
  };
  EXPECT_EQ(cut_to(whole - 1), file.string() + ": cut short: holds 15 bytes of data, should be 16");
  EXPECT_EQ(cut_to(20), file.string() + ": cut short: is 20 bytes, should be at least " +
                            std::to_string(whole - 16) + " for the header alone");
  EXPECT_EQ(cut_to(5), file.string() + ": cut short: is 5 bytes, should be at least 8");
  EXPECT_EQ(cut_to(0), file.string() + ": cut short: is 0 bytes, should be at least 8");
}

TEST(SafetensorsTest, what_is_no_safetensors_file_is_refused) {
  const fs::path folder = fresh_folder();
  std::ofstream(folder / "x.bin") << "PK\x03\x04 a zip archive";
  EXPECT_EQ(refusal_of([&] {
              Safetensors read(folder / "x.bin");
            }).substr((folder / "x.bin").string().size(), 12),
            ": header is ");
  EXPECT_EQ(refusal_of([&] { Safetensors read(folder / "gone"); }),
            (folder / "gone").string() + ": cannot read: No such file or directory");
  EXPECT_EQ(refusal_of([] { Safetensors read("/dev/null"); }),
            "/dev/null: cannot read: not a file");
}

TEST(SafetensorsTest, a_header_of_a_gigabyte_is_refused_unread) {
  const fs::path file = fresh_folder() / "x.safetensors";
  const uint64_t length = uint64_t{1} << 30;
  std::ofstream(file, std::ios::binary)
      .write(reinterpret_cast<const char*>(&length), sizeof length);
  fs::resize_file(file, length + 8);  // sparse: reading it would map a gigabyte of zeros
  EXPECT_EQ(
      refusal_of([&] { Safetensors read(file); }),
      file.string() +
          ": header is 1073741824 bytes, should be at most 100000000: not a safetensors file");
}

TEST(SafetensorsTest, a_full_disk_leaves_the_old_file) {
  const fs::path file = fresh_folder() / "x.safetensors";
  save_safetensors(file, {{"a", at::ones({4})}});
  fail_disk_after(100);
  const std::string refusal = refusal_of([&] {
    save_safetensors(file, {{"a", at::zeros({1000})}});
  });
  fail_disk_after(-1);
  EXPECT_EQ(refusal, file.string() + ": cannot write: No space left on device");
  EXPECT_TRUE(Safetensors(file).tensor("a").equal(at::ones({4})));
  EXPECT_EQ(std::distance(fs::directory_iterator(file.parent_path()), fs::directory_iterator()), 1);
}

}  // namespace
}  // namespace facet
