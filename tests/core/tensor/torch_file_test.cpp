// Files of torch.save: what PyTorch wrote, what only an attacker would, and every damaged one.
#include "tensor/torch_file.h"

#include <facet/torch.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/files.h"
#include "expect_refusal.h"
#include "facet/safetensors.h"

namespace facet {
namespace {

namespace fs = std::filesystem;

const fs::path kTorchFiles = FACET_TEST_DATA "/torch_files";

class TorchFiles : public testing::Test {
 protected:
  ~TorchFiles() override { fs::remove(file_); }

  std::string refusal(const std::string& bytes) {
    put(bytes);
    return refusal_of([&] { read_torch_file(file_); });
  }
  // Faster than write_file(), which waits for the disk.
  void put(const std::string& bytes) {
    std::ofstream(file_, std::ios::binary).write(bytes.data(), static_cast<int>(bytes.size()));
  }

  fs::path file_ = fs::temp_directory_path() /
                   ("facet_torch_" + std::to_string(::getpid()) + "_" +
                    testing::UnitTest::GetInstance()->current_test_info()->name() + ".pt");
};

std::string little(uint64_t value, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i));
  return out;
}

// One file of an archive; sizes may lie.
struct Entry {
  std::string name, bytes;
  uint64_t method = 0, flags = 0;
};
std::string archive(const std::vector<Entry>& entries) {
  std::string out, directory;
  for (const Entry& entry : entries) {
    const std::string common = little(entry.flags, 2) + little(entry.method, 2) + little(0, 8) +
                               little(entry.bytes.size(), 4) + little(entry.bytes.size(), 4) +
                               little(entry.name.size(), 2) + little(0, 2);
    directory +=
        "PK\x01\x02" + little(0, 4) + common + little(0, 10) + little(out.size(), 4) + entry.name;
    out += "PK\x03\x04" + little(0, 2) + common + entry.name + entry.bytes;
  }
  const size_t at = out.size();
  return out + directory + "PK\x05\x06" + little(0, 4) + little(entries.size(), 2) +
         little(entries.size(), 2) + little(directory.size(), 4) + little(at, 4) + little(0, 2);
}

std::string text(const std::string& word) { return "X" + little(word.size(), 4) + word; }
std::string whole(int64_t value) { return "\x8a\x08" + little(static_cast<uint64_t>(value), 8); }
std::string tuple(const std::vector<int64_t>& numbers) {
  std::string out = "(";
  for (const int64_t number : numbers) out += whole(number);
  return out + "t";
}

// {"x": a tensor of `count` floats in data/0}
std::string tensor(int64_t count, int64_t offset, const std::vector<int64_t>& sizes,
                   const std::vector<int64_t>& strides) {
  return "ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + "ctorch\nFloatStorage\n" +
         text("0") + text("cpu") + whole(count) + "tQ" + whole(offset) + tuple(sizes) +
         tuple(strides) +
         "\x89"
         "ccollections\nOrderedDict\n)RtR";
}
std::string pickled(const std::string& body) { return std::string("\x80\x02") + body + "."; }
std::string file_of(const std::string& body, const std::string& data = std::string(24, '\0')) {
  return archive({{"a/data.pkl", pickled(body)}, {"a/data/0", data}});
}
std::string file_with(const std::string& value) { return file_of("}" + text("x") + value + "s"); }

TEST(TorchFile, gives_every_kind_of_tensor) {
  const TorchFile file = read_torch_file(kTorchFiles / "kinds.pt");
  const Tensor base = torch::arange(12, torch::kFloat32).view({3, 4});
  const std::map<std::string, Tensor> expected = {{"transposed", base.t()},
                                                  {"column", base.select(1, 1)},
                                                  {"half", base.to(torch::kHalf)},
                                                  {"brain", base.to(torch::kBFloat16)},
                                                  {"wide", base.to(torch::kDouble)},
                                                  {"whole", torch::arange(3)},
                                                  {"flags", torch::tensor({true, false})},
                                                  {"number", torch::tensor(2.5, torch::kDouble)},
                                                  {"empty", torch::zeros({0, 3})},
                                                  {"parameter", base.slice(0, 0, 1)}};
  ASSERT_EQ(file.tensors.size(), expected.size());
  for (const auto& [name, tensor] : expected) {
    EXPECT_EQ(file.tensors.at(name).scalar_type(), tensor.scalar_type()) << name;
    EXPECT_TRUE(torch::equal(file.tensors.at(name), tensor)) << name;
  }
}

