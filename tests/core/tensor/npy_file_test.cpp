// Files of numpy.save: what is read of them, and every damaged one.
#include "tensor/npy_file.h"

#include <facet/torch.h>
#include <gtest/gtest.h>

#include <fstream>

#include "expect_refusal.h"
#include "npy_bytes.h"

namespace facet {
namespace {

namespace fs = std::filesystem;

class NpyFiles : public testing::Test {
 protected:
  ~NpyFiles() override { fs::remove(file_); }

  NpyFile open(const std::string& bytes) {
    std::ofstream(file_, std::ios::binary).write(bytes.data(), static_cast<int>(bytes.size()));
    return NpyFile(file_);
  }
  std::string refusal(const std::string& bytes) {
    const std::string says = refusal_of([&] { open(bytes); });
    EXPECT_EQ(says.find(file_.string() + ": "), 0u) << says;
    return says.substr(std::min(file_.string().size() + 2, says.size()));
  }

  fs::path file_ = fs::temp_directory_path() /
                   ("facet_npy_" + std::to_string(::getpid()) + "_" +
                    testing::UnitTest::GetInstance()->current_test_info()->name() + ".npy");
};

constexpr int64_t kLarge = int64_t{1} << 40;

TEST_F(NpyFiles, of_each_kind_and_version_are_read) {
  for (const int version : {1, 2, 3}) {
    const Tensor f4 =
        open(npy(header_of("<f4", "(2, 2)"), raw_bytes<float>({1, 2, 3, 0.5}), version)).tensor();
    EXPECT_TRUE(torch::equal(f4, torch::tensor({{1.0f, 2.0f}, {3.0f, 0.5f}})));
    const Tensor f8 =
        open(npy(header_of("<f8", "(1,)"), raw_bytes<double>({0.1}), version)).tensor();
    EXPECT_EQ(f8.item<double>(), 0.1);
    const Tensor i8 =
        open(npy(header_of("<i8", "(1, 2)"), raw_bytes<int64_t>({-1, kLarge}), version)).tensor();
    EXPECT_TRUE(torch::equal(i8, torch::tensor({{int64_t{-1}, kLarge}}, torch::kInt64)));
    const Tensor i4 = open(npy(header_of("<i4", "()"), raw_bytes<int32_t>({7}), version)).tensor();
    EXPECT_EQ(i4.dim(), 0);
    EXPECT_EQ(i4.item<int32_t>(), 7);
  }
  const NpyFile none = open(npy(header_of("<f4", "(0, 3)"), ""));
  EXPECT_EQ(none.tensor().sizes(), (std::vector<int64_t>{0, 3}));
  EXPECT_EQ(none.type(), at::kFloat);
  EXPECT_EQ(open(npy("{\"shape\":(1),\"fortran_order\":False,\"descr\":\"<i4\"}",
                     raw_bytes<int32_t>({3})))
                .sizes(),
            (std::vector<int64_t>{1}));
}

TEST_F(NpyFiles, keep_their_tensors_when_they_are_closed) {
  const Tensor kept = open(npy(header_of("<f4", "(2,)"), raw_bytes<float>({1, 2}))).tensor();
  EXPECT_EQ(kept.sum().item<float>(), 3);
}

TEST_F(NpyFiles, that_are_none_or_damaged_are_refused) {
  const std::string numbers = raw_bytes<float>({1, 2});
  const std::string good = npy(header_of("<f4", "(2,)"), numbers);
  EXPECT_EQ(refusal(""), "no .npy file: does not begin as numpy.save begins");
  EXPECT_EQ(refusal("PK\x03\x04 and on"), "no .npy file: does not begin as numpy.save begins");
  EXPECT_EQ(refusal(npy(header_of("<f4", "(2,)"), numbers, 4)),
            "is of version 4 of the .npy format, should be 1 to 3");
  EXPECT_EQ(refusal(good.substr(0, 9)), "cut short: ends in its header");
  EXPECT_EQ(refusal(good.substr(0, 50)), "cut short: ends in its header");
  EXPECT_EQ(refusal(good.substr(0, good.size() - 3)),
            "cut short: has 5 bytes of numbers, should have 8 for [2] of 4 bytes");
  EXPECT_EQ(refusal(good + "xyz"), "has 3 bytes behind its numbers, [2] of 4 bytes");
  EXPECT_EQ(refusal(std::string("\x93NUMPY\x02\0\xff\xff\xff\x7f", 12)),
            "has a header of 2147483647 bytes, should have at most 65536");
  std::string askew = good;
  askew[8] = static_cast<char>(askew[8] - 1);
  askew.erase(20, 1);
  EXPECT_NE(refusal(askew).find("its header should name"), std::string::npos);
  EXPECT_EQ(refusal(std::string("\x93NUMPY\x01\0\x37\0", 10) +
                    "{'descr':'<f4','fortran_order':False,'shape':(2,)}     " + numbers),
            "its numbers begin at byte 65, should at a multiple of 4");
}

TEST_F(NpyFiles, cut_anywhere_are_refused_and_with_any_byte_changed_harm_nothing) {
  const std::string good = npy(header_of("<f4", "(2,)"), raw_bytes<float>({1, 2}));
  for (size_t size = 0; size < good.size(); ++size)
    EXPECT_NE(refusal(good.substr(0, size)), "(no refusal)") << size;
  for (size_t at = 0; at < 72; ++at)  // the words of the header; blanks follow
    for (const char byte : {'\0', '(', '9'}) {
      std::string changed = good;
      changed[at] = byte;
      try {
        EXPECT_LE(open(changed).tensor().nbytes(), 8u);
      } catch (const UserError&) {
        continue;
      }
    }
}

TEST_F(NpyFiles, with_other_numbers_than_plain_ones_are_refused) {
  for (const char* kind : {"|O", ">f4", "<f2", "|b1", "<U5"})
    EXPECT_EQ(
        refusal(npy(header_of(kind, "(1,)"), "abcd")),
        "holds numbers of kind \"" + std::string(kind) + "\", should be <f4, <f8, <i4 or <i8");
  EXPECT_EQ(refusal(npy("{'descr': '<f4', 'fortran_order': True, 'shape': (1, 1), }", "abcd")),
            "stands in Fortran order, should be in C order: numpy.ascontiguousarray makes it so");
}

TEST_F(NpyFiles, with_a_header_of_another_form_are_refused) {
  const char* const headers[] = {
      "",
      "print('hello')",
      "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (1 2), }",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (1,",
      "{'descr': '<f4', 'fortran_order': 0, 'shape': (1,), }",
      "{'descr': '<f4', 'fortran_order': False, }",
      "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,), }",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), } + 1",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }"};
  for (const char* header : headers)
    EXPECT_EQ(refusal(npy(header, "abcd")),
              "its header should name descr (one kind of number), fortran_order and shape, is " +
                  std::string(header));
  EXPECT_EQ(refusal(npy(header_of("<f8", "(999999999999999, 999999999999999)"), "")),
            "says that it holds [999999999999999, 999999999999999] of 8 bytes, more than a file "
            "can");
}

}  // namespace
}  // namespace facet