TEST(TorchFile, gives_the_state_of_a_module_and_of_a_lightning_checkpoint) {
  const TorchFile module = read_torch_file(kTorchFiles / "state_dict.pt");
  ASSERT_EQ(module.tensors.size(), 3u);
  EXPECT_TRUE(torch::equal(module.tensors.at("decoder.weight"),
                           torch::arange(20, 26, torch::kFloat32).view({3, 2})));
  const TorchFile file = read_torch_file(kTorchFiles / "lightning.ckpt");
  EXPECT_TRUE(torch::equal(file.tensors.at("state_dict.weights.1"),
                           torch::arange(12, torch::kFloat32).view({3, 4}).t()));
  EXPECT_EQ(file.tensors.at("optimizer_states.0.state.0.step").item<float>(), 7);
  const std::map<std::string, Value> values = {
      {"epoch", 3},
      {"hyper_parameters.k", 16},
      {"hyper_parameters.lr", 1e-4},
      {"hyper_parameters.name", "flatten"},
      {"hyper_parameters.tied", true},
      {"hyper_parameters.none", Value()},
      {"hyper_parameters.big", int64_t{1} << 40},
      {"hyper_parameters.low", -5},
      {"optimizer_states.0.param_groups.0.betas.0", 0.9},
      {"optimizer_states.0.param_groups.0.betas.1", 0.999}};
  EXPECT_EQ(file.values, values);
}

TEST(TorchFile, gives_what_a_safetensors_of_the_same_weights_gives) {
  for (const char* name : {"relu", "jumprelu", "topk", "batchtopk"}) {
    const fs::path folder = FACET_TEST_DATA "/sae/dictlearn_" + std::string(name);
    const Safetensors expected(folder / "ae.safetensors");
    const TorchFile file = read_torch_file(folder / "ae.pt");
    EXPECT_EQ(file.tensors.size(), expected.names().size()) << name;
    for (const std::string& one : expected.names())
      EXPECT_TRUE(torch::equal(file.tensors.at(one), expected.tensor(one))) << name << " " << one;
  }
}

TEST(TorchFile, runs_no_code) {
  const auto refusal = [](const char* name) {
    return refusal_of([&] { read_torch_file(kTorchFiles / name); });
  };
  const std::string where = kTorchFiles.string() + "/";
  const std::string end = ": only tensors are read, no code is run";
  EXPECT_EQ(refusal("attack.pt"), where + "attack.pt: asks for posix.system" + end);
  EXPECT_EQ(refusal("module.pt"),
            where + "module.pt: asks for torch.nn.modules.linear.Linear" + end);
  EXPECT_EQ(refusal("sparse.pt"),
            where + "sparse.pt: asks for torch._utils._rebuild_sparse_tensor" + end);
  EXPECT_EQ(refusal("legacy.pt"),
            where +
                "legacy.pt: is of torch.save before PyTorch 1.6, should be a zip archive: load "
                "it there and save it again");
  EXPECT_EQ(refusal("compressed.pt"),
            where +
                "compressed.pt: state_dict/data.pkl: is compressed (method 8), "
                "should be stored as it is");
}

TEST_F(TorchFiles, runs_no_code_in_any_spelling) {
  const std::string where = file_.string();
  const std::string end = ": only tensors are read, no code is run";
  EXPECT_EQ(refusal(file_with("cos\nsystem\n" + text("true") + "\x85R")),
            where + ": asks for os.system" + end);
  EXPECT_EQ(refusal(file_with(text("builtins") + text("eval") + "\x93" + text("1") + "\x85R")),
            where + ": asks for builtins.eval" + end);
  EXPECT_EQ(refusal(file_with("ctorch._utils\n_rebuild_tensor_v2 \n)R")),
            where + ": asks for torch._utils._rebuild_tensor_v2 " + end);
  EXPECT_EQ(refusal(file_with(std::string("c\x1b[2J\nx\n"))), where + ": asks for ?[2J.x" + end);
  EXPECT_EQ(refusal(file_with("(i os\nsystem\n")),
            where + ": its pickle has opcode 105 at byte 10, which no file of tensors has");
  EXPECT_EQ(refusal(file_with("ctorch\nFloatStorage\n)R")),
            where + ": damaged: its pickle calls what cannot be called at byte 31");
  EXPECT_EQ(refusal(file_with("}}" + text("__setstate__") + "Nsb")),
            where + ": damaged: its pickle sets attributes that tensors do not have at byte 31");
  EXPECT_EQ(refusal(file_with("ccollections\nOrderedDict\n((" + text("a") + "NttR")),
            where + ": damaged: its pickle makes an OrderedDict of something at byte 46");
}

TEST_F(TorchFiles, a_tensor_stays_in_its_storage) {
  put(file_with(tensor(6, 2, {2, 2}, {2, 1})));
  EXPECT_EQ(read_torch_file(file_).tensors.at("x").sizes(), (std::vector<int64_t>{2, 2}));
  constexpr int64_t kHuge = int64_t{1} << 62;
  struct Case {
    std::string value, text;
  };
  const Case cases[] = {
      {tensor(6, 3, {2, 2}, {2, 1}), "x: is [2, 2] from number 3 of a storage of 6"},
      {tensor(6, 0, {7}, {0}), "x: is [7] from number 0 of a storage of 6"},
      {tensor(6, 0, {2}, {kHuge}), "x: is [2] from number 0 of a storage of 6"},
      {tensor(6, kHuge, {2, 2}, {kHuge, kHuge}),
       "x: is [2, 2] from number 4611686018427387904 of a storage of 6"},
      {tensor(6, 0, {kHuge, 4}, {1, 1}),
       "x: is [4611686018427387904, 4] from number 0 of a storage of 6"},
      {tensor(6, -1, {1}, {1}), "x: the storage's offset is no integer that is at least 0"},
      {tensor(6, 0, {-1}, {1}), "x: the size is no integer that is at least 0"},
      {tensor(6, 0, {2}, {-1}), "x: the stride is no integer that is at least 0"},
      {tensor(6, 0, {2, 2}, {1}), "x: has 2 sizes and 1 strides"},
      {tensor(6, 0, std::vector<int64_t>(17, 1), std::vector<int64_t>(17, 1)),
       "x: the size has more than 16 axes"},
      {tensor(7, 0, {2}, {1}), "x: its storage should hold 7 numbers of 4 bytes, is 24 bytes"},
      {tensor(kHuge, 0, {2}, {1}),
       "x: its storage should hold 4611686018427387904 numbers of 4 bytes, is 24 bytes"},
  };
  for (const Case& one : cases)
    EXPECT_EQ(refusal(file_with(one.value)), file_.string() + ": " + one.text);
  EXPECT_EQ(refusal(archive({{"a/data.pkl", pickled(tensor(6, 0, {2}, {1}))}})),
            file_.string() + ": : its storage is missing: the archive has no a/data/0");
}

TEST_F(TorchFiles, what_is_too_deep_or_too_much_is_refused) {
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "}" + text("x");
  EXPECT_EQ(refusal(file_of(deep + "N" + std::string(100, 's'))),
            file_.string() + ": holds tables in tables, more than 64");
  std::string doubled = "]q" + std::string(1, '\0');  // each list holds the one before twice
  for (char i = 1; i < 40; ++i)
    doubled +=
        std::string("(h") + static_cast<char>(i - 1) + "h" + static_cast<char>(i - 1) + "lq" + i;
  for (size_t at; (at = doubled.find("lq")) != std::string::npos;) doubled[at] = 't';
  EXPECT_EQ(refusal(file_of("N0" + doubled)).find(file_.string() + ": "), 0u);
  std::string twice = "N\x85q" + std::string(1, '\0');
  for (char i = 1; i < 40; ++i)
    twice +=
        std::string("h") + static_cast<char>(i - 1) + "h" + static_cast<char>(i - 1) + "\x86q" + i;
  const std::string keep = "(";
  EXPECT_EQ(refusal(file_of(keep + twice + "t")),
            file_.string() + ": holds more than 1048576 entries");
  EXPECT_EQ(refusal(file_of("]q" + std::string(1, '\0') + "h" + std::string(1, '\0') + "a")),
            file_.string() + ": holds tables in tables, more than 64");
  EXPECT_EQ(refusal(file_of("}(" + text("x") + "N" + text("x") + "Nu")),
            file_.string() + ": holds \"x\" twice");
  EXPECT_EQ(refusal(file_of("}" + text(std::string(1001, 'k')) + "Ns")),
            file_.string() + ": has a key of 1001 bytes");
  EXPECT_EQ(refusal(file_of("\x8a\x09" + std::string(9, '\0'))),
            file_.string() + ": its pickle has an integer of 9 bytes");
}

TEST_F(TorchFiles, an_archive_that_is_damaged_is_refused) {
  const std::string where = file_.string() + ": ";
  EXPECT_EQ(refusal("no zip"), where + "no zip archive, or cut short: has no end of the directory");
  EXPECT_EQ(refusal(""), where + "no zip archive, or cut short: has no end of the directory");
  EXPECT_EQ(refusal(archive({{"a/other", "x"}})),
            where + "no file of torch.save: the archive has no data.pkl");
  EXPECT_EQ(refusal(archive({{"a/data.pkl", "x"}, {"a/data.pkl", "x"}})),
            where + "damaged: holds a/data.pkl twice");
  EXPECT_EQ(refusal(archive({{"a/data.pkl", "x", 8}})),
            where + "a/data.pkl: is compressed (method 8), should be stored as it is");
  EXPECT_EQ(refusal(archive({{"a/data.pkl", "x", 0, 1}})),
            where + "a/data.pkl: is encrypted, should not be");
  EXPECT_EQ(refusal(archive({{"a/data.pkl", pickled("N")}, {"a/byteorder", "big"}})),
            where + "byteorder is not \"little\"");
  EXPECT_EQ(refusal(archive({{"a/data.pkl", "\x80\x01N."}})),
            where + "its pickle has protocol 1, should be 2 to 5");
}

// Touches every number that was read.
void touch(const TorchFile& file) {
  for (const auto& [name, tensor] : file.tensors) tensor.to(torch::kDouble).sum().item<double>();
}

TEST_F(TorchFiles, no_cut_and_no_changed_byte_crashes) {
  const std::string small = file_with(tensor(6, 2, {2, 2}, {2, 1}));
  std::vector<std::string> files = {small};
  for (const char* name : {"state_dict.pt", "lightning.ckpt", "kinds.pt"})
    files.push_back(read_file(kTorchFiles / name));
  int read = 0, refused = 0;
  const auto attempt = [&](const std::string& bytes) {
    put(bytes);
    try {
      touch(read_torch_file(file_));
      ++read;
    } catch (const UserError& e) {
      EXPECT_EQ(std::string(e.what()).find(file_.string() + ": "), 0u) << e.what();
      ++refused;
    }
  };
  for (const std::string& whole : files) {
    const size_t stride = whole.size() == small.size() ? 3 : 17;
    for (size_t size = 0; size < whole.size(); size += stride) {
      const int before = read;
      attempt(whole.substr(0, size));
      EXPECT_EQ(read, before) << "cut at " << size;
    }
    for (size_t at = 0; at < whole.size(); at += stride)
      for (const int flip : {0x01, 0x80, 0xff}) {
        std::string changed = whole;
        changed[at] = static_cast<char>(changed[at] ^ flip);
        attempt(changed);
      }
  }
  EXPECT_GT(read, 50);      // numbers, padding, times
  EXPECT_GT(refused, 500);  // the rest
}

}  // namespace
}  // namespace facet
